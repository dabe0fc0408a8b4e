import { type Policy, plainPolicy } from '@geartrain/engine'
import type { FunctionPolicy } from '@geartrain/protocol'
import type { Log } from '../log.ts'
import type { LimitShare } from '../store/cluster.ts'
import type { HeardDocument, StoredDocument } from '../store/store.ts'
import { type FunctionOptions, readFunctionOptions } from './config-policies.ts'
import { fits, fromWire, isPattern, wireNameProblem } from './function-name.ts'
import { withJobOptions } from './job-options.ts'
import { type GivenPolicy, type GivenValue, PolicyLayers, valuesOf } from './policy-layers.ts'
import {
  type AnyPolicySetting,
  complete,
  isPolicyKey,
  type PolicyKey,
  policyKeys,
  policySettings,
  quoted,
  toPolicy,
  unknownKey,
  wrongValue,
} from './policy-settings.ts'

/** Values that can't be set. The message names all that is wrong. */
export class PolicyError extends Error {
  readonly code = 'BAD_REQUEST'
  override readonly name = 'PolicyError'
}

/** Values that can be set, and have not been yet. No other change may come between. */
export interface PolicyChange {
  /** The document to keep under that name; undefined: none. */
  readonly body: string | undefined
  /** The one that is kept so far. */
  readonly previous: string | undefined
  /** Every setting as it would be. */
  preview(): FunctionPolicy
  apply(): void
}

/** What can be set while the server runs: functions and patterns, and patterns alone, each of which costs a new name a look. */
const namesMax = 10_000
const patternsMax = 250
/** Policies that are remembered by name. */
const cachedMax = 20_000

/** The kind of document in which the store keeps what was set while the server ran. */
export const policyDocument = 'policy'

/**
 * What is set for functions, by the configuration and while the server runs, and what it comes to for each. Names are
 * as the protocol has them, one character a byte.
 */
export class Policies {
  /** Told the function or pattern when something else is set for it. */
  onChanged: (name: string) => void = () => {}
  #layers: PolicyLayers
  /** Of limits that hold for several servers together; undefined: there is one. */
  #shares: ReadonlyMap<string, LimitShare> | undefined
  readonly #byName = new Map<string, Policy>()
  /** Most functions have theirs from one place alone. */
  readonly #byGiven = new WeakMap<GivenPolicy, Policy>()
  /** By what is in them: functions that are treated alike have one policy, also when others have changed. */
  readonly #byContent = new Map<string, Policy>()

  /** A SettingsError says what is wrong with the configuration. */
  constructor(config: FunctionOptions = {}) {
    this.#layers = new PolicyLayers(new Map(), readFunctionOptions(config))
  }

