import { type FailureReason, type Policy, plainPolicy, priorities } from '@geartrain/engine'
import { nearest } from '../settings-nearest.ts'
import {
  choice,
  decimal,
  duration,
  functionName,
  numberOr,
  onOff,
  orWord,
  rate,
  someOf,
  type ValueType,
  wholeNumber,
  word,
} from '../settings-values.ts'

/** What a user can set for a function. Its name in the table is the key in the configuration file and the flag. */
export interface PolicySetting<Value> {
  readonly type: ValueType<Value>
  /** Undefined: it comes from others, see `complete`. */
  readonly default: Value | undefined
  /** The default in words of the user's. */
  readonly defaultText: string
  /** In the configuration file it may be an array. */
  readonly isList?: true
  readonly help: string
}

const day = 86_400_000
const time = duration(365 * day)
const count = 1_000_000_000
const queueLimit = numberOr('unlimited', 'number', 1, count, [])

/**
 * Every setting of a policy. A new one is a row here, a line in `toPolicy`, and a run of the tests with UPDATE_DOCS=1,
 * which writes the table in docs/policies.md.
 */
export const policySettings = {
  attempts: setting(
    orWord('off', 0, numberOr('unlimited', 'number', 1, 1_000_000, [])),
    0,
    'how often a job is tried; off is as in gearmand: a failure is final, and only a job that is lost is tried again',
  ),
  'retry-on': {
    ...setting(
      someOf('reasons', ['failed', 'exception', 'timeout', 'lost']),
      ['failed', 'exception', 'timeout', 'lost'],
      'ends of an attempt that another one may follow',
    ),
    isList: true,
  },
  backoff: setting(
    choice('kind', ['fixed', 'exponential']),
    'exponential',
    'whether the waits between attempts are all alike, or each one longer than the last',
  ),
  'backoff-first': setting(time, plainPolicy.backoffFirstMs, 'wait before the second attempt'),
  'backoff-factor': setting(
    decimal('number', 1, 100),
    plainPolicy.backoffFactor,
    'how many times as long each wait is as the last one; without effect if backoff is fixed',
  ),
  'backoff-max': setting(time, plainPolicy.backoffMaxMs, 'longest wait between attempts'),
  'backoff-jitter': setting(
    decimal('number', 0, 1),
    plainPolicy.backoffJitter,
    'the part of each wait that is left to chance',
  ),
  'retry-foreground': setting(
    onOff,
    plainPolicy.retryForeground,
    'attempts are for jobs that a client waits for as well',
  ),
  'dead-max': setting(
    wholeNumber('number', 0, 10_000_000),
    plainPolicy.deadMax,
    'dead background jobs of a function that are kept, the latest ones; 0 is none',
  ),
  'dead-for': setting(
    orWord('forever', Number.POSITIVE_INFINITY, duration(3650 * day)),
    plainPolicy.deadForMs,
    'how long they are kept',
  ),
  timeout: setting(time, plainPolicy.timeoutMs, 'time for one attempt; 0 is no limit'),
  ttl: setting(time, plainPolicy.ttlMs, 'time for a job to be begun, from its submission; 0 is no limit'),
  expire: setting(
    time,
    plainPolicy.expireMs,
    'the same for a job that was submitted for a time, from that time on; 0 is no limit',
  ),
  concurrency: setting(
    numberOr('unlimited', 'number', 1, count, []),
    plainPolicy.concurrency,
    'jobs of a function that run at a time',
  ),
  'group-concurrency': setting(
    numberOr('unlimited', 'number', 1, count, []),
    plainPolicy.groupConcurrency,
    'the same for jobs whose uniques begin alike; in a cluster, at each server by itself',
  ),
  'group-separator': setting(word('text', 16), plainPolicy.groupSeparator, 'what ends that beginning of a unique'),
  rate: setting(
    orWord('unlimited', Number.POSITIVE_INFINITY, rate(0.0001, 1_000_000)),
    plainPolicy.rate,
    'jobs of a function that are begun, a second on average',
  ),
  'rate-burst': derived(
    wholeNumber('number', 1, 1_000_000),
    'the rate a second, rounded up',
    'how many of them may be begun at once after a pause',
  ),
  'max-queue': setting(
    queueLimit,
    Number.POSITIVE_INFINITY,
    'jobs of a function, running ones included, at which a submission is refused',
  ),
  'max-queue-high': derived(queueLimit, 'max-queue', 'the same for submissions of high priority'),
  'max-queue-normal': derived(queueLimit, 'max-queue', 'the same for those of normal priority'),
  'max-queue-low': derived(queueLimit, 'max-queue', 'the same for those of low priority'),
  priority: setting(
    choice('priority', ['high', 'normal', 'low', 'client']),
    'client',
    'priority of the jobs; client is what each client asks for',
  ),
  'keep-results': setting(
    time,
    plainPolicy.keepResultsMs,
    'how long the result of a background job is kept; 0 is not at all',
  ),
  'unique-for': setting(
    time,
    plainPolicy.uniqueForMs,
    'how long after a background job has ended a submission of its unique counts as done by it; 0 is not at all',
  ),
  then: setting(functionName, plainPolicy.then, 'function that the result is sent on to; empty is none'),
  paused: setting(onOff, plainPolicy.paused, 'no job is given to a worker'),
  draining: setting(onOff, plainPolicy.draining, 'no job is taken from a client'),
  'hide-payloads': setting(
    onOff,
    false,
    'workloads and results are shown to nobody who looks at jobs; workers and those who wait get them',
  ),
} as const satisfies Record<string, AnyPolicySetting>

