import assert from 'node:assert/strict'
import { PACKET } from '../support/raw.ts'
import { conformance } from './suite.ts'

conformance('timeouts', ({ transcript, scenario }) => {
  transcript('an expired job is queued again, the late worker has lost it')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO_TIMEOUT f|1000
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_STATUS $job|1|2
    client < WORK_STATUS $job|1|2
    other > CAN_DO f
    other > PRE_SLEEP
    # The timer wakes the other one.
    other < NOOP
    worker quiet
    client quiet
    client > "show jobs\n"
    client < "$job\t1\t0\t0\n.\n"
    client > "status\n"
    client < "f\t1\t0\t2\n.\n"
    client > GET_STATUS $job
    client < STATUS_RES $job|1|0|0|0
    worker > WORK_COMPLETE $job|late
    differs: a worker whose job was taken away may still speak of it: an ERROR would end the loop of a PHP worker
    gearmand: worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    ours:     worker quiet
    other > GRAB_JOB
    other < JOB_ASSIGN $job|f|x
    other > WORK_COMPLETE $job|y
    client < WORK_COMPLETE $job|y
  `

  scenario('values of CAN_DO_TIMEOUT that expire', async ({ connect }) => {
    const client = await connect('client')
    // All at once: one by one they would take a second each.
    await Promise.all(
      ['1', '999', '1000', ' 1000', '01000', '1000ms', '+1000'].map(async (ms, n) => {
        client.send(PACKET.SUBMIT_JOB_BG, `f${n}`, '', ms)
        const worker = await connect(`worker with "${ms}"`)
        worker.send(PACKET.CAN_DO_TIMEOUT, `f${n}`, ms)
        worker.send(PACKET.PRE_SLEEP)
        await worker.receive('NOOP')
        worker.send(PACKET.GRAB_JOB)
        const first = await worker.receive('JOB_ASSIGN')
        assert.equal(first.data.toString(), ms)
        const sleeper = await connect(`sleeper behind "${ms}"`)
        sleeper.send(PACKET.CAN_DO, `f${n}`)
        // As real workers do it: what wakes them is a hint, not a promise of a job.
        for (;;) {
          sleeper.send(PACKET.PRE_SLEEP)
          await sleeper.receive('NOOP')
          sleeper.send(PACKET.GRAB_JOB)
          const packet = await sleeper.receive('JOB_ASSIGN or NO_JOB')
          if (packet.type === PACKET.NO_JOB) continue
          assert.deepEqual([packet.name, packet.data.toString(), packet.args[0]], ['JOB_ASSIGN', ms, first.args[0]])
          return
        }
      }),
    )
  })

  // A job with a real timer that starts later is the clock: when it has expired, the ones under test would have.
  const lasting: readonly (readonly [name: string, ms: string])[] = [
    ['zero', '0'],
    ['negative', '-1000'],
    ['not a number', 'soon'],
    ['empty', ''],
    ['four bytes', '\\0\\0\\x03\\xe8'],
    ['an hour', '3600000'],
    ['ten days', '864000000'],
    ['more than 2^31 ms', '2147483648'],
    ['fifty days, more than 2^32 ms', '4320000000'],
  ]
  transcript(`values of CAN_DO_TIMEOUT that do not expire now: ${lasting.map(([name]) => name).join(', ')}`)`
    ${lasting
      .map(
        ([, ms], n) => `
      client > SUBMIT_JOB f${n}|u|x
      client < JOB_CREATED $job${n}
      worker${n} > CAN_DO_TIMEOUT f${n}|${ms}
      worker${n} > GRAB_JOB
      worker${n} < JOB_ASSIGN $job${n}|f${n}|x`,
      )
      .join('')}
    client > SUBMIT_JOB clock|u|x
    client < JOB_CREATED $jobOfClock
    clock > CAN_DO_TIMEOUT clock|1500
    clock > GRAB_JOB
    clock < JOB_ASSIGN $jobOfClock|clock|x
    sleeper > CAN_DO clock
    sleeper > PRE_SLEEP
    sleeper < NOOP
    ${lasting
      .map(
        (_, n) => `
      client > GET_STATUS $job${n}
      client < STATUS_RES $job${n}|1|1|0|0`,
      )
      .join('')}
  `

  transcript('CAN_DO_TIMEOUT of more digits than a number has')`
    worker > CAN_DO_TIMEOUT f|{9*21}
    differs: as none; gearmand drops the packet without a word, and sometimes the connection
    ours:     worker > "status\n"
    ours:     worker < "f\t0\t0\t1\n.\n"
    gearmand: worker unanswered
    gearmand: other > "status\n"
    gearmand: other < ".\n"
  `

  transcript('a job that is done in time: its timer ends with it')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB clock|u|x
    client < JOB_CREATED $job2
    worker > CAN_DO_TIMEOUT f|1000
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > WORK_COMPLETE $job1|y
    client < WORK_COMPLETE $job1|y
    clock > CAN_DO_TIMEOUT clock|2100
    clock > GRAB_JOB
    clock < JOB_ASSIGN $job2|clock|x
    sleeper > CAN_DO clock
    sleeper > PRE_SLEEP
    sleeper < NOOP
    sleeper > "status\n"
    differs: a finished job cannot expire; gearmand runs it again, empty, and counts below zero
    ours:     sleeper <~ "clock\t1\t0\t2\nf\t0\t0\t1\n.\n"
    ours:     worker > GRAB_JOB
    ours:     worker < NO_JOB
    gearmand: sleeper <~ "clock\t1\t0\t2\nf\t0\t4294967295\t1\n.\n"
  `

  transcript('two jobs of one worker: each has its timer')`
    client > SUBMIT_JOB f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB f|2|x
    client < JOB_CREATED $job2
    worker > CAN_DO_TIMEOUT f|1000
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    client > SUBMIT_JOB clock|u|x
    client < JOB_CREATED $job3
    clock > CAN_DO_TIMEOUT clock|2100
    clock > GRAB_JOB
    clock < JOB_ASSIGN $job3|clock|x
    sleeper > CAN_DO clock
    sleeper > PRE_SLEEP
    sleeper < NOOP
    sleeper > "show jobs\n"
    differs: one timer a job; gearmand has one a connection, and one of the jobs runs for ever
    ours:     sleeper <~ "$job1\t1\t0\t0\n$job2\t1\t0\t0\n$job3\t1\t0\t0\n.\n"
    gearmand: sleeper <~ "$job1\t1\t0\t0\n$job2\t0\t0\t0\n$job3\t1\t0\t0\n.\n"
  `

  transcript('going to sleep with a job in hand')`
    client > SUBMIT_JOB f|1|x
    client < JOB_CREATED $job1
    worker > CAN_DO_TIMEOUT f|1000
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > PRE_SLEEP
    client > SUBMIT_JOB clock|u|x
    client < JOB_CREATED $job2
    clock > CAN_DO_TIMEOUT clock|2100
    clock > GRAB_JOB
    clock < JOB_ASSIGN $job2|clock|x
    sleeper > CAN_DO clock
    sleeper > PRE_SLEEP
    sleeper < NOOP
    sleeper > "show jobs\n"
    differs: the timer is the job's, sleep does not stop it
    ours:     sleeper <~ "$job1\t1\t0\t0\n$job2\t1\t0\t0\n.\n"
    ours:     worker < NOOP
    gearmand: sleeper <~ "$job1\t0\t0\t0\n$job2\t1\t0\t0\n.\n"
  `

  transcript('CAN_DO after CAN_DO_TIMEOUT takes the timeout away')`
    worker > CAN_DO_TIMEOUT f|1000
    worker > CAN_DO f
    worker > "status\n"
    differs: the second registration replaces the first
    ours:     worker < "f\t0\t0\t1\n.\n"
    gearmand: worker < "f\t0\t0\t2\n.\n"
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job1
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > SUBMIT_JOB clock|u|x
    client < JOB_CREATED $job2
    clock > CAN_DO_TIMEOUT clock|1200
    clock > GRAB_JOB
    clock < JOB_ASSIGN $job2|clock|x
    sleeper > CAN_DO clock
    sleeper > PRE_SLEEP
    sleeper < NOOP
    sleeper > GET_STATUS $job1
    sleeper < STATUS_RES $job1|1|1|0|0
  `

  transcript('CAN_DO_TIMEOUT after CAN_DO gives one')`
    worker > CAN_DO f
    worker > CAN_DO_TIMEOUT f|1000
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    sleeper > CAN_DO f
    sleeper > PRE_SLEEP
    sleeper < NOOP
    sleeper > GET_STATUS $job
    sleeper < STATUS_RES $job|1|0|0|0
  `

  scenario('a job does not expire early', async ({ connect }) => {
    const client = await connect('client')
    const worker = await connect('worker')
    const sleeper = await connect('sleeper')
    worker.send(PACKET.CAN_DO_TIMEOUT, 'f', '1500')
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await client.receive('JOB_CREATED')
    const grabbedAt = performance.now()
    worker.send(PACKET.GRAB_JOB)
    await worker.receive('JOB_ASSIGN')
    sleeper.send(PACKET.CAN_DO, 'f')
    sleeper.send(PACKET.PRE_SLEEP)
    assert.equal((await sleeper.receive('NOOP')).name, 'NOOP')
    // A few milliseconds for two clocks that are not the same one.
    assert.ok(performance.now() - grabbedAt >= 1480)
  })
})
