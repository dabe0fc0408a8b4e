import { conformance } from './suite.ts'

conformance('unique', ({ transcript }) => {
  for (const [first, second] of [
    ['SUBMIT_JOB', 'SUBMIT_JOB'],
    ['SUBMIT_JOB', 'SUBMIT_JOB_HIGH'],
    ['SUBMIT_JOB_LOW', 'SUBMIT_JOB'],
    ['SUBMIT_JOB_BG', 'SUBMIT_JOB'],
    ['SUBMIT_JOB_LOW_BG', 'SUBMIT_JOB_HIGH'],
  ] as const) {
    const isForeground = !first.endsWith('BG')
    transcript(`${second} onto a waiting ${first}: one job, the first one's workload, both wait`)`
      a > ${first} f|u|first
      a < JOB_CREATED $job
      b > ${second} f|u|second
      b < JOB_CREATED $job
      b > "status\n"
      b < "f\t1\t0\t0\n.\n"
      worker > CAN_DO f
      worker > GRAB_JOB_UNIQ
      worker < JOB_ASSIGN_UNIQ $job|f|u|first
      worker > GRAB_JOB
      worker < NO_JOB
      worker > WORK_COMPLETE $job|y
      ${isForeground ? 'a < WORK_COMPLETE $job|y' : 'a quiet'}
      b < WORK_COMPLETE $job|y
    `
  }

  transcript('onto a running job: the new client gets what comes from then on')`
    a > SUBMIT_JOB f|u|first
    a < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|first
    worker > WORK_DATA $job|1
    a < WORK_DATA $job|1
    b > SUBMIT_JOB f|u|second
    b < JOB_CREATED $job
    worker > WORK_DATA $job|2
    worker > WORK_COMPLETE $job|3
    a < WORK_DATA $job|2
    a < WORK_COMPLETE $job|3
    b < WORK_DATA $job|2
    b < WORK_COMPLETE $job|3
  `

  transcript('a background submission onto a foreground job: the handle, and nothing after it')`
    a > SUBMIT_JOB f|u|first
    a < JOB_CREATED $job
    b > SUBMIT_JOB_BG f|u|second
    b < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|first
    worker > WORK_COMPLETE $job|y
    a < WORK_COMPLETE $job|y
    b quiet
  `

  transcript('two background ones: one job')`
    a > SUBMIT_JOB_BG f|u|first
    a < JOB_CREATED $job
    b > SUBMIT_JOB_HIGH_BG f|u|second
    b < JOB_CREATED $job
    a > "show unique jobs\n"
    a < "u\n.\n"
    a > "prioritystatus\n"
    a < "f\t0\t1\t0\t0\n.\n"
  `

  transcript('one connection that submits it twice gets everything twice')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    client > GET_STATUS_UNIQUE u
    client < STATUS_RES_UNIQUE u|1|0|0|0|2
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_DATA $job|1
    client < WORK_DATA $job|1
    client < WORK_DATA $job|1
    worker > WORK_COMPLETE $job|2
    client < WORK_COMPLETE $job|2
    client < WORK_COMPLETE $job|2
  `

  transcript('a job that has ended: a new submission is a new job')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > WORK_COMPLETE $job1|
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job2
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    worker > WORK_FAIL $job2
  `

  transcript('the same unique in two functions: two jobs')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG g|u|x
    client < JOB_CREATED $job2
    client > GET_STATUS_UNIQUE u
    client < STATUS_RES_UNIQUE u|1|0|0|0|0
  `

  transcript('an empty unique never joins')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job2
    client > "show unique jobs\n"
    client < "\n\n.\n"
  `

  transcript('uniques are bytes: case and length count')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|U|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG f|uu|x
    client < JOB_CREATED $job3
    client > SUBMIT_JOB_BG f|\xff\xfe|x
    client < JOB_CREATED $job4
    client > SUBMIT_JOB_BG f|\xff\xff|x
    client < JOB_CREATED $job5
  `

  transcript('the unique - means the workload: the same bytes join, others do not')`
    client > SUBMIT_JOB f|-|hello
    client < JOB_CREATED $job1
    client > SUBMIT_JOB f|-|hello
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|-|hell
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG f|-|hellO
    client < JOB_CREATED $job3
    client > SUBMIT_JOB_BG g|-|hello
    client < JOB_CREATED $job4
    worker > CAN_DO f
    worker > GRAB_JOB_UNIQ
    worker < JOB_ASSIGN_UNIQ $job1|f|-|hello
    worker > WORK_COMPLETE $job1|olleh
    client < WORK_COMPLETE $job1|olleh
    client < WORK_COMPLETE $job1|olleh
  `

  transcript('the unique - with an empty workload never joins')`
    client > SUBMIT_JOB_BG f|-|
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|-|
    client < JOB_CREATED $job2
  `

  transcript('a workload as key is not a unique of the same bytes')`
    client > SUBMIT_JOB_BG f|hello|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|-|hello
    client < JOB_CREATED $job2
    client > "show unique jobs\n"
    client <~ "hello\n-\n.\n"
  `

  transcript('uniques of 64 bytes')`
    client > SUBMIT_JOB_BG f|{u*63}a|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|{u*63}b|x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_BG f|{u*63}|x
    client < JOB_CREATED $job3
    client > SUBMIT_JOB_BG f|{u*63}a|x
    differs: 64 bytes are allowed, so 64 bytes are kept and compared; gearmand never joins such jobs
    ours:     client < JOB_CREATED $job1
    gearmand: client < JOB_CREATED $job4
    worker > CAN_DO f
    worker > GRAB_JOB_UNIQ
    differs: ... and hands 63 bytes on, with a NUL too many
    ours:     worker < JOB_ASSIGN_UNIQ $job1|f|{u*63}a|x
    gearmand: worker < JOB_ASSIGN_UNIQ $job1|f|{u*63}||x
  `

  for (const submit of ['SUBMIT_JOB', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH', 'SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_LOW']) {
    transcript(`${submit} with a unique of 65 bytes is refused`)`
      client > ${submit} f|{u*65}|x
      client < ERROR ARGUMENT_TOO_LARGE|Unique value too large
      client > "show jobs\n"
      client < ".\n"
    `
  }

  transcript('joining is possible when the queue is full')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    client > "maxqueue f 1\n"
    client < "OK\r\n"
    client > SUBMIT_JOB_BG f|v|x
    client < ERROR QUEUE_ERROR|Job queue is full
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
  `
})
