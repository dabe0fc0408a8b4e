import { conformance } from './suite.ts'

conformance('sleep and wake', ({ transcript }) => {
  transcript('a submission wakes a sleeping worker: NOOP to the byte')`
    worker > CAN_DO f
    worker > PRE_SLEEP
    worker quiet
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker < bytes \0RES\0\0\0\x06\0\0\0\0
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|
  `

  transcript('PRE_SLEEP with a job waiting is answered with NOOP, and the worker counts as awake')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > PRE_SLEEP
    worker < NOOP
    client > SUBMIT_JOB_BG f||y
    client < JOB_CREATED $job2
    worker quiet
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > PRE_SLEEP
    worker < NOOP
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|y
    worker > PRE_SLEEP
    worker quiet
    worker > WORK_COMPLETE $job1|
    worker > WORK_COMPLETE $job2|
  `

  transcript('a sleeper gets one NOOP until it grabs again')`
    worker > CAN_DO f
    worker > PRE_SLEEP
    client > SUBMIT_JOB_BG f||1
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f||2
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG f||3
    client < JOB_CREATED $job3
    worker < NOOP
    worker quiet
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|1
    client > SUBMIT_JOB_BG f||4
    client < JOB_CREATED $job4
    worker quiet
  `

  transcript('a worker that is awake is not woken')`
    worker > CAN_DO f
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker quiet
  `

  transcript('grabbing ends the sleep')`
    worker > CAN_DO f
    worker > PRE_SLEEP
    worker > GRAB_JOB
    worker < NO_JOB
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker quiet
  `

  transcript('a job of another function wakes nobody, nor does it answer PRE_SLEEP')`
    client > SUBMIT_JOB_BG g||x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > PRE_SLEEP
    worker quiet
    client > SUBMIT_JOB_BG g||y
    client < JOB_CREATED $job2
    worker quiet
  `

  transcript('a function given up while asleep wakes no more')`
    worker > CAN_DO f
    worker > PRE_SLEEP
    worker > CANT_DO f
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker quiet
  `

  transcript('CAN_DO while asleep, and a job waits')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker > CAN_DO g
    worker > PRE_SLEEP
    worker > CAN_DO f
    differs: no worker sleeps while there is a job that it could do
    ours:     worker < NOOP
    gearmand: worker quiet
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|
  `

  transcript('several sleepers and one job')`
    w1 > CAN_DO f
    w2 > CAN_DO f
    w3 > CAN_DO f
    w1 > PRE_SLEEP
    w2 > PRE_SLEEP
    w3 > PRE_SLEEP
    client > SUBMIT_JOB_BG f||1
    client < JOB_CREATED $job1
    differs: a submission wakes one sleeper, the one longest asleep: no stampede for one job
    ours:     w1 < NOOP
    ours:     w2 quiet
    ours:     w3 quiet
    gearmand: w1 < NOOP
    gearmand: w2 < NOOP
    gearmand: w3 < NOOP
    w1 > GRAB_JOB
    w1 < JOB_ASSIGN $job1|f|1
    w1 > WORK_COMPLETE $job1|
    w1 > PRE_SLEEP
    client > SUBMIT_JOB_BG f||2
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG f||3
    client < JOB_CREATED $job3
    differs: one sleeper a job, whoever has slept longest
    ours:     w2 < NOOP
    ours:     w3 < NOOP
    ours:     w1 quiet
    gearmand: w1 < NOOP
    gearmand: w2 quiet
    gearmand: w3 quiet
  `

  transcript('the woken one takes another job')`
    w1 > CAN_DO f
    w1 > CAN_DO g
    w1 > PRE_SLEEP
    w2 > CAN_DO f
    w2 > PRE_SLEEP
    client > SUBMIT_JOB_BG f||of f
    client < JOB_CREATED $job1
    w1 < NOOP
    client > SUBMIT_JOB_HIGH_BG g||of g
    client < JOB_CREATED $job2
    differs: only now is the second one needed, and woken
    ours:     w2 quiet
    gearmand: w2 < NOOP
    w1 > GRAB_JOB
    w1 < JOB_ASSIGN $job2|g|of g
    differs: see above
    ours:     w2 < NOOP
    gearmand: w2 quiet
    w2 > GRAB_JOB
    w2 < JOB_ASSIGN $job1|f|of f
    w1 > WORK_COMPLETE $job2|
    w2 > WORK_COMPLETE $job1|
  `

  transcript('the woken one leaves')`
    w1 > CAN_DO f
    w1 > PRE_SLEEP
    w2 > CAN_DO f
    w2 > PRE_SLEEP
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    w1 < NOOP
    differs: only now is the second one needed, and woken
    ours:     w2 quiet
    ours:     w1 leaves
    ours:     w2 < NOOP
    gearmand: w2 < NOOP
    gearmand: w1 leaves
    w2 > GRAB_JOB
    w2 < JOB_ASSIGN $job|f|x
    w2 > WORK_COMPLETE $job|
  `

  transcript('the woken one does nothing')`
    ours only: gearmand has woken all of them already
    w1 > CAN_DO f
    w1 > PRE_SLEEP
    w2 > CAN_DO f
    w2 > PRE_SLEEP
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    w1 < NOOP
    # The second one is woken when a second has passed.
    w2 < NOOP
    w2 > GRAB_JOB
    w2 < JOB_ASSIGN $job|f|x
    w2 > WORK_COMPLETE $job|
    w1 > GRAB_JOB
    w1 < NO_JOB
  `

  transcript('a woken one that forgets the function')`
    ours only: gearmand has woken all of them already
    w1 > CAN_DO f
    w1 > PRE_SLEEP
    w2 > CAN_DO f
    w2 > PRE_SLEEP
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    w1 < NOOP
    w1 > CANT_DO f
    w2 < NOOP
  `
})

