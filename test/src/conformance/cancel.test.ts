import { conformance } from './suite.ts'

conformance('cancel job', ({ transcript }) => {
  transcript('one that waits')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    second > SUBMIT_JOB f|u|x
    second < JOB_CREATED $job
    admin > "cancel job $job\n"
    admin < "OK\r\n"
    client < WORK_FAIL $job
    second < WORK_FAIL $job
    admin > "status\n"
    differs: it leaves the queue and the counts at once
    ours:     admin < "f\t0\t0\t0\n.\n"
    ours:     admin > "show jobs\n"
    ours:     admin < ".\n"
    ours:     admin > "cancel job $job\n"
    ours:     admin < "ERR UNKNOWN_JOB\r\n"
    ours:     client quiet
    gearmand: admin < "f\t1\t0\t0\n.\n"
    gearmand: admin > "show jobs\n"
    gearmand: admin < "$job\t0\t1\t0\n.\n"
    gearmand: admin > "cancel job $job\n"
    gearmand: admin < "OK\r\n"
    gearmand: client < WORK_FAIL $job
    gearmand: second < WORK_FAIL $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    admin > "status\n"
    admin < "f\t0\t0\t1\n.\n"
  `

  transcript('a background one that waits')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    client > "cancel job $job\r\n"
    client < "OK\r\n"
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    client > "status\n"
    client < "f\t0\t0\t1\n.\n"
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job2
  `

  transcript('one that runs')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    admin > "cancel job $job\n"
    admin < "OK\r\n"
    client < WORK_FAIL $job
    worker quiet
    admin > "status\n"
    differs: it leaves the counts, and its clients hear of it no more
    ours:     admin < "f\t0\t0\t1\n.\n"
    ours:     admin > "cancel job $job\n"
    ours:     admin < "ERR UNKNOWN_JOB\r\n"
    gearmand: admin < "f\t1\t1\t1\n.\n"
    gearmand: admin > "cancel job $job\n"
    gearmand: admin < "OK\r\n"
    gearmand: client < WORK_FAIL $job
    worker > WORK_STATUS $job|1|2
    worker > WORK_DATA $job|part
    worker > WORK_WARNING $job|oh
    worker > WORK_COMPLETE $job|y
    # The worker did nothing wrong: no ERROR.
    worker quiet
    differs: see above
    ours:     client quiet
    gearmand: client < WORK_STATUS $job|1|2
    gearmand: client < WORK_DATA $job|part
    gearmand: client < WORK_WARNING $job|oh
    gearmand: client < WORK_COMPLETE $job|y
    worker > WORK_COMPLETE $job|y
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > GRAB_JOB
    worker < NO_JOB
    admin > "status\n"
    admin < "f\t0\t0\t1\n.\n"
  `

  for (const end of ['WORK_FAIL $job', 'WORK_EXCEPTION $job|oh']) {
    transcript(`the worker of a cancelled one says ${end}`)`
      ours only: gearmand tells the clients a second time
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      client > "cancel job $job\n"
      client < WORK_FAIL $job
      client < "OK\r\n"
      worker > ${end}
      worker quiet
      client quiet
    `
  }

  transcript('the worker of a cancelled one leaves')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    client > "cancel job $job\n"
    client < "OK\r\n"
    worker leaves
    other > CAN_DO f
    other > GRAB_JOB
    other < NO_JOB
    client > "status\n"
    client < "f\t0\t0\t1\n.\n"
  `

  transcript('the same unique again, while the cancelled one still runs')`
    ours only: with gearmand the new submission joins the cancelled job
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    client > "cancel job $job1\n"
    client < WORK_FAIL $job1
    client < "OK\r\n"
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job2
    worker > WORK_COMPLETE $job1|old
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    worker > WORK_COMPLETE $job2|new
    client < WORK_COMPLETE $job2|new
  `
})
