import type { JobPolicy } from '@geartrain/client'
import { type AnyPolicySetting, type PolicyKey, policySettings } from '@geartrain/server'
import { type Command, InvalidArgumentError, Option } from 'commander'

/** What of a policy can be said of one job: the library's name, the setting, and the flag where that is another. */
const rows = [
  ['attempts', 'attempts'],
  ['retryOn', 'retry-on'],
  ['backoff', 'backoff'],
  ['backoffFirstMs', 'backoff-first'],
  ['backoffFactor', 'backoff-factor'],
  ['backoffMaxMs', 'backoff-max'],
  ['backoffJitter', 'backoff-jitter'],
  ['retryForeground', 'retry-foreground'],
  // --timeout is how long the command waits.
  ['timeoutMs', 'timeout', 'job-timeout'],
  ['ttlMs', 'ttl'],
  ['expireMs', 'expire'],
  ['keepResultsMs', 'keep-results'],
  ['uniqueForMs', 'unique-for'],
] as const satisfies readonly (readonly [name: keyof JobPolicy, key: PolicyKey, flag?: string])[]

/** A flag for each setting. */
export function policyFlags(): Option[] {
  return rows.map(([, key, flag = key]) => {
    const { type, help }: AnyPolicySetting = policySettings[key]
    const option =
      type.placeholder === undefined
        ? new Option(`--${flag}`, help)
        : new Option(`--${flag} <${type.placeholder}>`, help).argParser((text) => {
            const value = type.parse(text)
            if (value !== undefined) return value
            throw new InvalidArgumentError(`It must be ${type.range}.`)
          })
    return option.helpGroup('For this job, in place of what the policy of its function says (Geartrain):')
  })
}

/** Undefined: none was given. */
export function givenPolicy(command: Command): JobPolicy | undefined {
  const given: Record<string, unknown> = {}
  for (const [name, key, flag = key] of rows) {
    const option = command.options.find((each) => each.long === `--${flag}`)
    const value: unknown = option && command.getOptionValue(option.attributeName())
    if (value !== undefined) given[name] = value
  }
  // Each value was read by its own row's type, which is that of JobPolicy.
  return Object.keys(given).length === 0 ? undefined : (given as JobPolicy)
}
