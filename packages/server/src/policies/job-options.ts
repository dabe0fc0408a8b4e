import {
  type AnyPolicySetting,
  complete,
  isPolicyKey,
  type PolicyKey,
  type PolicyValues,
  policySettings,
  unknownKey,
  wrongValue,
} from './policy-settings.ts'

/*
 * Options of a job: settings of its function's policy that are others for it. Between client, engine and store they are
 * a text, a JSON object of keys and values as in the configuration file; equal options are equal texts, and no options
 * are an empty one.
 */

/** What is not about the jobs of a function together. */
export const jobOptionKeys: readonly PolicyKey[] = [
  'attempts',
  'retry-on',
  'backoff',
  'backoff-first',
  'backoff-factor',
  'backoff-max',
  'backoff-jitter',
  'retry-foreground',
  'dead-max',
  'dead-for',
  'timeout',
  'ttl',
  'expire',
  'keep-results',
  'unique-for',
]
const keysOfJobs: ReadonlySet<PolicyKey> = new Set(jobOptionKeys)
/** What a submission says by itself. */
const keysOfSubmissions: ReadonlySet<PolicyKey> = new Set<PolicyKey>(['priority', 'then'])

/** Options that are not possible. The message names all that is wrong. */
export class JobOptionsError extends Error {
  readonly code = 'INVALID_OPTIONS'
  override readonly name = 'JobOptionsError'
}

/** The text of what a submission says. Throws a JobOptionsError. */
export function readJobOptions(policy: Readonly<Record<string, unknown>>): string {
  const values: Record<string, string> = {}
  const problems: string[] = []
  for (const key of Object.keys(policy).sort()) {
    const given = policy[key]
    const read = readOption(key, typeof given === 'string' ? given : undefined)
    if ('problem' in read) problems.push(read.problem)
    else values[key] = read.text
  }
  if (problems.length === 0) problems.push(...backoffProblem(valuesIn(values)))
  if (problems.length > 0) throw new JobOptionsError(problems.join('; '))
  return Object.keys(values).length === 0 ? '' : JSON.stringify(values)
}

/** What counts for a job with these options, of a function with these settings. What is no option any more does not count. */
export function withJobOptions(given: Partial<PolicyValues>, options: string): PolicyValues {
  const own = valuesIn(parsed(options))
  const values = complete({ ...given, ...own })
  return {
    ...values,
    // The first wait is as long as the job says.
    'backoff-max': own['backoff-max'] ?? Math.max(values['backoff-max'], own['backoff-first'] ?? 0),
    // A job says whether it is kept; how many are, the function.
    'dead-max': values['dead-max'] === 0 ? 0 : Math.max(values['dead-max'], complete(given)['dead-max']),
  }
}

function readOption(key: string, text: string | undefined): { text: string } | { problem: string } {
  if (!isPolicyKey(key)) return { problem: unknownKey(key) }
  if (keysOfSubmissions.has(key))
    return { problem: `${key} is no part of a job's policy: the submission says it by itself` }
  if (!keysOfJobs.has(key)) return { problem: `${key} is for all jobs of a function and can't be set for one job` }
  const { type }: AnyPolicySetting = policySettings[key]
  const value = text === undefined ? undefined : type.parse(text)
  return value === undefined ? { problem: wrongValue(key, text) } : { text: type.show(value) }
}

function valuesIn(texts: Readonly<Record<string, unknown>>): Partial<PolicyValues> {
  const values: Partial<Record<PolicyKey, unknown>> = {}
  for (const [key, text] of Object.entries(texts)) {
    if (!isPolicyKey(key) || !keysOfJobs.has(key) || typeof text !== 'string') continue
    const { type }: AnyPolicySetting = policySettings[key]
    const value = type.parse(text)
    if (value !== undefined) values[key] = value
  }
  // Each value has been read by the parser of its own row.
  return values as Partial<PolicyValues>
}

/** A store may have been written to by others. */
function parsed(options: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(options)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function backoffProblem({ 'backoff-first': first, 'backoff-max': max }: Partial<PolicyValues>): string[] {
  if (first === undefined || max === undefined || first <= max) return []
  return ['backoff-max must not be shorter than backoff-first']
}
