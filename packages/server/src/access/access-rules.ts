import type { BlockList } from 'node:net'
import { nameProblem, toWire } from '../policies/function-name.ts'
import { nearest } from '../settings-nearest.ts'
import { SettingsError } from '../settings-sources.ts'
import { TomlTable } from '../settings-toml.ts'
import { type Role, reservedNames, roles } from './actor.ts'
import { readNetworks } from './network.ts'
import { isTokenHash } from './token.ts'

/** Lets someone in: all conditions that it has must hold. One without any is for everyone. */
export interface AccessRule {
  readonly name: string
  /** Hashes, any of which is enough. */
  readonly token?: readonly string[]
  /** Patterns of common names, and fingerprints as `sha256:` and small hex digits. */
  readonly certificate?: readonly string[]
  readonly network?: BlockList
  /** What it allows: `operate` is `view` as well, `admin` is all of them. */
  readonly roles: ReadonlySet<Role>
  /** On which functions: names and patterns as the protocol has them. */
  readonly functions: readonly string[]
}

/** A rule of a program's. */
export interface AccessRuleOptions {
  /** What `geartrain token` gives: `sha256:` and 64 hex digits. */
  readonly token?: string | readonly string[] | undefined
  /** The common name of a client's certificate, in which `*` is any characters, or `sha256:` and its fingerprint. */
  readonly certificate?: string | readonly string[] | undefined
  /** `10.0.0.0/8`, `fd00::/8`, or one address. */
  readonly network?: string | readonly string[] | undefined
  readonly roles: Role | readonly Role[]
  /** Default: all of them. */
  readonly functions?: string | readonly string[] | undefined
}

/** Rules by name: of the configuration file, or a program's own. */
export type AccessOptions = readonly AccessRule[] | Readonly<Record<string, AccessRuleOptions>>

/** The tables `[access.NAME]`. The first thing that is wrong is a SettingsError that names its line. */
export function readAccessTables(tables: ReadonlyMap<string, TomlTable>): readonly AccessRule[] {
  return Array.from(tables, ([name, { place, entries }]) => {
    const table = `[access.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}]`
    const fields = new Map<string, Given>()
    for (const [key, entry] of entries) {
      if (entry.value instanceof TomlTable) throw dotWithoutQuotes(entry.place, `${name}.${key}`)
      fields.set(key, { value: entry.value, where: `${entry.place}: ${table}` })
    }
    return readRule(name, fields, `${place}: ${table}`)
  })
}

/** A SettingsError says what is wrong with them. */
export function readAccessOptions(options: AccessOptions): readonly AccessRule[] {
  if (isRead(options)) return options
  return Object.entries(options).map(([name, given]) => {
    const where = `access[${JSON.stringify(name)}]`
    const fields = new Map<string, Given>()
    for (const [key, value] of Object.entries(given)) if (value !== undefined) fields.set(key, { value, where })
    return readRule(name, fields, where)
  })
}

function isRead(options: AccessOptions): options is readonly AccessRule[] {
  return Array.isArray(options)
}

interface Given {
  readonly value: unknown
  readonly where: string
}

const keys = ['token', 'certificate', 'network', 'roles', 'functions'] as const

function readRule(name: string, fields: ReadonlyMap<string, Given>, where: string): AccessRule {
  for (const [key, given] of fields) {
    if (keys.some((known) => known === key)) continue
    const meant = nearest(key, keys)
    const advice = meant === undefined ? `there are ${keys.join(', ')}` : `did you mean "${meant}"?`
    throw new SettingsError(`${given.where}: there is no key "${key}"; ${advice}`)
  }
  if (name === '' || /[*,\p{Cc}]/u.test(name)) {
    throw new SettingsError(`${where}: a rule has a name for the log, without control characters, commas and *`)
  }
  if (reservedNames.includes(name)) {
    throw new SettingsError(`${where}: "${name}" is what the log calls somebody else: give the rule another name`)
  }
  const list = (key: (typeof keys)[number]) => readList(key, fields.get(key))
  const given = list('roles')
  if (given === undefined) {
    throw new SettingsError(`${where}: "roles" is missing: some of ${roles.join(', ')}, such as roles = ["submit"]`)
  }
  const token = list('token')
  const certificate = list('certificate')
  const network = list('network')
  return {
    name,
    ...(token === undefined ? {} : { token: token.map(readTokenHash) }),
    ...(certificate === undefined ? {} : { certificate: certificate.map(readCertificate) }),
    ...(network === undefined ? {} : { network: readNetwork(network) }),
    roles: readRoles(given),
    functions: (list('functions') ?? [{ text: '*', where }]).map(readFunction),
  }
}

interface Text {
  readonly text: string
  /** `geartrain.toml, line 3: [access.ci]: token`. */
  readonly where: string
}

/** One text or a list of them, of which there is one at least: an empty list would let nobody in, or all. */
function readList(key: string, given: Given | undefined): readonly Text[] | undefined {
  if (given === undefined) return undefined
  const { value } = given
  const where = `${given.where}: ${key}`
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (texts.length === 0) throw new SettingsError(`${where} is an empty list: name one, or leave ${key} out`)
  return texts.map((text) => {
    if (typeof text !== 'string' || text === '') throw new SettingsError(`${where} must be a text, or a list of texts`)
    return { text, where }
  })
}

function readRoles(given: readonly Text[]): ReadonlySet<Role> {
  const allowed = new Set<Role>()
  for (const { text, where } of given) {
    const role = roles.find((each) => each === text)
    if (role === undefined) {
      const meant = nearest(text, roles)
      const advice = meant === undefined ? `there are ${roles.join(', ')}` : `did you mean "${meant}"?`
      throw new SettingsError(`${where}: there is no role "${text}"; ${advice}`)
    }
    for (const each of included[role]) allowed.add(each)
  }
  return allowed
}

const included: Readonly<Record<Role, readonly Role[]>> = {
  submit: ['submit'],
  work: ['work'],
  view: ['view'],
  operate: ['operate', 'view'],
  admin: roles,
}

/** What was written may be a token itself, which is not said again. */
function readTokenHash({ text, where }: Text): string {
  const hash = text.toLowerCase()
  if (isTokenHash(hash)) return hash
  throw new SettingsError(
    `${where} must be "sha256:" and 64 hex digits, as geartrain token prints it: the hash of a token, never the token`,
  )
}

function readCertificate({ text, where }: Text): string {
  const [, digits] = /^sha256:([\da-f:]+)$/i.exec(text) ?? []
  if (digits === undefined) return text
  const fingerprint = digits.replaceAll(':', '').toLowerCase()
  if (fingerprint.length === 64) return `sha256:${fingerprint}`
  throw new SettingsError(`${where} must be a common name, or "sha256:" and the 64 hex digits of a fingerprint`)
}

function readNetwork(given: readonly Text[]): BlockList {
  const list = readNetworks(given.map(({ text }) => text))
  if (list !== undefined) return list
  const wrong = given.find(({ text }) => readNetworks([text]) === undefined)
  throw new SettingsError(
    `${wrong?.where} must be a network such as 10.0.0.0/8 or fd00::/8, or an address, not "${wrong?.text}"`,
  )
}

function readFunction({ text, where }: Text): string {
  const problem = nameProblem(text)
  if (problem !== undefined) throw new SettingsError(`${where}: ${problem}`)
  return toWire(text)
}

/** To TOML, `[access.ci.main]` is a table `main` in a table `ci`. */
function dotWithoutQuotes(place: string, name: string): SettingsError {
  return new SettingsError(`${place}: a name with a dot stands in quotes: write [access.${JSON.stringify(name)}]`)
}
