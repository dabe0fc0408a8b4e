import { byPrecedence, fromWire, isPattern, partsFit } from './function-name.ts'
import { complete, type PolicyKey, type PolicyValues, policyKeys, policySettings } from './policy-settings.ts'

/** A value that is allowed, and where it comes from in words. */
export interface GivenValue {
  readonly value: unknown
  readonly source: string
}

/** What is given for one function or pattern. */
export type GivenPolicy = ReadonlyMap<PolicyKey, GivenValue>

/** What is given, by function or pattern as the protocol has names. */
export type GivenPolicies = ReadonlyMap<string, GivenPolicy>

const nothing: GivenPolicy = new Map()

/** Two values that can't be so together. */
export interface Problem {
  /** One sentence that names function and places. */
  readonly sentence: string
  /** The functions and patterns with values of the running server's that have a part in it. */
  readonly runtimeNames: readonly string[]
}

/**
 * What was set while the server runs, above the configuration. Of each, what is given for the very name comes before
 * what is given for patterns, and of these the one with the most literal characters comes first. Each key is taken
 * from the first that has it.
 */
export class PolicyLayers {
  readonly runtime: GivenPolicies
  readonly config: GivenPolicies
  readonly #runtimePatterns: readonly Pattern[]
  readonly #configPatterns: readonly Pattern[]

  constructor(runtime: GivenPolicies, config: GivenPolicies) {
    this.runtime = runtime
    this.config = config
    this.#runtimePatterns = patternsOf(runtime)
    this.#configPatterns = patternsOf(config)
  }

  get isEmpty(): boolean {
    return this.runtime.size + this.config.size === 0
  }

  /** All functions and patterns that something is given for. */
  get names(): ReadonlySet<string> {
    return new Set([...this.config.keys(), ...this.runtime.keys()])
  }

  /** What holds for a function or, taken as one, a pattern. */
  of(name: string): GivenPolicy {
    const policies = this.#matching(name)
    const [only = nothing] = policies
    if (policies.length < 2) return only
    const given = new Map<PolicyKey, GivenValue>()
    for (const key of policyKeys) {
      const value = find(policies, key)
      if (value !== undefined) given.set(key, value)
    }
    return given
  }

  /** Pairs of values that don't go together, wherever they meet. */
  problems(): Problem[] {
    return [...this.#backoffProblems(this.names), ...this.#thenProblems()]
  }

  /** Those that there can be since these keys of a function or pattern were set or taken back. Before, there were none. */
  problemsAfter(changed: string, keys: readonly string[]): Problem[] {
    const problems: Problem[] = []
    if (keys.includes('backoff-first') || keys.includes('backoff-max')) {
      const parts = changed.split('*')
      problems.push(...this.#backoffProblems([...this.names].filter((name) => partsFit(parts, name))))
    }
    if (keys.includes('then')) problems.push(...this.#thenProblems())
    return problems
  }

  *#backoffProblems(names: Iterable<string>): Generator<Problem, void> {
    for (const name of names) {
      const given = this.of(name)
      const { 'backoff-first': first, 'backoff-max': max } = complete(valuesOf(given))
      if (first <= max) continue
      const shown = (key: 'backoff-first' | 'backoff-max', value: number) =>
        `${policySettings[key].type.show(value)} (${given.get(key)?.source ?? 'default'})`
      yield {
        sentence:
          `${fromWire(name)}: backoff-max must not be shorter than backoff-first: it is ${shown('backoff-max', max)}, ` +
          `and backoff-first is ${shown('backoff-first', first)}`,
        runtimeNames: this.#runtimeNames([given.get('backoff-first'), given.get('backoff-max')]),
      }
    }
  }

  /** Functions whose results come back to them again and again. All of those are named by a `then`. */
  *#thenProblems(): Generator<Problem, void> {
    const seen = new Set<string>()
    for (const start of this.#thenValues()) {
      const path: { name: string; given: GivenValue | undefined }[] = []
      let name = start
      while (name !== '' && !seen.has(name)) {
        seen.add(name)
        const given = find(this.#matching(name), 'then')
        path.push({ name, given })
        name = functionIn(given)
      }
      const circle = path.slice(path.findIndex((step) => step.name === name))
      if (!circle.some((step) => step.name === name)) continue
      const steps = circle.map(({ name: from, given }) => `${fromWire(from)} (${given?.source ?? 'default'})`)
      yield {
        sentence: `${fromWire(name)}: then must not lead back to the function itself: ${steps.join(', then ')}`,
        runtimeNames: this.#runtimeNames(circle.map(({ given }) => given)),
      }
    }
  }

  #thenValues(): Set<string> {
    const values = new Set<string>()
    for (const layer of [this.runtime, this.config]) {
      for (const given of layer.values()) values.add(functionIn(given.get('then')))
    }
    return values
  }

  #runtimeNames(values: readonly (GivenValue | undefined)[]): string[] {
    const isGiven = (given: GivenPolicy) => [...given.values()].some((value) => values.includes(value))
    return [...this.runtime].filter(([, given]) => isGiven(given)).map(([name]) => name)
  }

  /** In the order in which they count. */
  #matching(name: string): GivenPolicy[] {
    const found: GivenPolicy[] = []
    addMatching(found, name, this.runtime, this.#runtimePatterns)
    addMatching(found, name, this.config, this.#configPatterns)
    return found
  }
}

/** What is given, without where it comes from. */
export function valuesOf(given: GivenPolicy): Partial<PolicyValues> {
  // Each value has been read by the parser of its own row.
  return Object.fromEntries(Array.from(given, ([key, { value }]) => [key, value])) as Partial<PolicyValues>
}

function addMatching(found: GivenPolicy[], name: string, layer: GivenPolicies, patterns: readonly Pattern[]): void {
  const exact = layer.get(name)
  if (exact !== undefined) found.push(exact)
  for (const { pattern, parts, given } of patterns) {
    if (partsFit(parts, name) && pattern !== name) found.push(given)
  }
}

function find(policies: readonly GivenPolicy[], key: PolicyKey): GivenValue | undefined {
  for (const policy of policies) {
    const value = policy.get(key)
    if (value !== undefined) return value
  }
  return undefined
}

/** The value of a `then`. */
function functionIn(given: GivenValue | undefined): string {
  return typeof given?.value === 'string' ? given.value : ''
}

interface Pattern {
  readonly pattern: string
  readonly parts: readonly string[]
  readonly given: GivenPolicy
}

function patternsOf(layer: GivenPolicies): Pattern[] {
  return [...layer]
    .filter(([name]) => isPattern(name))
    .sort(([one], [other]) => byPrecedence(one, other))
    .map(([pattern, given]) => ({ pattern, parts: pattern.split('*'), given }))
}
