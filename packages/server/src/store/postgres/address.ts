import { userInfo } from 'node:os'
import { StoreError } from '../store.ts'

/** A server of PostgreSQL: a name or an IP address, or the directory of its Unix socket. */
export interface Host {
  readonly host: string
  readonly port: number
}

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
type SslMode = (typeof sslModes)[number]

/** Where the database is and as whom to go there. Files are read with each connection: they may have been renewed. */
export interface Address {
  /** The first that takes writes is used. */
  readonly hosts: readonly Host[]
  readonly user: string
  /** Undefined: none, or the one in the file that PGPASSFILE names. */
  readonly password: string | undefined
  readonly database: string
  readonly sslMode: SslMode
  readonly sslRootCert: string | undefined
  readonly sslCert: string | undefined
  readonly sslKey: string | undefined
  readonly sslPassword: string | undefined
  readonly connectTimeoutMs: number
  /** Undefined: the server's own choice. */
  readonly applicationName: string | undefined
  /** Flags for the database's process: `-c work_mem=64MB`. */
  readonly options: string | undefined
  /** For people: without password and parameters. */
  readonly name: string
}

const connectTimeoutMsDefault = 5000
const hostsMax = 32

/** What a URL may say behind `?`, and what is said instead if it does not. */
const parameters = {
  host: 'PGHOST',
  port: 'PGPORT',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  dbname: 'PGDATABASE',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  connect_timeout: 'PGCONNECT_TIMEOUT',
  application_name: 'PGAPPNAME',
  options: 'PGOPTIONS',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
} as const
type Parameter = keyof typeof parameters

/** What libpq knows, too, and what makes no difference here. */
const passedOver = new Set([
  'client_encoding',
  'fallback_application_name',
  'gssencmode',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
])

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text)
}

/**
 * Takes what libpq takes: `postgres://user:password@host:5432,other:5433/database?sslmode=verify-full`. What is missing
 * comes from its environment variables. Throws a StoreError, which never says what could be a part of the password.
 */
export function parseAddress(url: string, env: Readonly<Record<string, string | undefined>> = process.env): Address {
  const match = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url)
  if (match === null || (match[3] ?? '').includes('@')) {
    throw bad(
      'is none: "postgres://user:password@host/database" is; write / ? # @ and % in a password as %2F %3F %23 %40 and %25',
    )
  }
  const [, userAndPassword = '', hostList = '', path = '', query = ''] = match
  const said = readQuery(query)
  const colon = userAndPassword.indexOf(':')
  if (userAndPassword !== '') said.set('user', decode(colon < 0 ? userAndPassword : userAndPassword.slice(0, colon)))
  if (colon >= 0) said.set('password', decode(userAndPassword.slice(colon + 1)))
  if (path !== '') said.set('dbname', decode(path))
  const get = (name: Parameter): string | undefined => {
    const variable = parameters[name]
    return said.get(name) || (variable === undefined ? undefined : env[variable]) || undefined
  }

  checkTarget(get('target_session_attrs'))
  const user = get('user') ?? userInfo().username
  const database = get('dbname') ?? user
  const hosts = hostList === '' ? readHosts(get('host'), get('port')) : readHostList(hostList, get('port'))
  const sslMode = readSslMode(get('sslmode'))
  const sslRootCert = get('sslrootcert')
  if (sslMode === 'verify-ca' && sslRootCert === undefined) {
    throw bad(
      'says sslmode=verify-ca, and not whose certificates are good: add sslrootcert and a file, or say verify-full',
    )
  }
  return {
    hosts,
    user,
    password: get('password'),
    database,
    // As in libpq: an authority that is named is asked.
    sslMode: sslMode === 'require' && sslRootCert !== undefined ? 'verify-ca' : sslMode,
    sslRootCert: sslRootCert === 'system' ? undefined : sslRootCert,
    sslCert: get('sslcert'),
    sslKey: get('sslkey'),
    sslPassword: get('sslpassword'),
    connectTimeoutMs: readTimeout(get('connect_timeout')),
    applicationName: get('application_name'),
    options: get('options'),
    name: `postgres://${encodeURIComponent(user)}@${hosts.map(toText).join(',')}/${encodeURIComponent(database)}`,
  }
}

