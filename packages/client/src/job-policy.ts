import { InvalidArgumentError } from './errors.ts'

/** How an attempt at a job can end without a result. `lost`: its worker has left. */
export type AttemptEnd = 'failed' | 'exception' | 'timeout' | 'lost'

/**
 * What a Geartrain server does with one job, in place of what its policy for the function says. What is not given is as
 * there.
 */
export interface JobPolicy {
  /** How often it is tried; Infinity: as often as it takes; 0: as with gearmand, again only if its worker is lost. */
  readonly attempts?: number | undefined
  /** Ends of an attempt that another one may follow; default: all. */
  readonly retryOn?: readonly AttemptEnd[] | undefined
  /** Whether the waits between attempts are all alike, or each one longer than the last. */
  readonly backoff?: 'fixed' | 'exponential' | undefined
  /** The wait before the second attempt. */
  readonly backoffFirstMs?: number | undefined
  /** How many times as long each wait is as the last one. */
  readonly backoffFactor?: number | undefined
  readonly backoffMaxMs?: number | undefined
  /** The part of each wait that is left to chance, from 0 to 1. */
  readonly backoffJitter?: number | undefined
  /** The attempts are also for a job that its client waits for. */
  readonly retryForeground?: boolean | undefined
  /** Time for one attempt; 0: no limit. */
  readonly timeoutMs?: number | undefined
  /** Time for it to be begun, from its submission; 0: no limit. */
  readonly ttlMs?: number | undefined
  /** The same for a job with a time of its own, from that time on. */
  readonly expireMs?: number | undefined
  /** The result of a background job is kept for so long; 0: not at all. */
  readonly keepResultsMs?: number | undefined
  /** For so long after it has ended, a submission of its unique counts as done by it; 0: not at all. */
  readonly uniqueForMs?: number | undefined
}

type Writer = (value: never, name: string) => string

const number = (value: number) => (value === Number.POSITIVE_INFINITY ? 'unlimited' : String(value))
const time = (ms: number, name: string) => {
  if (ms >= 0 && ms <= Number.MAX_SAFE_INTEGER) return `${Math.ceil(ms)}ms`
  throw new InvalidArgumentError(`${name} of a policy is a time in milliseconds from 0, not ${ms}`)
}
const attempts = (value: number) => (value === 0 ? 'off' : number(value))
const list = (words: readonly string[]) => (words.length === 0 ? 'none' : words.join(','))

/** The server's name of each setting, and how its value is written. What is allowed is for the server to say. */
const settings = {
  attempts: ['attempts', attempts],
  retryOn: ['retry-on', list],
  backoff: ['backoff', String],
  backoffFirstMs: ['backoff-first', time],
  backoffFactor: ['backoff-factor', number],
  backoffMaxMs: ['backoff-max', time],
  backoffJitter: ['backoff-jitter', number],
  retryForeground: ['retry-foreground', String],
  timeoutMs: ['timeout', time],
  ttlMs: ['ttl', time],
  expireMs: ['expire', time],
  keepResultsMs: ['keep-results', time],
  uniqueForMs: ['unique-for', time],
} as const satisfies Record<keyof JobPolicy, readonly [key: string, write: Writer]>

/** Keys and values as in the server's configuration. Undefined: it says nothing. Throws InvalidArgumentError. */
export function writePolicy(policy: JobPolicy): Record<string, string> | undefined {
  const written: Record<string, string> = {}
  for (const [name, value] of Object.entries(policy)) {
    if (value === undefined) continue
    if (!Object.hasOwn(settings, name)) throw new InvalidArgumentError(`a policy has no ${JSON.stringify(name)}`)
    // It is one of the rows, and its writer is for the value that the row has in JobPolicy.
    const [key, write] = settings[name as keyof JobPolicy]
    written[key] = (write as Writer)(value as never, name)
  }
  return Object.keys(written).length === 0 ? undefined : written
}
