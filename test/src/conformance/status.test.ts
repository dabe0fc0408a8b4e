import { conformance } from './suite.ts'

conformance('status', ({ transcript }) => {
  transcript('GET_STATUS over the life of a job, from any connection')`
    asker > GET_STATUS H:$host:999999999
    asker < STATUS_RES H:$host:999999999|0|0|0|0
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    asker > GET_STATUS $job
    asker < STATUS_RES $job|1|0|0|0
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    asker > GET_STATUS $job
    asker < STATUS_RES $job|1|1|0|0
    worker > WORK_STATUS $job|3|10
    asker > GET_STATUS $job
    asker < STATUS_RES $job|1|1|3|10
    worker > WORK_COMPLETE $job|y
    asker > GET_STATUS $job
    asker < STATUS_RES $job|0|0|0|0
  `

  transcript('GET_STATUS to the byte')`
    asker > bytes \0REQ\0\0\0\x0f\0\0\0\x04none
    asker < bytes \0RES\0\0\0\x14\0\0\0\x0cnone\x000\x000\x000\x000
  `

  transcript('GET_STATUS of nothing, of what is no handle, of the longest one')`
    asker > GET_STATUS${' '}
    asker < STATUS_RES |0|0|0|0
    asker > GET_STATUS what is that
    asker < STATUS_RES what is that|0|0|0|0
    asker > GET_STATUS {h*63}
    asker < STATUS_RES {h*63}|0|0|0|0
  `

  transcript('GET_STATUS of a handle of 64 bytes and more')`
    asker > GET_STATUS {h*64}
    differs: a handle nobody can know is answered like any other that nobody knows
    ours:     asker < STATUS_RES {h*64}|0|0|0|0
    ours:     asker > GET_STATUS {h*1000}
    ours:     asker < STATUS_RES {h*1000}|0|0|0|0
    gearmand: asker unanswered
  `

  transcript('progress is numbers for GET_STATUS, whatever the worker wrote')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_STATUS $job|many|more
    client < WORK_STATUS $job|many|more
    client > GET_STATUS $job
    client < STATUS_RES $job|1|1|0|0
    worker > WORK_STATUS $job|7 of|010
    client < WORK_STATUS $job|7 of|010
    client > GET_STATUS $job
    client < STATUS_RES $job|1|1|7|10
    worker > WORK_STATUS $job|4294967295|4294967295
    client < WORK_STATUS $job|4294967295|4294967295
    client > GET_STATUS $job
    client < STATUS_RES $job|1|1|4294967295|4294967295
    worker > WORK_STATUS $job||
    client < WORK_STATUS $job||
    client > GET_STATUS $job
    client < STATUS_RES $job|1|1|0|0
  `

  transcript('GET_STATUS_UNIQUE over the life of a job')`
    asker > GET_STATUS_UNIQUE u
    asker < STATUS_RES_UNIQUE u|0|0|0|0|0
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    asker > GET_STATUS_UNIQUE u
    asker < STATUS_RES_UNIQUE u|1|0|0|0|1
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_STATUS $job|3|10
    client < WORK_STATUS $job|3|10
    asker > GET_STATUS_UNIQUE u
    asker < STATUS_RES_UNIQUE u|1|1|3|10|1
    second > SUBMIT_JOB f|u|x
    second < JOB_CREATED $job
    asker > GET_STATUS_UNIQUE u
    asker < STATUS_RES_UNIQUE u|1|1|3|10|2
    second leaves
    asker > GET_STATUS_UNIQUE u
    asker < STATUS_RES_UNIQUE u|1|1|3|10|1
    worker > WORK_COMPLETE $job|y
    client < WORK_COMPLETE $job|y
    asker > GET_STATUS_UNIQUE u
    asker < STATUS_RES_UNIQUE u|0|0|0|0|0
  `

  transcript('GET_STATUS_UNIQUE counts who waits: nobody for a background job')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    client > GET_STATUS_UNIQUE u
    client < STATUS_RES_UNIQUE u|1|0|0|0|0
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    client > GET_STATUS_UNIQUE u
    client < STATUS_RES_UNIQUE u|1|0|0|0|1
  `

  transcript('GET_STATUS_UNIQUE asks for a unique, not for a handle, and looks through all functions')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG g|v|x
    client < JOB_CREATED $job2
    client > GET_STATUS_UNIQUE v
    client < STATUS_RES_UNIQUE v|1|0|0|0|0
    client > GET_STATUS_UNIQUE $job1
    client < STATUS_RES_UNIQUE $job1|0|0|0|0|0
    client > GET_STATUS u
    client < STATUS_RES u|0|0|0|0
  `

  transcript('GET_STATUS_UNIQUE of the empty unique, of a workload as key, of the longest')`
    client > SUBMIT_JOB_BG f||x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB_BG f|-|x
    client < JOB_CREATED $job2
    client > GET_STATUS_UNIQUE x
    client < STATUS_RES_UNIQUE x|0|0|0|0|0
    client > SUBMIT_JOB_BG f|{u*63}|x
    client < JOB_CREATED $job3
    client > GET_STATUS_UNIQUE {u*63}
    client < STATUS_RES_UNIQUE {u*63}|1|0|0|0|0
  `

  transcript('GET_STATUS_UNIQUE of 64 bytes')`
    client > SUBMIT_JOB_BG f|{u*64}|x
    client < JOB_CREATED $job
    client > GET_STATUS_UNIQUE {u*64}
    differs: a unique of 64 bytes is allowed, so it can be asked for
    ours:     client < STATUS_RES_UNIQUE {u*64}|1|0|0|0|0
    gearmand: client unanswered
  `

  transcript('GET_STATUS_UNIQUE of 65 bytes')`
    client > GET_STATUS_UNIQUE {u*65}
    differs: a unique nobody can have is answered like any other that nobody has
    ours:     client < STATUS_RES_UNIQUE {u*65}|0|0|0|0|0
    gearmand: client unanswered
  `
})
