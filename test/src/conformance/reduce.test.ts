import { conformance } from './suite.ts'

conformance('reduce', ({ transcript }) => {
  transcript('SUBMIT_REDUCE_JOB has four arguments; GRAB_JOB_ALL is answered with JOB_ASSIGN_ALL')`
    client > SUBMIT_REDUCE_JOB f|u|reducer||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|reducer|x
    worker > WORK_COMPLETE $job|y
    client < WORK_COMPLETE $job|y
  `

  transcript('SUBMIT_REDUCE_JOB_BG: the handle and nothing else')`
    client > SUBMIT_REDUCE_JOB_BG f|u|reducer||x
    client < JOB_CREATED $job
    client leaves
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|reducer|x
    worker > WORK_COMPLETE $job|y
  `

  transcript('the fourth argument is read and dropped')`
    client > SUBMIT_REDUCE_JOB f|u|reducer|whatever|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|reducer|x
  `

  transcript('the other grabs leave the reducer out')`
    client > SUBMIT_REDUCE_JOB f|u|reducer||x
    client < JOB_CREATED $job1
    client > SUBMIT_REDUCE_JOB f|v|reducer||y
    client < JOB_CREATED $job2
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > GRAB_JOB_UNIQ
    worker < JOB_ASSIGN_UNIQ $job2|f|v|y
  `

  transcript('an empty reducer is none')`
    client > SUBMIT_REDUCE_JOB f|u|||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_UNIQ $job|f|u|x
  `

  transcript('data with NULs begins behind the fourth')`
    client > SUBMIT_REDUCE_JOB f|u|reducer||\0x\0
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|reducer|\0x\0
  `

  transcript('priority is normal')`
    client > SUBMIT_JOB_LOW_BG f|1|x
    client < JOB_CREATED $job1
    client > SUBMIT_REDUCE_JOB_BG f|2|reducer||x
    client < JOB_CREATED $job2
    client > SUBMIT_JOB_HIGH_BG f|3|x
    client < JOB_CREATED $job3
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job3|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
  `

  transcript('joining goes by function and unique, the reducer of the first stands')`
    a > SUBMIT_REDUCE_JOB f|u|reducer||x
    a < JOB_CREATED $job
    b > SUBMIT_REDUCE_JOB f|u|other||y
    b < JOB_CREATED $job
    c > SUBMIT_JOB f|u|z
    c < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|reducer|x
    worker > WORK_COMPLETE $job|done
    a < WORK_COMPLETE $job|done
    b < WORK_COMPLETE $job|done
    c < WORK_COMPLETE $job|done
  `

  transcript('the reducer survives the worker')`
    client > SUBMIT_REDUCE_JOB f|u|reducer||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|reducer|x
    worker leaves
    other > CAN_DO f
    other > GRAB_JOB_ALL
    other < JOB_ASSIGN_ALL $job|f|u|reducer|x
  `

  for (const submit of ['SUBMIT_REDUCE_JOB', 'SUBMIT_REDUCE_JOB_BG']) {
    transcript(`${submit} with a unique of 65 bytes`)`
      client > ${submit} f|{u*65}|reducer||x
      differs: refused as in every submission; gearmand takes it, and hands the worker memory from behind its end
      ours:     client < ERROR ARGUMENT_TOO_LARGE|Unique value too large
      gearmand: client < JOB_CREATED $job
    `
  }

  transcript('a reducer of 65 bytes is refused, one of 63 is not')`
    client > SUBMIT_REDUCE_JOB f|u|{r*65}||x
    client < ERROR ARGUMENT_TOO_LARGE|Unique value too large
    client > SUBMIT_REDUCE_JOB_BG f|u|{r*65}||x
    client < ERROR ARGUMENT_TOO_LARGE|Unique value too large
    client > SUBMIT_REDUCE_JOB f|u|{r*63}||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|{r*63}|x
  `

  transcript('a reducer of 64 bytes')`
    client > SUBMIT_REDUCE_JOB f|u|{r*64}||x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB_ALL
    worker < JOB_ASSIGN_ALL $job|f|u|{r*64}|x
  `
})
