import type { Priority } from './job.ts'

/** Why an attempt at a job has ended without a result. `lost`: its worker has left or given it back. */
export type FailureReason = 'failed' | 'exception' | 'timeout' | 'lost'

/** Why a job is dead. `expired`: no worker has begun it in its time. */
export type DeathReason = FailureReason | 'expired'

/**
 * What the server does with the jobs of a function, whatever client and worker. Times are milliseconds; Infinity is no
 * limit, and 0 where a time can be switched off.
 */
export interface Policy {
  /** How often a job is tried. Undefined: a failure is final, and only a job that is lost is tried again. */
  readonly attempts: number | undefined
  /** Ends of an attempt that another one may follow. */
  readonly retryOn: Readonly<Record<FailureReason, boolean>>
  /** The wait before the second attempt; each one after that is `factor` times as long, up to `backoffMaxMs`. */
  readonly backoffFirstMs: number
  readonly backoffFactor: number
  readonly backoffMaxMs: number
  /** So much of each wait, from 0 to 1, is left to chance: jobs that failed together are not tried again together. */
  readonly backoffJitter: number
  /** Attempts are for jobs that a client waits for as well. */
  readonly retryForeground: boolean
  /** Dead background jobs that are kept, the latest ones; 0: none. */
  readonly deadMax: number
  readonly deadForMs: number
  /** Time for one attempt; 0: as long as it takes. */
  readonly timeoutMs: number
  /** Time for a job to be begun, from its submission; 0: no limit. */
  readonly ttlMs: number
  /** The same for a job with a time of its own, from that time on. */
  readonly expireMs: number
  /** Jobs running at a time. */
  readonly concurrency: number
  /** The same for those whose unique is equal up to `groupSeparator`. */
  readonly groupConcurrency: number
  readonly groupSeparator: string
  /** Jobs begun a second, on average; in a burst at most so many. */
  readonly rate: number
  readonly rateBurst: number
  /** How many jobs of the function a submission may find there, by priority. */
  readonly maxQueue: readonly [high: number, normal: number, low: number]
  /** Whatever the client asks for. */
  readonly priority: Priority | undefined
  /** The result of a background job is kept for so long; 0: not at all. */
  readonly keepResultsMs: number
  /** For so long after a background job has ended, another one of the same unique joins it and is not done; 0: not at all. */
  readonly uniqueForMs: number
  /** The function that the result is sent on to, as a background job; empty: none. */
  readonly then: string
  /** No job is given out. */
  readonly paused: boolean
  /** No job is taken. */
  readonly draining: boolean
}

const forEver = Number.POSITIVE_INFINITY

/** What gearmand does. */
export const plainPolicy: Policy = {
  attempts: undefined,
  retryOn: { failed: true, exception: true, timeout: true, lost: true },
  backoffFirstMs: 1000,
  backoffFactor: 2,
  backoffMaxMs: 3_600_000,
  backoffJitter: 0.2,
  retryForeground: false,
  deadMax: 10_000,
  deadForMs: 30 * 86_400_000,
  timeoutMs: 0,
  ttlMs: 0,
  expireMs: 0,
  concurrency: forEver,
  groupConcurrency: forEver,
  groupSeparator: ':',
  rate: forEver,
  rateBurst: 1,
  maxQueue: [forEver, forEver, forEver],
  priority: undefined,
  keepResultsMs: 0,
  uniqueForMs: 0,
  then: '',
  paused: false,
  draining: false,
}

/** Milliseconds to wait before the attempt after `ended` ones. The same for the same job: chance is drawn from its number. */
export function backoffMs(policy: Policy, ended: number, jobNumber: number): number {
  const { backoffFirstMs, backoffFactor, backoffMaxMs, backoffJitter } = policy
  const full = Math.min(backoffMaxMs, backoffFirstMs * backoffFactor ** (ended - 1))
  return Math.round(full * (1 - backoffJitter * chance(jobNumber, ended)))
}

/** From 0 to 1, spread evenly: the finishing steps of MurmurHash3 (public domain, Austin Appleby). */
function chance(jobNumber: number, ended: number): number {
  let bits = Math.imul(jobNumber ^ Math.imul(ended, 0x9e3779b1), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32
}
