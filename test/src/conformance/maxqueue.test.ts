import assert from 'node:assert/strict'
import { PACKET } from '../support/raw.ts'
import { conformance } from './suite.ts'

/** What `maxqueue` allows, submission by submission: `.` accepted, `!` refused. */
const limits: readonly { readonly command: string; readonly submits: string; readonly answers: string }[] = [
  { command: 'maxqueue f 2', submits: 'N N N H L', answers: '. . ! ! !' },
  { command: 'maxqueue f 3 2 1', submits: 'L L N N H H', answers: '. ! . ! . !' },
  { command: 'maxqueue f 2 1', submits: 'L L H N L', answers: '. . ! ! .' },
  { command: 'maxqueue f 0', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f -1', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f many', submits: 'N N N H L', answers: '. . . . .' },
  { command: 'maxqueue f 0 1 0', submits: 'H H N L', answers: '. . ! .' },
]

conformance('maxqueue', ({ transcript, scenario }) => {
  const submitOf: Readonly<Record<string, number>> = {
    H: PACKET.SUBMIT_JOB_HIGH_BG,
    N: PACKET.SUBMIT_JOB_BG,
    L: PACKET.SUBMIT_JOB_LOW,
  }
  for (const { command, submits, answers } of limits) {
    scenario(`"${command}": ${submits} is answered ${answers}`, async ({ connect, stage }) => {
      assert.equal(await stage.ask('create function f'), 'OK\r\n')
      assert.equal(await stage.ask(command), 'OK\r\n')
      const client = await connect('client')
      const got: string[] = []
      for (const letter of submits.split(' ')) {
        client.send(submitOf[letter] ?? 0, 'f', '', 'x')
        const { name, args } = await client.receive('JOB_CREATED or ERROR')
        if (name === 'ERROR') assert.deepEqual(args, ['QUEUE_ERROR', 'Job queue is full'])
        got.push(name === 'ERROR' ? '!' : '.')
      }
      assert.equal(got.join(' '), answers)
    })
  }

  transcript('running jobs count, and what is done makes room')`
    admin > "create function f\r\n"
    admin < "OK\r\n"
    admin > "maxqueue f 1\r\n"
    admin < "OK\r\n"
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > SUBMIT_JOB_BG f||x
    client < ERROR QUEUE_ERROR|Job queue is full
    client > SUBMIT_REDUCE_JOB f||r||x
    client < ERROR QUEUE_ERROR|Job queue is full
    worker > WORK_COMPLETE $job1|
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job2
  `

  transcript("one function's limit is not another's")`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > "maxqueue f 1\n"
    client < "OK\r\n"
    client > SUBMIT_JOB_BG f||x
    client < ERROR QUEUE_ERROR|Job queue is full
    client > SUBMIT_JOB_BG g||x
    client < JOB_CREATED $job2
    client > "maxqueue f\n"
    client < "OK\r\n"
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job3
  `

  transcript('for a function that nobody knows yet')`
    client > "maxqueue f 1\n"
    client < "OK\r\n"
    client > "status\n"
    differs: a function with a limit is a function, and listed
    ours:     client < "f\t0\t0\t0\n.\n"
    gearmand: client < ".\n"
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f||x
    differs: OK means that it is so; gearmand forgets it
    ours:     client < ERROR QUEUE_ERROR|Job queue is full
    gearmand: client < JOB_CREATED $job2
  `
})
