/** What the server is told to do with a function's jobs, as far as it can be seen from outside. Times are milliseconds. */
export interface FunctionRules {
  readonly name: string
  readonly attempts: number
  /** After these there is no other attempt. */
  readonly finalReasons: readonly string[]
  readonly backoffFirstMs: number
  readonly backoffFactor: number
  readonly backoffMaxMs: number
  readonly backoffJitter: number
  readonly timeoutMs: number
  readonly ttlMs: number
  readonly expireMs: number
  readonly concurrency: number
  readonly deadMax: number
  readonly keepsResults: boolean
  /** Where its results go; empty: nowhere. */
  readonly next: string
}

const plain: FunctionRules = {
  name: '',
  attempts: 3,
  finalReasons: [],
  backoffFirstMs: 100,
  backoffFactor: 2,
  backoffMaxMs: 200,
  backoffJitter: 0.2,
  timeoutMs: 500,
  ttlMs: 0,
  expireMs: 0,
  concurrency: Number.POSITIVE_INFINITY,
  deadMax: 1_000_000,
  keepsResults: false,
  next: '',
}

/** Of the server that is killed. */
export const functionRules: readonly FunctionRules[] = [
  { ...plain, name: 'retry' },
  {
    ...plain,
    name: 'fixed',
    attempts: 2,
    finalReasons: ['exception'],
    backoffFirstMs: 150,
    backoffFactor: 1,
    backoffMaxMs: 150,
    backoffJitter: 0,
  },
  { ...plain, name: 'limited', concurrency: 2 },
  { ...plain, name: 'chain.fetch', keepsResults: true, next: 'chain.index' },
  { ...plain, name: 'chain.index', keepsResults: true, next: 'chain.notify' },
  { ...plain, name: 'chain.notify', keepsResults: true },
  { ...plain, name: 'short', ttlMs: 700, expireMs: 500 },
  { ...plain, name: 'capped', attempts: 1, deadMax: 5 },
  { ...plain, name: 'gate' },
]

/** Has no policy: a schedule submits its jobs. */
export const tickFunction = 'tick'
export const tickEveryMs = 1000
export function rulesOf(name: string): FunctionRules {
  const rules = functionRules.find((each) => each.name === name)
  if (rules === undefined) throw new Error(`no rules for ${name}`)
  return rules
}

/** The shortest wait after so many attempts have ended. */
export function backoffMsMin(rules: FunctionRules, ended: number): number {
  const { backoffFirstMs, backoffFactor, backoffMaxMs, backoffJitter } = rules
  const full = Math.min(backoffMaxMs, backoffFirstMs * backoffFactor ** (Math.max(1, ended) - 1))
  return Math.floor(full * (1 - backoffJitter))
}

/** The configuration file that says all of this to the server. */
export const configuration: string = [
  ...functionRules.map((rules) => [
    `[functions."${rules.name}"]`,
    `attempts = ${rules.attempts}`,
    `retry-on = [${['failed', 'exception', 'timeout', 'lost']
      .filter((reason) => !rules.finalReasons.includes(reason))
      .map((reason) => `"${reason}"`)
      .join(', ')}]`,
    `backoff = "${rules.backoffFactor === 1 ? 'fixed' : 'exponential'}"`,
    `backoff-first = "${rules.backoffFirstMs}ms"`,
    ...(rules.backoffFactor === 1 ? [] : [`backoff-factor = ${rules.backoffFactor}`]),
    `backoff-max = "${rules.backoffMaxMs}ms"`,
    `backoff-jitter = ${rules.backoffJitter}`,
    `timeout = "${rules.timeoutMs}ms"`,
    `dead-max = ${rules.deadMax}`,
    ...(rules.ttlMs === 0 ? [] : [`ttl = "${rules.ttlMs}ms"`, `expire = "${rules.expireMs}ms"`]),
    ...(rules.concurrency === Number.POSITIVE_INFINITY ? [] : [`concurrency = ${rules.concurrency}`]),
    ...(rules.keepsResults ? ['keep-results = "10m"'] : []),
    ...(rules.next === '' ? [] : [`then = "${rules.next}"`]),
    '',
  ]),
  [
    `[schedules.${tickFunction}]`,
    `function = "${tickFunction}"`,
    `every = "${tickEveryMs / 1000}s"`,
    'missed = "all"',
    'workload = "tick"',
    '',
  ],
]
  .flat()
  .join('\n')
