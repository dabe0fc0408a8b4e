import { fits } from '../policies/function-name.ts'
import { SettingsError } from '../settings-sources.ts'
import { type AccessOptions, type AccessRule, readAccessOptions } from './access-rules.ts'
import { type Actor, anyone, nameSeparator, nobody, type Role, roles } from './actor.ts'
import { isIn } from './network.ts'
import { Rights } from './rights.ts'
import { hashToken, isSame, tokenBytesMax } from './token.ts'

/** What is known of a peer. */
export interface Credentials {
  /** Its address without a port. */
  readonly address: string
  /** Of the certificate that it has shown and that was verified: the common name of its subject, and its SHA-256. */
  readonly certificate?: { readonly subject: string; readonly fingerprint256: string }
  readonly token?: string
  /** In place of the token, for those who have shown it before. */
  readonly tokenHash?: string
}

/** What someone may do on which functions; names and patterns as the protocol has them. */
export interface Grant {
  readonly roles: readonly Role[]
  readonly functions: readonly string[]
}

/** Says who someone is, and so what they may do: all that the rules allow which let them in. */
export class Access {
  /** There are no rules: everyone may do everything. */
  readonly isOpen: boolean
  readonly #current: Current
  readonly #listeners = new Set<() => void>()

  /** Throws a SettingsError that says what is wrong with the rules. */
  constructor(options: AccessOptions = {}) {
    const rules = readAccessOptions(options)
    this.isOpen = rules.length === 0
    this.#current = { rules: new RuleSet(rules) }
  }

  /** From now on these rules hold, for those who are there already as well. Nothing changes if it throws a SettingsError. */
  change(options: AccessOptions): void {
    const rules = readAccessOptions(options)
    if (rules.length === 0 && !this.isOpen) {
      throw new SettingsError('there are no access rules any more, and a server without them has to be started so')
    }
    if (rules.length > 0 && this.isOpen) {
      throw new SettingsError('the server was started without access rules, and has to be started again to have some')
    }
    this.#current.rules = new RuleSet(rules)
    for (const listener of this.#listeners) listener()
  }

  /** The listener is called when there are other rules. Gives the way to leave. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** One that no rule lets in gets an actor who may do nothing. */
  identify(credentials: Credentials): Actor {
    if (this.isOpen) return anyone(credentials.address)
    return new KnownActor(this.#current, withHash(credentials))
  }

  /** The same peer with a token, in place of any that it has shown before; undefined: it is none that lets it in. */
  identifyWithToken(actor: Actor, token: string): Actor | undefined {
    if (this.isOpen || !(actor instanceof KnownActor)) return actor
    const shown = { ...actor.peer, token }
    return this.isTokenGood(shown) ? this.identify(shown) : undefined
  }

  /** There is a rule with its token, whose other conditions hold as well. Where there are no rules, any is. */
  isTokenGood(credentials: Credentials): boolean {
    if (this.isOpen) return true
    const peer = withHash(credentials)
    return this.#current.rules.withToken(peer).some((rule) => holds(rule, peer))
  }

  /** For whoever asks what they may do. */
  grantsOf(actor: Actor): readonly Grant[] {
    if (!(actor instanceof KnownActor)) return [{ roles, functions: ['*'] }]
    return actor.rights.rules.map((rule) => ({
      roles: roles.filter((role) => rule.roles.has(role)),
      functions: rule.functions,
    }))
  }

  /** Of all rules; the same object until the rules change. */
  get tokenHashes(): ReadonlySet<string> {
    return this.#current.rules.tokenHashes
  }
}

/** The rules that hold, for all who look at them. */
interface Current {
  rules: RuleSet
}

/** Who someone is by some rules. */
interface Identity {
  readonly rules: RuleSet
  readonly name: string
  readonly rights: Rights
}

class RuleSet {
  readonly tokenHashes: ReadonlySet<string>
  readonly #rules: readonly AccessRule[]
  /** Those that have a token, by its hash. */
  readonly #byToken = new Map<string, readonly AccessRule[]>()
  /** By the names of the rules. */
  readonly #rights = new Map<string, Rights>()

  constructor(rules: readonly AccessRule[]) {
    this.#rules = rules
    for (const rule of rules) {
      for (const hash of rule.token ?? []) this.#byToken.set(hash, [...(this.#byToken.get(hash) ?? []), rule])
    }
    this.tokenHashes = new Set(this.#byToken.keys())
  }

  identify(peer: HashedCredentials): Identity {
    const withToken = this.withToken(peer)
    const rules = this.#rules.filter(
      (rule) => (rule.token === undefined || withToken.includes(rule)) && holds(rule, peer),
    )
    const name = rules.length === 0 ? nobody : rules.map((rule) => rule.name).join(nameSeparator)
    return { rules: this, name, rights: this.#rightsOf(rules) }
  }

  /** How long it takes says nothing of the tokens that there are: what is looked up is a hash. */
  withToken({ tokenHash: hash }: HashedCredentials): readonly AccessRule[] {
    const rules = (hash !== undefined && this.#byToken.get(hash)) || []
    return rules.filter((rule) => rule.token?.some((each) => isSame(each, hash ?? '')))
  }

  #rightsOf(rules: readonly AccessRule[]): Rights {
    const key = JSON.stringify(rules.map(({ name }) => name))
    const known = this.#rights.get(key) ?? new Rights(rules)
    this.#rights.set(key, known)
    return known
  }
}

/** What is kept of a peer has no token. */
type HashedCredentials = Omit<Credentials, 'token'>

function withHash({ token, ...others }: Credentials): HashedCredentials {
  if (token === undefined) return others
  const { tokenHash: _before, ...peer } = others
  return token.length > tokenBytesMax ? peer : { ...peer, tokenHash: hashToken(token) }
}

/** All but its token. */
function holds({ network, certificate }: AccessRule, peer: HashedCredentials): boolean {
  if (network !== undefined && !isIn(network, peer.address)) return false
  return certificate === undefined || certificate.some((wanted) => isCertificate(wanted, peer))
}

function isCertificate(wanted: string, { certificate }: HashedCredentials): boolean {
  if (certificate === undefined) return false
  if (!wanted.startsWith('sha256:')) return certificate.subject !== '' && fits(wanted, certificate.subject)
  return wanted === `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`
}

/** Whom rules have let in, or none; by the rules that hold whenever it is asked. */
class KnownActor implements Actor {
  readonly #current: Current
  readonly #credentials: HashedCredentials
  #known: Identity

  constructor(current: Current, credentials: HashedCredentials) {
    this.#current = current
    this.#credentials = credentials
    this.#known = current.rules.identify(credentials)
  }

  get name(): string {
    return this.#identity.name
  }

  get rights(): Rights {
    return this.#identity.rights
  }

  /** What is known of it beside its token. */
  get peer(): HashedCredentials {
    const { tokenHash: _hash, ...others } = this.#credentials
    return others
  }

  get address(): string {
    return this.#credentials.address
  }

  may(role: Role, functionName: string): boolean {
    return this.rights.may(role, functionName)
  }

  mayAnywhere(role: Role): boolean {
    return this.rights.mayAnywhere(role)
  }

  mayEverywhere(role: Role): boolean {
    return this.rights.mayEverywhere(role)
  }

  get #identity(): Identity {
    const { rules } = this.#current
    if (this.#known.rules !== rules) this.#known = rules.identify(this.#credentials)
    return this.#known
  }
}
