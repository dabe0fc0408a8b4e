import { partsFit } from '../policies/function-name.ts'
import type { AccessRule } from './access-rules.ts'
import { type Role, roles } from './actor.ts'

/** Functions whose rights are remembered. */
const rememberedMax = 1000

/** What some rules allow together; whoever the same rules let in shares it. */
export class Rights {
  readonly rules: readonly AccessRule[]
  readonly #patterns: readonly { readonly parts: readonly string[]; readonly bits: number }[]
  readonly #anywhere: number
  readonly #everywhere: number
  readonly #byFunction = new Map<string, number>()

  constructor(rules: readonly AccessRule[]) {
    this.rules = rules
    this.#patterns = rules.flatMap((rule) =>
      rule.functions.map((pattern) => ({ parts: pattern.split('*'), bits: bitsOf(rule.roles) })),
    )
    this.#anywhere = union(this.#patterns)
    this.#everywhere = union(this.#patterns.filter(({ parts }) => isEverything(parts)))
  }

  may(role: Role, functionName: string): boolean {
    const bit = bits[role]
    if ((this.#anywhere & bit) === 0) return false
    return (this.#everywhere & bit) !== 0 || (this.#of(functionName) & bit) !== 0
  }

  mayAnywhere(role: Role): boolean {
    return (this.#anywhere & bits[role]) !== 0
  }

  mayEverywhere(role: Role): boolean {
    return (this.#everywhere & bits[role]) !== 0
  }

  #of(functionName: string): number {
    const known = this.#byFunction.get(functionName)
    if (known !== undefined) return known
    const found = union(this.#patterns.filter(({ parts }) => partsFit(parts, functionName)))
    if (this.#byFunction.size >= rememberedMax) this.#byFunction.clear()
    this.#byFunction.set(functionName, found)
    return found
  }
}

const bits: Readonly<Record<Role, number>> = { submit: 1, work: 2, view: 4, operate: 8, admin: 16 }

function bitsOf(given: ReadonlySet<Role>): number {
  return roles.reduce((sum, role) => (given.has(role) ? sum | bits[role] : sum), 0)
}

function union(patterns: readonly { readonly bits: number }[]): number {
  return patterns.reduce((sum, pattern) => sum | pattern.bits, 0)
}

/** `*`, however often. */
function isEverything(parts: readonly string[]): boolean {
  return parts.length > 1 && parts.every((part) => part === '')
}
