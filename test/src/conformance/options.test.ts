import { conformance } from './suite.ts'

conformance('options and exceptions', ({ transcript }) => {
  for (const name of ['exceptions', 'EXCEPTIONS', 'Exceptions', 'exceptions\\0']) {
    transcript(`the option ${name} is granted, and named as it was asked for`)`
      client > OPTION_REQ ${name}
      client < OPTION_RES ${name}
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      worker > WORK_EXCEPTION $job|broken
      client < WORK_EXCEPTION $job|broken
    `
  }

  for (const name of ['', 'exception', 'exceptionsx', 'exceptions ', 'nothing', '{o*63}', '{o*64}', '{o*1000}']) {
    transcript(`the option "${name}" is not known`)`
      client > OPTION_REQ ${name}
      client < ERROR UNKNOWN_OPTION|Server does not recognize given option
      client > GRAB_JOB
      client < NO_JOB
    `
  }

  transcript('a worker may ask for it as well')`
    worker > OPTION_REQ exceptions
    worker < OPTION_RES exceptions
    worker > OPTION_REQ exceptions
    worker < OPTION_RES exceptions
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < NO_JOB
  `

  transcript('an exception without the option is a failure')`
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_EXCEPTION $job|broken
    differs: WORK_FAIL is the handle alone; gearmand leaves a NUL behind it
    ours:     client < WORK_FAIL $job
    gearmand: client < WORK_FAIL $job|
  `

  transcript('each waiting client gets what it asked for')`
    a > OPTION_REQ exceptions
    a < OPTION_RES exceptions
    a > SUBMIT_JOB f|u|x
    a < JOB_CREATED $job
    b > SUBMIT_JOB f|u|x
    b < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_EXCEPTION $job|broken
    a < WORK_EXCEPTION $job|broken
    differs: WORK_FAIL is the handle alone
    ours:     b < WORK_FAIL $job
    gearmand: b < WORK_FAIL $job|
  `

  transcript('an exception is the end of the job: a WORK_FAIL behind it is one too many')`
    client > OPTION_REQ exceptions
    client < OPTION_RES exceptions
    client > SUBMIT_JOB f|u|x
    client < JOB_CREATED $job
    worker > CAN_DO f
    worker > GRAB_JOB
    worker < JOB_ASSIGN $job|f|x
    worker > WORK_EXCEPTION $job|broken
    worker > WORK_FAIL $job
    worker < ERROR JOB_NOT_FOUND|Job given in work result not found
    client < WORK_EXCEPTION $job|broken
    client > "status\n"
    client < "f\t0\t0\t1\n.\n"
  `
})

conformance(
  'exceptions with --exceptions',
  ({ transcript }) => {
    transcript('every client gets exceptions without asking')`
      client > SUBMIT_JOB f|u|x
      client < JOB_CREATED $job
      worker > CAN_DO f
      worker > GRAB_JOB
      worker < JOB_ASSIGN $job|f|x
      worker > WORK_EXCEPTION $job|broken
      client < WORK_EXCEPTION $job|broken
    `
  },
  { ours: ['--exceptions'], gearmand: ['--exceptions'] },
)