  /** `plainPolicy` itself, if it is no other. For a job with options of its own the engine remembers it. */
  policyOf(name: string, options = ''): Policy {
    if (options !== '')
      return this.#shared(name, this.#kept(toPolicy(withJobOptions(valuesOf(this.#layers.of(name)), options))))
    if (this.#layers.isEmpty) return plainPolicy
    let policy = this.#byName.get(name)
    if (policy === undefined) {
      policy = this.#shared(name, this.#merged(name))
      if (this.#byName.size >= cachedMax) this.#byName.clear()
      this.#byName.set(name, policy)
    }
    return policy
  }

  /** The functions and patterns that something is set for. */
  names(): string[] {
    return [...this.#layers.names].sort()
  }

  /** Every setting of a function or pattern, whether it is known or not. A PolicyError says that none can be called so. */
  show(name: string): FunctionPolicy {
    checkName(name)
    return describe(name, this.#layers)
  }

  /** Workloads and results of its jobs are not shown. */
  hidesPayloads(name: string): boolean {
    return !this.#layers.isEmpty && this.#layers.of(name).get('hide-payloads')?.value === true
  }

  /**
   * Sets values for a function or pattern, or takes them back where they are null: all of them, or none and a
   * PolicyError. Gives the document to keep under that name; undefined: none.
   */
  set(name: string, values: Readonly<Record<string, string | null>>): string | undefined {
    const { body, apply } = this.change(name, values)
    apply()
    return body
  }

  /** The same, to be done when it is kept. A PolicyError says why not. */
  change(name: string, values: Readonly<Record<string, string | null>>): PolicyChange {
    checkName(name)
    const problems: string[] = []
    const given = new Map(this.#layers.runtime.get(name))
    for (const [key, text] of Object.entries(values)) {
      if (text === null && isPolicyKey(key)) given.delete(key)
      else problems.push(...addValue(given, name, key, text))
    }
    const layers = this.#with(name, given)
    problems.push(...tooMany(layers))
    if (problems.length === 0)
      problems.push(...layers.problemsAfter(name, Object.keys(values)).map(({ sentence }) => sentence))
    if (problems.length > 0) throw new PolicyError(problems.join('\n'))
    return {
      body: written(given),
      previous: written(this.#layers.runtime.get(name)),
      preview: () => describe(name, layers),
      apply: () => {
        this.#use(layers, name)
        this.onChanged(name)
      },
    }
  }

  /** What the store has kept, at the start. What is not allowed any more is left out, with a warning. */
  load(documents: Iterable<StoredDocument>, log: Pick<Log, 'warn'>): void {
    this.#read(new Map(), documents, log)
  }

  /** Another server has set these, or taken them back: they are kept already. */
  hear(documents: readonly HeardDocument[], log: Pick<Log, 'warn'>): void {
    this.#read(new Map(this.#layers.runtime), documents, log)
    for (const { kind, name } of documents) if (kind === policyDocument) this.onChanged(name)
  }

  /** From now on limits hold for several servers together, and of those that are not set here nothing is this server's. */
  share(): void {
    this.#shares = new Map()
  }

  /** This server's parts of them. False: they are as before. */
  setShares(shares: readonly LimitShare[]): boolean {
    const before = this.#shares
    const isSame =
      shares.length === before?.size && shares.every((share) => isSameShare(share, before.get(share.function)))
    if (isSame) return false
    this.#shares = new Map(shares.map((share) => [share.function, share]))
    this.#byName.clear()
    return true
  }

  /** What holds for all servers together. */
  limitOf(name: string): Pick<Policy, 'concurrency' | 'rate' | 'paused'> {
    return this.#layers.isEmpty ? plainPolicy : this.#merged(name)
  }

  #read(runtime: Map<string, GivenPolicy>, documents: Iterable<HeardDocument>, log: Pick<Log, 'warn'>): void {
    for (const { kind, name, body } of documents) {
      if (kind !== policyDocument) continue
      runtime.delete(name)
      if (body === undefined) continue
      const { given, problems } = readDocument(name, body)
      for (const problem of problems) log.warn(`a stored policy is not used: ${problem}`)
      if (given.size > 0) runtime.set(name, given)
    }
    const { config } = this.#layers
    let layers = new PolicyLayers(runtime, config)
    for (let problems = layers.problems(); problems.length > 0; problems = layers.problems()) {
      for (const { sentence, runtimeNames } of problems) {
        for (const name of runtimeNames) {
          if (runtime.delete(name)) log.warn(`the stored policy of ${fromWire(name)} is not used: ${sentence}`)
        }
      }
      layers = new PolicyLayers(runtime, config)
    }
    this.#use(layers)
  }

  /** What of it is this server's. */
  #shared(name: string, policy: Policy): Policy {
    const { concurrency, rate } = policy
    if (this.#shares === undefined || Math.min(concurrency, rate) === Number.POSITIVE_INFINITY) return policy
    const share = this.#shares.get(name)
    if (share === undefined || share.rate === 0) return this.#kept({ ...policy, concurrency: 0 })
    const rateBurst = Math.max(1, Math.ceil((policy.rateBurst * share.rate) / rate))
    return this.#kept({
      ...policy,
      concurrency: Math.min(concurrency, share.concurrency),
      ...(rate === Number.POSITIVE_INFINITY ? {} : { rate: Math.min(rate, share.rate), rateBurst }),
    })
  }

  #merged(name: string): Policy {
    const given = this.#layers.of(name)
    if (given.size === 0) return plainPolicy
    let policy = this.#byGiven.get(given)
    if (policy === undefined) this.#byGiven.set(given, (policy = this.#kept(toPolicy(complete(valuesOf(given))))))
    return policy
  }

  #kept(policy: Policy): Policy {
    // Infinity comes out as null, which nothing else does.
    const content = JSON.stringify(policy)
    if (this.#byContent.size >= cachedMax) this.#byContent.clear()
    if (this.#byContent.size === 0) this.#byContent.set(JSON.stringify(plainPolicy), plainPolicy)
    const same = this.#byContent.get(content)
    if (same === undefined) this.#byContent.set(content, policy)
    return same ?? policy
  }

  #with(name: string, given: GivenPolicy): PolicyLayers {
    const runtime = new Map(this.#layers.runtime)
    if (given.size === 0) runtime.delete(name)
    else runtime.set(name, given)
    return new PolicyLayers(runtime, this.#layers.config)
  }

  /** `changed`: what is set for others is as before. */
  #use(layers: PolicyLayers, changed = '*'): void {
    this.#layers = layers
    for (const name of this.#byName.keys()) if (fits(changed, name)) this.#byName.delete(name)
  }
}

function isSameShare(one: LimitShare, other: LimitShare | undefined): boolean {
  return one.concurrency === other?.concurrency && one.rate === other.rate
}

function describe(name: string, layers: PolicyLayers): FunctionPolicy {
  const given = layers.of(name)
  const values = complete(valuesOf(given))
  const settings = policyKeys.map((key) => {
    const { type }: AnyPolicySetting = policySettings[key]
    const source = given.get(key)?.source
    return { key, value: type.show(values[key]), source: source ?? 'default', isDefault: source === undefined }
  })
  return { name, settings }
}

/** A PolicyError says why no function or pattern can be called so. */
function checkName(name: string): void {
  const problem = wireNameProblem(name)
  if (problem !== undefined) throw new PolicyError(problem)
}

/** What is wrong with it; nothing: it is among the values. */
function addValue(given: Map<PolicyKey, GivenValue>, name: string, key: string, text: unknown): string[] {
  const shown = fromWire(name)
  if (!isPolicyKey(key)) return [`${shown}: ${unknownKey(key)}`]
  const { type }: AnyPolicySetting = policySettings[key]
  const value = typeof text === 'string' ? type.parse(text) : undefined
  if (value === undefined) return [`${shown}: ${wrongValue(key, typeof text === 'string' ? text : undefined)}`]
  given.set(key, { value, source: `set for ${shown}` })
  return []
}

function tooMany({ runtime }: PolicyLayers): string[] {
  const patternCount = [...runtime.keys()].filter(isPattern).length
  if (runtime.size > namesMax) return [`settings of more than ${namesMax} functions are not kept: use a pattern`]
  if (patternCount > patternsMax) return [`settings of more than ${patternsMax} patterns are not kept`]
  return []
}

/** The document of a function or pattern; undefined: nothing is set. */
function written(given: GivenPolicy | undefined): string | undefined {
  return given === undefined || given.size === 0 ? undefined : JSON.stringify(texts(given))
}

/** As they would be written. */
function texts(given: GivenPolicy): Record<string, string> {
  const shown = Array.from(given, ([key, { value }]) => {
    const { type }: AnyPolicySetting = policySettings[key]
    return [key, type.show(value)] as const
  })
  return Object.fromEntries(shown)
}

function readDocument(name: string, body: string): { given: GivenPolicy; problems: string[] } {
  const given = new Map<PolicyKey, GivenValue>()
  const problems: string[] = []
  const values = parseObject(body)
  const problem = wireNameProblem(name)
  if (problem !== undefined) problems.push(problem)
  else if (values === undefined) problems.push(`${fromWire(name)}: ${quoted(body)} is not what the server has written`)
  else for (const [key, text] of Object.entries(values)) problems.push(...addValue(given, name, key, text))
  return { given, problems }
}

function parseObject(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
