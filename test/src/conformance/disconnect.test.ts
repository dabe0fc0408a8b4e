import { conformance } from './suite.ts'

conformance('disconnects and retries', ({ transcript }) => {
  transcript('a foreground client leaves while its job waits')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    client leaves
    worker > CAN_DO f
    worker > "status\n"
    differs: a job that nobody waits for leaves the queue and the counts at once
    ours:     worker < "f\t0\t0\t1\n.\n"
    gearmand: worker < "f\t1\t0\t1\n.\n"
    worker > "show jobs\n"
    differs: see above; the third column says that gearmand will ignore it
    ours:     worker < ".\n"
    gearmand: worker < "$job\t0\t1\t0\n.\n"
    worker > GET_STATUS $job
    differs: see above
    ours:     worker < STATUS_RES $job|0|0|0|0
    gearmand: worker < STATUS_RES $job|1|0|0|0
    worker > GRAB_JOB
    worker < NO_JOB
    worker > "status\n"
    worker < "f\t0\t0\t1\n.\n"
  `

  transcript('the same is submitted again after that')`
    first > SUBMIT_JOB f|u|x
    first < JOB_CREATED $job1
    first leaves
    second > SUBMIT_JOB f|u|y
    differs: a submission never joins an abandoned job; with gearmand it gets no answer, ever
    ours:     second < JOB_CREATED $job2
    ours:     worker > CAN_DO f
    ours:     worker > GRAB_JOB
    ours:     worker < JOB_ASSIGN $job2|f|y
    ours:     worker > WORK_COMPLETE $job2|z
    ours:     second < WORK_COMPLETE $job2|z
    gearmand: second < JOB_CREATED $job1
    gearmand: worker > CAN_DO f
    gearmand: worker > GRAB_JOB
    gearmand: worker < NO_JOB
    gearmand: second quiet
  `

  transcript('one of two waiting clients leaves: the other one gets the result')`
    a > SUBMIT_JOB f|u|x
    a < JOB_CREATED $job
    b > SUBMIT_JOB f|u|x
    b < JOB_CREATED $job
    a leaves
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|y
    b < WORK_COMPLETE $job|y
  `

  transcript('a foreground client leaves while its job runs: the worker is not told and may finish')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    client leaves
    worker quiet
    worker > "status\n"
    worker < "f\t1\t1\t1\n.\n"
    worker > WORK_DATA $job|y
    worker > WORK_STATUS $job|1|2
    worker > WORK_COMPLETE $job|y
    worker quiet
    worker > "status\n"
    worker < "f\t0\t0\t1\n.\n"
  `

  transcript('client and worker both leave: the job goes to nobody')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    client leaves
    worker leaves
    other > "status\n"
    differs: it leaves the counts when nobody is left
    ours:     other < "f\t0\t0\t0\n.\n"
    gearmand: other < "f\t1\t0\t0\n.\n"
    other > CAN_DO f
    other > GRAB_JOB
    other < NO_JOB
  `

  transcript('worker and client both leave: the job goes to nobody')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker leaves
    client leaves
    other > CAN_DO f
    other > GRAB_JOB
    other < NO_JOB
  `

  transcript('a submission joins a running job whose client left')`
    first > SUBMIT_JOB f|u|x
    first < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    first leaves
    second > SUBMIT_JOB f|u|x
    second < JOB_CREATED $job
    worker > WORK_COMPLETE $job|y
    second < WORK_COMPLETE $job|y
  `

  transcript('... and then the worker leaves, too')`
    first > SUBMIT_JOB f|u|x
    first < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    first leaves
    second > SUBMIT_JOB f|u|x
    second < JOB_CREATED $job
    worker leaves
    other > CAN_DO f
    other > GRAB_JOB
    differs: somebody waits for it, so it runs again; gearmand has given it up, and the second client gets no answer
    ours:     other < JOB_ASSIGN $job|f|x
    ours:     other > WORK_COMPLETE $job|y
    ours:     second < WORK_COMPLETE $job|y
    gearmand: other < NO_JOB
  `

  transcript('a foreground client that joined a background job leaves')`
    a > SUBMIT_JOB_BG f|u|x
    a < JOB_CREATED $job
    b > SUBMIT_JOB f|u|x
    b < JOB_CREATED $job
    b leaves
    worker > CAN_DO f
    worker > GRAB_JOB
    differs: what was acknowledged as a background job stays one
    ours:     worker < JOB_ASSIGN $job|f|x
    ours:     worker > WORK_COMPLETE $job|
    gearmand: worker < NO_JOB
  `

  transcript('a foreground job that a background submission joined loses its client')`
    a > SUBMIT_JOB f|u|x
    a < JOB_CREATED $job
    b > SUBMIT_JOB_BG f|u|x
    b < JOB_CREATED $job
    a leaves
    worker > CAN_DO f
    worker > GRAB_JOB
    differs: the background submission was acknowledged: the job runs
    ours:     worker < JOB_ASSIGN $job|f|x
    ours:     worker > WORK_COMPLETE $job|
    gearmand: worker < NO_JOB
  `

  transcript('a worker leaves: its job goes to another one, who sleeps until then')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_STATUS $job|4|5
    client < WORK_STATUS $job|4|5
    other > CAN_DO f
    other > PRE_SLEEP
    other quiet
    worker leaves
    other < NOOP
    client quiet
    client > GET_STATUS $job
    client < STATUS_RES $job|1|0|0|0
    client > "show jobs\n"
    client < "$job\t1\t0\t0\n.\n"
    other > GRAB_JOB
    other < JOB_ASSIGN $job|f|x
    other > WORK_COMPLETE $job|y
    client < WORK_COMPLETE $job|y
  `

  transcript('without a limit a job is tried again and again')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    ${[1, 2, 3, 4, 5]
      .map(
        (n) => `
    w${n} > CAN_DO f
    w${n} > GRAB_JOB
    w${n} < JOB_ASSIGN $job|f|x
    w${n} leaves
    client > "show jobs\\n"
    client < "$job\\t${n}\\t0\\t1\\n.\\n"`,
      )
      .join('')}
  `

  transcript('who leaves is forgotten as worker')`
    worker > CAN_DO f
    worker > CAN_DO g
    worker leaves
    client > "status\n"
    client <~ "f\t0\t0\t0\ng\t0\t0\t0\n.\n"
  `

  transcript('half a packet and gone: nothing happens, others are served')`
    client > bytes \0REQ\0\0\0\x07\0\0\0\x09f\0u
    other > SUBMIT_JOB_BG f|u|x
    other < JOB_CREATED $job
    client leaves
    other > "show jobs\n"
    other < "$job\t0\t0\t1\n.\n"
  `

  transcript('half a line and gone: nothing happens')`
    client > "create function "
    other > SUBMIT_JOB_BG f|u|x
    other < JOB_CREATED $job
    client leaves
    other > "status\n"
    other < "f\t1\t0\t0\n.\n"
  `
})

