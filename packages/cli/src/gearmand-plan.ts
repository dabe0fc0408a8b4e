import { readFileSync } from 'node:fs'
import {
  type AnySetting,
  gearmandLimits,
  type LogOptions,
  limitSettings,
  readEnvironment,
  resolveSettings,
  type ServerOptions,
  type SettingName,
  SettingsError,
  type SettingValues,
  type Source,
  settings,
  toServerOptions,
} from '@geartrain/server'
import { Fault } from './fault.ts'
import { type GivenGearmandFlags, gearmandExitCode, gearmandFlags, numberOf, textOf } from './gearmand-flags.ts'
import type { QueueFile } from './gearmand-store.ts'

/** What a gearmand command line comes to. */
export interface GearmandPlan {
  readonly server: Omit<ServerOptions, 'version' | 'log' | 'store' | 'functions' | 'schedules' | 'access'>
  /** Where background jobs are kept; undefined: in memory. */
  readonly queue: QueueFile | undefined
  readonly graceMs: number
  readonly log: LogOptions
  /** Why a server with these flags is not started. */
  readonly refusal: string | undefined
  readonly notes: readonly string[]
}

/** gearmand's names for levels, and ours. */
const levels = {
  FATAL: 'fatal',
  ALERT: 'fatal',
  CRITICAL: 'fatal',
  ERROR: 'error',
  WARNING: 'warn',
  NOTICE: 'info',
  INFO: 'info',
  DEBUG: 'debug',
} as const satisfies Record<string, LogOptions['level']>

const sqliteQueue = 'libsqlite3'
const queueTypesMissing = ['libmemcached', 'redis', 'postgres', 'mysql', 'libtokyocabinet', 'libdrizzle']
const queueTypesBuilt = 'builtin keeps jobs in memory, libsqlite3 in a file'
/** gearmand takes no longer one. */
const handlePrefixMax = 63
const attemptsMax = 255
/** The variables win over the flags, as in gearmand. */
const tlsVariables = {
  'ssl-ca-file': 'GEARMAND_CA_CERTIFICATE',
  'ssl-certificate': 'GEARMAND_SERVER_PEM',
  'ssl-key': 'GEARMAND_SERVER_KEY',
} as const

/** Throws a Fault for what gearmand would not take. */
export function planGearmand(given: GivenGearmandFlags, environment: NodeJS.ProcessEnv): GearmandPlan {
  const notes: string[] = []
  const fromEnvironment = readOwnEnvironment(environment, notes)
  const values = resolve(fromEnvironment, {
    ...limitSettings(gearmandLimits),
    http: '',
    // As gearmand is.
    insecure: true,
    'gearmand-http': readHttp(given, notes),
    listen: textOf(given, 'listen') || '*',
    port: readPort(given, environment, notes),
    backlog: Math.max(1, numberOf(given, 'backlog') ?? Number(gearmandFlags.backlog.default)),
    'job-retries': readAttempts(given),
    'worker-wakeup': Math.max(0, numberOf(given, 'worker-wakeup') ?? 1),
    exceptions: given.exceptions === true,
    'keepalive-idle': Math.max(0, numberOf(given, 'keepalive-idle') ?? 0) * 1000,
    grace: 0,
    ...readHandlePrefix(given),
    ...readTls(given, fromEnvironment, environment, notes),
  })
  const verbose = readVerbose(given)
  for (const name of ['threads', 'keepalive-interval', 'keepalive-count', 'file-descriptors'] as const) {
    numberOf(given, name)
  }
  numberOf(given, 'hashtable-buckets', 1)
  noteFileDescriptors(given, notes)
  const queue = readQueue(given, notes)
  const file = textOf(given, 'log-file') ?? gearmandFlags['log-file'].default
  return {
    server: { ...toServerOptions(values), verbose },
    queue,
    graceMs: values.grace,
    log: {
      level: file === 'none' ? 'silent' : levels[verbose],
      format: fromEnvironment.has('log-format') ? values['log-format'] : 'gearmand',
      file: file === 'stderr' || file === 'none' ? undefined : file,
    },
    refusal: findRefusal(given),
    notes,
  }
}

/** What gearmand has no flag for can be set in our own way. */
function readOwnEnvironment(environment: NodeJS.ProcessEnv, notes: string[]): Source {
  const { source, notes: slips } = readEnvironment(environment)
  notes.push(...slips)
  const own = new Map(source)
  for (const [name, { where }] of source) {
    if (isOwn(name)) continue
    own.delete(name)
    notes.push(`${where} is ignored: gearmand's flags decide here`)
  }
  return own
}

function isOwn(name: SettingName): boolean {
  const setting: AnySetting = settings[name]
  return (
    setting.limit !== undefined ||
    name === 'grace' ||
    name === 'log-format' ||
    name === 'tls-clients' ||
    name === 'tls-crl'
  )
}

function resolve(source: Source, defaults: Partial<SettingValues>): SettingValues {
  try {
    return resolveSettings([source], defaults)
  } catch (error) {
    if (error instanceof SettingsError) throw new Fault(error.message, gearmandExitCode, { cause: error })
    throw error
  }
}

function readPort(given: GivenGearmandFlags, environment: NodeJS.ProcessEnv, notes: string[]): number {
  const variable = environment['GEARMAND_PORT'] ?? ''
  const flag = numberOf(given, 'port', 0, 65_535)
  if (flag !== undefined) return flag
  if (/^(tcp|udp):\/\//.test(variable)) {
    notes.push(`GEARMAND_PORT is ignored: "${variable}" is the address that Kubernetes or Docker gives for a service`)
  } else if (variable !== '') {
    if (/^\d+$/.test(variable) && Number(variable) <= 65_535) return Number(variable)
    throw new Fault(`GEARMAND_PORT must be a whole number from 0 to 65535, not "${variable}"`, gearmandExitCode)
  }
  return Number(gearmandFlags.port.default)
}

