import { fits } from '../policies/function-name.ts'
import { type AccessOptions, type AccessRule, readAccessOptions } from './access-rules.ts'
import { type Actor, anyone, type Role, roles } from './actor.ts'
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
  readonly #rules: readonly AccessRule[]
  /** The rules that have a token, by its hash. */
  readonly #byToken = new Map<string, readonly AccessRule[]>()
  /** By the names of the rules. */
  readonly #rights = new Map<string, Rights>()

  /** Throws a SettingsError that says what is wrong with the rules. */
  constructor(options: AccessOptions = {}) {
    this.#rules = readAccessOptions(options)
    this.isOpen = this.#rules.length === 0
    for (const rule of this.#rules) {
      for (const hash of rule.token ?? []) this.#byToken.set(hash, [...(this.#byToken.get(hash) ?? []), rule])
    }
  }

  /** One that no rule lets in gets an actor who may do nothing. */
  identify(credentials: Credentials): Actor {
    if (this.isOpen) return anyone(credentials.address)
    const withToken = this.#withToken(credentials)
    const rules = this.#rules.filter(
      (rule) => (rule.token === undefined || withToken.includes(rule)) && holds(rule, credentials),
    )
    const name = rules.length === 0 ? 'nobody' : rules.map((rule) => rule.name).join(', ')
    return new KnownActor(name, withoutToken(credentials), this.#rightsOf(rules))
  }

  /** The same peer with a token, in place of any that it has shown before; undefined: it is none that lets it in. */
  identifyWithToken(actor: Actor, token: string): Actor | undefined {
    if (this.isOpen || !(actor instanceof KnownActor)) return actor
    const shown = { ...actor.credentials, token }
    return this.isTokenGood(shown) ? this.identify(shown) : undefined
  }

  /** There is a rule with its token, whose other conditions hold as well. Where there are no rules, any is. */
  isTokenGood(credentials: Credentials): boolean {
    return this.isOpen || this.#withToken(credentials).some((rule) => holds(rule, credentials))
  }

  /** For whoever asks what they may do. */
  grantsOf(actor: Actor): readonly Grant[] {
    if (!(actor instanceof KnownActor)) return [{ roles, functions: ['*'] }]
    return actor.rights.rules.map((rule) => ({
      roles: roles.filter((role) => rule.roles.has(role)),
      functions: rule.functions,
    }))
  }

  /** Of all rules. */
  get tokenHashes(): Iterable<string> {
    return this.#byToken.keys()
  }

  /** How long it takes says nothing of the tokens that there are: what is looked up is a hash. */
  #withToken({ token, tokenHash }: Credentials): readonly AccessRule[] {
    const hash = token === undefined ? tokenHash : token.length > tokenBytesMax ? undefined : hashToken(token)
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

/** What a peer has beside it; what is kept of actors has no secrets. */
function withoutToken(credentials: Credentials): Credentials {
  const { token: _token, tokenHash: _hash, ...others } = credentials
  return others
}

/** All but its token. */
function holds({ network, certificate }: AccessRule, peer: Credentials): boolean {
  if (network !== undefined && !isIn(network, peer.address)) return false
  return certificate === undefined || certificate.some((wanted) => isCertificate(wanted, peer))
}

function isCertificate(wanted: string, { certificate }: Credentials): boolean {
  if (certificate === undefined) return false
  if (!wanted.startsWith('sha256:')) return certificate.subject !== '' && fits(wanted, certificate.subject)
  return wanted === `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`
}

/** Whom rules have let in, or none. */
class KnownActor implements Actor {
  readonly name: string
  /** Without a token. */
  readonly credentials: Credentials
  readonly rights: Rights

  constructor(name: string, credentials: Credentials, rights: Rights) {
    this.name = name
    this.credentials = credentials
    this.rights = rights
  }

  get address(): string {
    return this.credentials.address
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
}
