import { conformance } from './suite.ts'

conformance('grab and abilities', ({ transcript }) => {
  transcript('who can do nothing gets nothing: NO_JOB to the byte')`
    worker > bytes \0REQ\0\0\0\x09\0\0\0\0
    worker < bytes \0RES\0\0\0\x0a\0\0\0\0
    worker > GRAB_JOB_UNIQ
    worker < bytes \0RES\0\0\0\x0a\0\0\0\0
    worker > GRAB_JOB_ALL
    worker < bytes \0RES\0\0\0\x0a\0\0\0\0
  `

  transcript('GRAB_JOB is answered with JOB_ASSIGN')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|
  `

  transcript('GRAB_JOB_UNIQ is answered with JOB_ASSIGN_UNIQ')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_UNIQ
    worker < JOB_ASSIGN_UNIQ $job|f|u|x
    worker > WORK_COMPLETE $job|
  `

  transcript('GRAB_JOB_ALL is answered with JOB_ASSIGN_UNIQ too, for a job without reducer')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_UNIQ $job|f|u|x
    worker > WORK_COMPLETE $job|
  `

  transcript('a job without unique is assigned with an empty one')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_UNIQ
    worker < JOB_ASSIGN_UNIQ $job|f||x
    worker > WORK_COMPLETE $job|
  `

  transcript('a worker may hold several jobs and finish them in any order')`
    client > SUBMIT_JOB f||1
    client < JOB_CREATED $job1
    client > SUBMIT_JOB f||2
    client < JOB_CREATED $job2
    client > SUBMIT_JOB g||3
    client < JOB_CREATED $job3
    worker > CAN_DO f
    worker > CAN_DO g
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job3|g|3
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|1
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|2
    worker > GRAB_JOB
    worker < NO_JOB
    worker > WORK_COMPLETE $job2|two
    client < WORK_COMPLETE $job2|two
    worker > WORK_COMPLETE $job3|three
    client < WORK_COMPLETE $job3|three
    worker > WORK_FAIL $job1
    client < WORK_FAIL $job1
  `

  transcript('a body where none belongs is read and ignored')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > PRE_SLEEP body
    worker < NOOP
    worker > GRAB_JOB body|more
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE $job|
    worker > RESET_ABILITIES body
    worker > GRAB_JOB
    worker < NO_JOB
  `

  transcript('CAN_DO twice')`
    worker > CAN_DO f
    worker > CAN_DO f
    worker > "status\n"
    differs: a worker is one worker, however often it says what it can do
    ours:     worker < "f\t0\t0\t1\n.\n"
    gearmand: worker < "f\t0\t0\t2\n.\n"
    worker > CANT_DO f
    worker > "status\n"
    worker < "f\t0\t0\t0\n.\n"
  `

  transcript('CANT_DO: the worker gets no more of that function, others do')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > CAN_DO g
    worker > CANT_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    worker > "workers\n"
    worker <~ "$fd1 127.0.0.1 stage :\n$fd2 127.0.0.1 - : g\n$fd3 127.0.0.1 - :\n.\n"
    other > CAN_DO f
    other > GRAB_JOB
    other < JOB_ASSIGN $job|f|x
    other > WORK_COMPLETE $job|
  `

  transcript('CANT_DO of a function the worker never had is accepted')`
    worker > CANT_DO f
    worker > GRAB_JOB
    worker < NO_JOB
    worker > "status\n"
    worker < ".\n"
  `

  for (const [name, packet] of [
    ['CANT_DO', 'CANT_DO f'],
    ['RESET_ABILITIES', 'RESET_ABILITIES'],
  ] as const) {
    transcript(`${name}: a running job of that function is queued again at once`)`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      worker > WORK_STATUS $job|1|2
      client < WORK_STATUS $job|1|2
      worker > ${packet}
      worker > "status\n"
      worker < "f\t1\t0\t0\n.\n"
      client > GET_STATUS $job
      client < STATUS_RES $job|1|0|0|0
      worker > WORK_COMPLETE $job|late
      differs: a worker whose job was taken away may still speak of it: an ERROR would end the loop of a PHP worker
      gearmand: worker < ERROR JOB_NOT_FOUND|Job given in work result not found
      ours:     worker quiet
      worker > GRAB_JOB
      worker < NO_JOB
      other > CAN_DO f
      other > GRAB_JOB
      other < JOB_ASSIGN $job|f|x
      other > WORK_COMPLETE $job|y
      client < WORK_COMPLETE $job|y
    `
  }

  transcript('RESET_ABILITIES forgets every function')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG g||x
    client < JOB_CREATED $job2
    worker > CAN_DO f
    worker > CAN_DO g
    worker > RESET_ABILITIES
    worker > GRAB_JOB
    worker < NO_JOB
    worker > CAN_DO g
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|g|x
    worker > WORK_COMPLETE $job2|
  `
})