conformance(
  'disconnects with --job-retries 1',
  ({ transcript }) => {
    transcript('one attempt: the worker leaves, the clients get WORK_FAIL')`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      worker leaves
      client < WORK_FAIL $job
      client > "show jobs\n"
      client < ".\n"
      client > "status\n"
      client < "f\t0\t0\t0\n.\n"
    `

    transcript('a background job is dropped after its one attempt')`
      client > SUBMIT_JOB_BG f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      worker leaves
      client > "status\n"
      client < "f\t0\t0\t0\n.\n"
      client > GET_STATUS $job
      client < STATUS_RES $job|0|0|0|0
    `

    transcript('CANT_DO counts as an attempt')`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      worker > CANT_DO f
      client < WORK_FAIL $job
    `

    transcript('an expired CAN_DO_TIMEOUT counts as an attempt')`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO_TIMEOUT f|1000
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      client < WORK_FAIL $job
      worker > WORK_COMPLETE $job|y
      differs: a worker whose job was taken away may still speak of it: an ERROR would end the loop of a PHP worker
      gearmand: worker < ERROR JOB_NOT_FOUND|Job given in work result not found
      ours:     worker quiet
    `
  },
  { ours: ['--job-retries', '1'], gearmand: ['--job-retries=1'] },
)

conformance(
  'disconnects with --job-retries 2',
  ({ transcript }) => {
    transcript('two attempts')`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      w1 > CAN_DO f
      w1 > GRAB_JOB
      w1 < JOB_ASSIGN $job|f|x
      w1 leaves
      client quiet
      w2 > CAN_DO f
      w2 > GRAB_JOB
      w2 < JOB_ASSIGN $job|f|x
      w2 leaves
      client < WORK_FAIL $job
    `
  },
  { ours: ['--job-retries', '2'], gearmand: ['--job-retries=2'] },
)