/** What every reader may know of a row; the table itself has the exact types. */
export type AnyPolicySetting = PolicySetting<unknown>
export type PolicyKey = keyof typeof policySettings
export type PolicyValues = {
  readonly [Key in PolicyKey]: (typeof policySettings)[Key] extends PolicySetting<infer Value> ? Value : never
}

// The keys of a literal are the names of its type; TypeScript can't say so because other objects may have more.
export const policyKeys: readonly PolicyKey[] = Object.keys(policySettings) as PolicyKey[]

export function isPolicyKey(key: string): key is PolicyKey {
  return Object.hasOwn(policySettings, key)
}

/** Every value there is; what is not given is the default. */
export function complete(given: Partial<PolicyValues>): PolicyValues {
  const values: Partial<Record<PolicyKey, unknown>> = {}
  for (const key of policyKeys) values[key] = policySettings[key].default
  const perSecond = given.rate ?? plainPolicy.rate
  values['rate-burst'] = perSecond === Number.POSITIVE_INFINITY ? 1 : Math.max(1, Math.ceil(perSecond))
  const queueMax = given['max-queue'] ?? policySettings['max-queue'].default
  for (const key of ['max-queue-high', 'max-queue-normal', 'max-queue-low'] as const) values[key] = queueMax
  // Each value is its own row's default, or one of those that have none and were set here.
  return { ...(values as PolicyValues), ...given }
}

/** In the engine's words. */
export function toPolicy(values: PolicyValues): Policy {
  const retries = (reason: FailureReason) => values['retry-on'].includes(reason)
  return {
    attempts: values.attempts === 0 ? undefined : values.attempts,
    retryOn: {
      failed: retries('failed'),
      exception: retries('exception'),
      timeout: retries('timeout'),
      lost: retries('lost'),
    },
    backoffFirstMs: values['backoff-first'],
    backoffFactor: values.backoff === 'fixed' ? 1 : values['backoff-factor'],
    backoffMaxMs: values['backoff-max'],
    backoffJitter: values['backoff-jitter'],
    retryForeground: values['retry-foreground'],
    deadMax: values['dead-max'],
    deadForMs: values['dead-for'],
    timeoutMs: values.timeout,
    ttlMs: values.ttl,
    expireMs: values.expire,
    concurrency: values.concurrency,
    groupConcurrency: values['group-concurrency'],
    groupSeparator: values['group-separator'],
    rate: values.rate,
    rateBurst: values['rate-burst'],
    maxQueue: [values['max-queue-high'], values['max-queue-normal'], values['max-queue-low']],
    priority: values.priority === 'client' ? undefined : priorities[values.priority],
    keepResultsMs: values['keep-results'],
    uniqueForMs: values['unique-for'],
    then: values.then,
    paused: values.paused,
    draining: values.draining,
  }
}

/** Longer ones are not shown whole. */
const shownMax = 100

/** A sentence about a key that is none; `table` is where it stands. */
export function unknownKey(key: string, table = ''): string {
  const sentence = `there is no setting ${quoted(key)}${table === '' ? '' : ` in ${table}`}`
  const meant = key.length > shownMax ? undefined : nearest(key, policyKeys)
  return meant === undefined ? sentence : `${sentence}; did you mean "${meant}"?`
}

/** A sentence about a value that is not allowed. */
export function wrongValue(key: PolicyKey, text: string | undefined): string {
  const { type }: AnyPolicySetting = policySettings[key]
  return `${key} must be ${type.range}, ${text === undefined ? 'and is none' : `not ${quoted(text)}`}`
}

export function quoted(text: string): string {
  return `"${text.length > shownMax ? `${text.slice(0, shownMax)}...` : text}"`
}

function setting<Value>(type: ValueType<Value>, value: NoInfer<Value>, help: string): PolicySetting<Value> {
  return { type, default: value, defaultText: type.show(value), help }
}

function derived<Value>(type: ValueType<Value>, defaultText: string, help: string): PolicySetting<Value> {
  return { type, default: undefined, defaultText, help }
}
