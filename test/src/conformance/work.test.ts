import { conformance } from './suite.ts'

const notFound = {
  WORK_STATUS: 'Job given in work result not found',
  WORK_COMPLETE: 'Job given in work result not found',
  WORK_FAIL: 'Job given in work result not found',
  WORK_DATA: 'Job does not exist on server',
  WORK_WARNING: 'Job does not exist on server',
  WORK_EXCEPTION: 'An exception was received for a job that does not exist',
} as const

const rest = {
  WORK_STATUS: '|1|2',
  WORK_COMPLETE: '|data',
  WORK_FAIL: '',
  WORK_DATA: '|data',
  WORK_WARNING: '|data',
  WORK_EXCEPTION: '|data',
} as const

const workPackets = [
  'WORK_STATUS',
  'WORK_COMPLETE',
  'WORK_FAIL',
  'WORK_DATA',
  'WORK_WARNING',
  'WORK_EXCEPTION',
] as const

conformance('work packets', ({ transcript }) => {
  transcript('all that a worker says reaches the client, in order and unchanged')`
    client > OPTION_REQ exceptions
    client < OPTION_RES exceptions
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_DATA $job|first
    worker > WORK_STATUS $job|1|3
    worker > WORK_WARNING $job|careful
    worker > WORK_DATA $job|
    worker > WORK_STATUS $job|02|+3 of many
    worker > WORK_DATA $job|\0\xff\0
    worker > WORK_WARNING $job|
    worker > WORK_EXCEPTION $job|\0broken
    client < WORK_DATA $job|first
    client < WORK_STATUS $job|1|3
    client < WORK_WARNING $job|careful
    client < WORK_DATA $job|
    client < WORK_STATUS $job|02|+3 of many
    client < WORK_DATA $job|\0\xff\0
    client < WORK_WARNING $job|
    client < WORK_EXCEPTION $job|\0broken
  `

  transcript('every client that waits for the job gets it all')`
    a > SUBMIT_JOB f|u|x
    a < JOB_CREATED $job
    b > SUBMIT_JOB f|u|x
    b < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_STATUS $job|1|3
    worker > WORK_DATA $job|part
    worker > WORK_WARNING $job|careful
    worker > WORK_COMPLETE $job|done
    a < WORK_STATUS $job|1|3
    a < WORK_DATA $job|part
    a < WORK_WARNING $job|careful
    a < WORK_COMPLETE $job|done
    b < WORK_STATUS $job|1|3
    b < WORK_DATA $job|part
    b < WORK_WARNING $job|careful
    b < WORK_COMPLETE $job|done
  `

  transcript('WORK_COMPLETE and WORK_FAIL to the byte')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job1
    client > SUBMIT_JOB f|v|x
    client < JOB_CREATED $job2
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job1|f|x
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job2|f|x
    worker > WORK_COMPLETE $job1|
    client < WORK_COMPLETE $job1|
    worker > WORK_FAIL $job2
    client < WORK_FAIL $job2
  `

  transcript('a failed background job is not tried again')`
    client > SUBMIT_JOB_BG f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_FAIL $job
    worker > GRAB_JOB
    worker < NO_JOB
    worker > "status\n"
    worker < "f\t0\t0\t1\n.\n"
  `

  for (const packet of workPackets) {
    transcript(`${packet} for a job that does not exist`)`
      worker > ${packet} H:$host:999999999${rest[packet]}
      worker < ERROR JOB_NOT_FOUND|${notFound[packet]}
      worker > GRAB_JOB
      worker < NO_JOB
    `

    transcript(`${packet} for a job that waits in the queue`)`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > ${packet} $job${rest[packet]}
      worker < ERROR JOB_NOT_FOUND|${notFound[packet]}
      client quiet
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
    `

    transcript(`${packet} for a job that another worker has`)`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      other > CAN_DO f
      other > ${packet} $job${rest[packet]}
      other < ERROR JOB_NOT_FOUND|${notFound[packet]}
      client > ${packet} $job${rest[packet]}
      client < ERROR JOB_NOT_FOUND|${notFound[packet]}
      worker > WORK_COMPLETE $job|y
      client < WORK_COMPLETE $job|y
    `

    for (const end of ['WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION'] as const) {
      transcript(`${packet} after ${end}: the job has ended`)`
        client > SUBMIT_JOB_BG f|u|x
        client < JOB_CREATED $job
        worker > CAN_DO f
        worker > GRAB_JOB
        worker < JOB_ASSIGN $job|f|x
        worker > ${end} $job${rest[end]}
        worker > ${packet} $job${rest[packet]}
        worker < ERROR JOB_NOT_FOUND|${notFound[packet]}
        worker > "status\n"
        worker < "f\t0\t0\t1\n.\n"
      `
    }
  }

  transcript('a handle of 63 bytes is a handle that nobody knows')`
    worker > WORK_FAIL {h*63}
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > WORK_COMPLETE {h*63}|
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
  `

  transcript('WORK_FAIL for a handle of 64 bytes')`
    worker > WORK_FAIL {h*64}
    worker < ERROR ARGUMENT_TOO_LARGE|Error occurred due to GEARMAND_JOB_HANDLE_SIZE being too small from snprintf
    worker quiet
  `

  transcript('WORK_COMPLETE, WORK_DATA for a handle of 64 bytes: nobody knows it either')`
    worker > WORK_COMPLETE {h*64}|
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > WORK_DATA {h*100}|
    worker < ERROR JOB_NOT_FOUND|Job does not exist on server
  `

  transcript('the handle counts whole: neither its beginning nor more than it')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_COMPLETE H:$host:|y
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > WORK_COMPLETE $job.|y
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > WORK_COMPLETE |y
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    worker > WORK_COMPLETE $job|y
    client < WORK_COMPLETE $job|y
  `

  transcript('a client that has taken an exception option for one job has it for all')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    client > OPTION_REQ exceptions
    client < OPTION_RES exceptions
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_EXCEPTION $job|broken
    client < WORK_EXCEPTION $job|broken
  `
})
