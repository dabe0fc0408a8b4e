import assert from 'node:assert/strict'
import { PACKET, waitMs } from '../support/raw.ts'
import { conformance } from './suite.ts'

function epochSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

conformance('epoch', ({ transcript, scenario }) => {
  for (const epoch of ['0', '1', '-1', 'now', '', '1000000000', ' 12', '12abc']) {
    transcript(`an epoch of "${epoch}" is past: the job is ready at once`)`
      client > SUBMIT_JOB_EPOCH f|u|${epoch}|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ $job|f|u|x
      worker > WORK_COMPLETE $job|y
      client quiet
    `
  }

  transcript('a job of the far future waits, the ones behind it do not')`
    client > SUBMIT_JOB_EPOCH f|u|4102444800|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|v|y
    client < JOB_CREATED $job2
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|y
    worker > WORK_COMPLETE $job2|
    worker > GRAB_JOB
    worker < NO_JOB
    worker > PRE_SLEEP
    worker quiet
    worker > GET_STATUS $job1
    worker < STATUS_RES $job1|1|0|0|0
    worker > "status\n"
    worker < "f\t1\t0\t1\n.\n"
    worker > "prioritystatus\n"
    worker < "f\t0\t1\t0\t1\n.\n"
    worker > "show jobs\n"
    worker < "$job1\t0\t0\t1\n.\n"
    worker > "show unique jobs\n"
    worker < "u\n.\n"
  `

  transcript('the largest number of seconds is a time like any other')`
    client > SUBMIT_JOB_EPOCH f|u|9223372036854775807|x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
  `

  transcript('a waiting one is joined like any other job: the time of the first stands')`
    client > SUBMIT_JOB_EPOCH f|u|4102444800|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_EPOCH f|u|0|y
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|u|z
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
  `

  transcript('a workload as key joins here too')`
    client > SUBMIT_JOB_EPOCH f|-|4102444800|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_EPOCH f|-|4102444800|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_EPOCH f|-|4102444800|y
    client < JOB_CREATED $job2
  `

  transcript('a waiting one can be cancelled')`
    client > SUBMIT_JOB_EPOCH f|u|4102444800|x
    client < JOB_CREATED $job
    client > "cancel job $job\n"
    client < "OK\r\n"
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
  `

  transcript('it counts for maxqueue')`
    client > SUBMIT_JOB_EPOCH f||4102444800|x
    client < JOB_CREATED $job1
    client > "maxqueue f 1\n"
    client < "OK\r\n"
    client > SUBMIT_JOB_EPOCH f||4102444800|x
    client < ERROR QUEUE_ERROR|Job queue is full
  `

  transcript('a unique of 65 bytes is refused')`
    client > SUBMIT_JOB_EPOCH f|{u*65}|0|x
    client < ERROR ARGUMENT_TOO_LARGE|Unique value too large
  `

  transcript('submitting one to a sleeping worker')`
    worker > CAN_DO f
    worker > PRE_SLEEP
    client > SUBMIT_JOB_EPOCH f|u|4102444800|x
    client < JOB_CREATED $job
    differs: nobody is woken for a job that is not due
    ours:     worker quiet
    gearmand: worker < NOOP
  `

  scenario('a job is ready when its second has come, not before', async ({ connect }) => {
    const client = await connect('client')
    const worker = await connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    const dueAt = epochSeconds() + 2
    client.send(PACKET.SUBMIT_JOB_EPOCH, 'f', 'u', String(dueAt), 'x')
    const handle = (await client.receive('JOB_CREATED')).body.toString()
    const deadline = Date.now() + waitMs
    for (;;) {
      worker.send(PACKET.GRAB_JOB)
      const packet = await worker.receive('JOB_ASSIGN or NO_JOB')
      if (packet.type === PACKET.JOB_ASSIGN) {
        assert.deepEqual(packet.args, [handle, 'f'])
        assert.ok(Date.now() / 1000 >= dueAt - 0.02, `assigned at ${Date.now()}, due at ${dueAt} s`)
        return
      }
      assert.ok(Date.now() < deadline, 'the job never became ready')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })

  scenario(
    'a sleeping worker is woken when a job is due',
    async ({ connect }) => {
      const client = await connect('client')
      const worker = await connect('worker')
      worker.send(PACKET.CAN_DO, 'f')
      worker.send(PACKET.PRE_SLEEP)
      await worker.expectNothing()
      const dueAt = epochSeconds() + 2
      client.send(PACKET.SUBMIT_JOB_EPOCH, 'f', 'u', String(dueAt), 'x')
      const handle = (await client.receive('JOB_CREATED')).body.toString()
      await worker.expectNothing()
      assert.equal((await worker.receive('NOOP')).name, 'NOOP')
      worker.send(PACKET.GRAB_JOB)
      const assigned = await worker.receive('JOB_ASSIGN')
      assert.deepEqual([assigned.name, ...assigned.args], ['JOB_ASSIGN', handle, 'f'])
      assert.ok(Date.now() / 1000 >= dueAt - 0.02, `assigned at ${Date.now()}, due at ${dueAt} s`)
    },
    { oursOnly: 'gearmand 1.1 leaves the worker asleep until something else wakes it, gearmand 2.0 does not' },
  )

  scenario(
    'a number of seconds that no number holds is answered',
    async ({ connect }) => {
      const client = await connect('client')
      for (const epoch of ['9223372036854775808', '-9223372036854775809', '9'.repeat(100)]) {
        client.send(PACKET.SUBMIT_JOB_EPOCH, 'f', '', epoch, 'x')
        const { name } = await client.receive('JOB_CREATED or ERROR')
        assert.ok(name === 'JOB_CREATED' || name === 'ERROR', name)
      }
    },
    { oursOnly: 'gearmand drops the submission without a word, and the client waits for ever' },
  )
})