/** Where gearmand's HTTP is spoken; empty: nowhere. What is no port is a reason for a refusal. */
function readHttp(given: GivenGearmandFlags, notes: string[]): string {
  if (protocolOf(given) !== 'http') {
    if (given['http-port'] !== undefined) notes.push('--http-port has no effect: it belongs to -r http')
    return ''
  }
  const listen = textOf(given, 'listen') || '*'
  return `${listen.includes(':') ? `[${listen}]` : listen}:${httpPortOf(given) ?? 0}`
}

function protocolOf(given: GivenGearmandFlags): string {
  return textOf(given, 'protocol')?.toLowerCase() ?? ''
}

function httpPortOf(given: GivenGearmandFlags): number | undefined {
  const text = textOf(given, 'http-port') ?? gearmandFlags['http-port'].default
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined
}

function readAttempts(given: GivenGearmandFlags): number {
  const attempts = numberOf(given, 'job-retries', -1, attemptsMax) ?? -1
  return attempts === -1 ? Number.POSITIVE_INFINITY : attempts
}

function readHandlePrefix(given: GivenGearmandFlags): { 'handle-prefix'?: string } {
  const prefix = textOf(given, 'job-handle-prefix') ?? ''
  if (prefix === '') return {}
  if (Buffer.byteLength(prefix) <= handlePrefixMax) return { 'handle-prefix': prefix }
  throw new Fault(`--job-handle-prefix may have at most ${handlePrefixMax} bytes`, gearmandExitCode)
}

/** gearmand asks no client for a certificate, and so has no use for the authorities either. */
function readTls(
  given: GivenGearmandFlags,
  own: Source,
  environment: NodeJS.ProcessEnv,
  notes: string[],
): Partial<SettingValues> {
  const fileOf = (name: keyof typeof tlsVariables) =>
    environment[tlsVariables[name]] || textOf(given, name) || gearmandFlags[name].default
  if (given.ssl !== true) {
    for (const name of ['ssl-ca-file', 'ssl-certificate', 'ssl-key'] as const) {
      if (given[name] !== undefined) notes.push(`--${name} has no effect: it belongs to --ssl`)
    }
    return {}
  }
  const asksClients = own.has('tls-clients') && own.get('tls-clients')?.text !== 'none'
  return {
    'tls-cert': fileOf('ssl-certificate'),
    'tls-key': fileOf('ssl-key'),
    ...(asksClients ? { 'tls-ca': fileOf('ssl-ca-file') } : {}),
  }
}

function readVerbose(given: GivenGearmandFlags): keyof typeof levels {
  const text = textOf(given, 'verbose') ?? gearmandFlags.verbose.default
  if (text in levels) return text as keyof typeof levels
  throw new Fault(`--verbose must be one of ${Object.keys(levels).join(', ')}, not "${text}"`, gearmandExitCode)
}

function queueTypeOf(given: GivenGearmandFlags): string {
  return textOf(given, 'queue-type')?.toLowerCase() ?? 'builtin'
}

function readQueue(given: GivenGearmandFlags, notes: string[]): QueueFile | undefined {
  const flags = ['libsqlite3-db', 'libsqlite3-table', 'store-queue-on-shutdown'] as const
  if (queueTypeOf(given) !== sqliteQueue) {
    for (const name of flags) {
      if (given[name] !== undefined) notes.push(`--${name} has no effect: it belongs to -q ${sqliteQueue}`)
    }
    return undefined
  }
  if (given['store-queue-on-shutdown'] === true) {
    notes.push('--store-queue-on-shutdown has no effect: each job is stored before it is acknowledged')
  }
  const table = textOf(given, 'libsqlite3-table') || gearmandFlags['libsqlite3-table'].default
  return { file: textOf(given, 'libsqlite3-db') ?? '', table }
}

function findRefusal(given: GivenGearmandFlags): string | undefined {
  const queueType = queueTypeOf(given)
  if (queueTypesMissing.includes(queueType)) {
    return `queue type ${queueType} is not built in this version: ${queueTypesBuilt}`
  }
  if (queueType === sqliteQueue) {
    if (!textOf(given, 'libsqlite3-db')) return `-q ${sqliteQueue} needs a file: name it with --libsqlite3-db`
  } else if (queueType !== 'builtin') {
    return `there is no queue type "${queueType}": ${queueTypesBuilt}`
  }
  const protocol = protocolOf(given)
  if (protocol !== '' && protocol !== 'http')
    return `there is no protocol "${textOf(given, 'protocol')}": http is the only one`
  if (protocol === 'http' && httpPortOf(given) === undefined) {
    return `--http-port must be a whole number from 0 to 65535, not "${textOf(given, 'http-port')}"`
  }
  return undefined
}

/** Node.js raises the limit as far as it may at its start and can't raise it further. */
function noteFileDescriptors(given: GivenGearmandFlags, notes: string[]): void {
  const wanted = numberOf(given, 'file-descriptors') ?? 0
  const limit = fileDescriptorLimit()
  if (wanted <= limit) return
  notes.push(
    `--file-descriptors ${wanted}: this process may open ${limit} files; ` +
      'raise that before the start, with LimitNOFILE= in a systemd unit or ulimit -n in a shell',
  )
}

/** Infinity where the system doesn't say. */
function fileDescriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