/** Of what is or was to be a URL: as anybody may see it. */
export function withoutPassword(text: string): string {
  try {
    if (isPostgresUrl(text)) return parseAddress(text).name
  } catch {
    // Below.
  }
  return text.replace(/:\/\/.*@/s, '://...@').replace(/(password=)[^&]*/gi, '$1...')
}

/** As it stands in a URL. */
export function toText({ host, port }: Host): string {
  const shown = host.includes(':') ? `[${host}]` : host.startsWith('/') ? encodeURIComponent(host) : host
  return `${shown}:${port}`
}

function bad(what: string): StoreError {
  return new StoreError('POSTGRES_BAD_URL', `the URL of the database ${what}`)
}

function readQuery(query: string): Map<Parameter, string> {
  const said = new Map<Parameter, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    if (isParameter(name)) said.set(name, value)
    else if (name === 'channel_binding' && value === 'require') {
      throw bad('says channel_binding=require, which can not be promised: leave it out and say sslmode=verify-full')
    } else if (!passedOver.has(name) && name !== 'channel_binding') {
      throw bad(`has a parameter that is not known; these are: ${Object.keys(parameters).join(', ')}`)
    }
  }
  return said
}

function isParameter(name: string): name is Parameter {
  return Object.hasOwn(parameters, name)
}

function decode(text: string): string {
  try {
    const decoded = decodeURIComponent(text)
    if (!decoded.includes('\0')) return decoded
  } catch {
    // Below.
  }
  throw bad('has a % that does not begin a character: two digits that are hexadecimal follow it, and %25 is % itself')
}

/** Those between @ and /, each with its port or without one. */
function readHostList(list: string, port: string | undefined): Host[] {
  const parts = list.split(',').map((part) => {
    const [, bracketed, plain = '', ownPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(part) ?? [
      undefined,
      undefined,
      '',
      'x',
    ]
    return { host: bracketed ?? decode(plain), port: ownPort }
  })
  const ports = port === undefined ? [] : port.split(',')
  return checkHosts(
    parts.map((part, index) => ({
      host: part.host === '' ? 'localhost' : part.host,
      port: readPort(part.port || ports[ports.length === 1 ? 0 : index]),
    })),
  )
}

/** Lists of the same length, or one port for all. */
function readHosts(hosts = 'localhost', port = '5432'): Host[] {
  const [names, ports] = [hosts.split(','), port.split(',')]
  if (ports.length !== 1 && ports.length !== names.length) {
    throw bad(`has ${names.length} hosts and ${ports.length} ports: name one port, or one for each host`)
  }
  return checkHosts(
    names.map((name, index) => ({
      host: name === '' ? 'localhost' : name,
      port: readPort(ports[ports.length === 1 ? 0 : index]),
    })),
  )
}

function checkHosts(hosts: Host[]): Host[] {
  if (hosts.length > hostsMax) throw bad(`has ${hosts.length} hosts; it may have ${hostsMax}`)
  return hosts
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return 5432
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port === 0 || port > 65_535) throw bad('has a port that is not a number from 1 to 65535')
  return port
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return connectTimeoutMsDefault
  if (!/^-?\d{1,6}$/.test(text)) throw bad('has a connect_timeout that is not a number of seconds')
  // 0 and below is for ever in libpq, which a server can't wait.
  return Number(text) <= 0 ? connectTimeoutMsDefault : Number(text) * 1000
}

function readSslMode(text = 'prefer'): SslMode {
  // What pg calls it.
  if (text === 'no-verify') return 'require'
  const mode = sslModes.find((each) => each === text)
  if (mode === undefined) throw bad(`has an sslmode that is not known; these are: ${sslModes.join(', ')}`)
  return mode
}

/** A server writes, whatever it does. */
function checkTarget(text: string | undefined): void {
  if (text === undefined || text === 'read-write' || text === 'primary') return
  throw bad('has a target_session_attrs other than read-write and primary: a job server must write; leave it out')
}