conformance(
  'sleep and wake with --worker-wakeup 1',
  ({ transcript }) => {
    transcript('one sleeper a job, and another one for the next')`
      w1 > CAN_DO f
      w1 > PRE_SLEEP
      w2 > CAN_DO f
      w2 > PRE_SLEEP
      client > SUBMIT_JOB_BG f||1
      client < JOB_CREATED $job1
      client > SUBMIT_JOB_BG f||2
      client < JOB_CREATED $job2
      w1 < NOOP
      w2 < NOOP
      w1 quiet
      w2 quiet
    `
  },
  { ours: [], gearmand: ['--worker-wakeup=1'] },
)

conformance(
  'sleep and wake with --worker-wakeup 0',
  ({ transcript }) => {
    transcript('all sleepers are woken, each once until it grabs')`
      w1 > CAN_DO f
      w1 > PRE_SLEEP
      w2 > CAN_DO f
      w2 > PRE_SLEEP
      w3 > CAN_DO g
      w3 > PRE_SLEEP
      client > SUBMIT_JOB_BG f||1
      client < JOB_CREATED $job1
      client > SUBMIT_JOB_BG f||2
      client < JOB_CREATED $job2
      w1 < NOOP
      w2 < NOOP
      w1 quiet
      w2 quiet
      w3 quiet
      w2 > GRAB_JOB
      w2 < JOB_ASSIGN $job1|f|1
      w1 > GRAB_JOB
      w1 < JOB_ASSIGN $job2|f|2
    `
  },
  { ours: ['--worker-wakeup', '0'], gearmand: ['--worker-wakeup=0'] },
)

conformance(
  'sleep and wake with --worker-wakeup 2',
  ({ transcript }) => {
    transcript('two sleepers a job')`
      w1 > CAN_DO f
      w1 > PRE_SLEEP
      w2 > CAN_DO f
      w2 > PRE_SLEEP
      w3 > CAN_DO f
      w3 > PRE_SLEEP
      client > SUBMIT_JOB_BG f||1
      client < JOB_CREATED $job1
      w1 < NOOP
      w2 < NOOP
      w3 quiet
    `
  },
  { ours: ['--worker-wakeup', '2'], gearmand: ['--worker-wakeup=2'] },
)
