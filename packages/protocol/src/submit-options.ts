import type { PriorityName } from './control.ts'

/**
 * What SUBMIT_JOB_WITH says of a job, as JSON, beyond function, unique, trace and workload. All of it is optional; an
 * empty argument is `{}`.
 */
export interface SubmitOptions {
  /** Nobody waits for it. Default: it is a foreground job. */
  readonly background?: boolean
  readonly priority?: PriorityName
  /** Not before this date, in milliseconds since 1970, or not until so long from now. Only for background jobs. */
  readonly runAt?: number
  readonly delayMs?: number
  readonly reducer?: string
  /** The function that the result is sent on to, as a background job. */
  readonly then?: string
  /** For this job in place of what its function's policy says: keys and values as in the configuration file. */
  readonly policy?: Readonly<Record<string, string>>
}
