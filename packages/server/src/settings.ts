import { defaultLimits, type Limits } from './limits.ts'
import { defaultOptions, type ServerOptions } from './options.ts'
import {
  byteCount,
  choice,
  decimal,
  duration,
  httpAddress,
  httpUrl,
  linkAddress,
  numberOr,
  onOff,
  orWord,
  path,
  rate,
  secret,
  serverAddresses,
  storeName,
  tlsPort,
  type ValueType,
  wholeNumber,
  word,
  words,
} from './settings-values.ts'
import type { TlsFiles } from './tls/tls-files.ts'

/**
 * What a user can set. Its name in the table is the flag (`--port`), the key in the configuration file (`port`) and,
 * in capitals and with underscores, the environment variable (`GEARTRAIN_PORT`).
 */
export interface Setting<Value> {
  readonly type: ValueType<Value>
  readonly default: Value
  /** The default in words of the user's: the text that stands for it, or what it comes from. */
  readonly defaultText: string
  /** It is one of the limits, and stands in the table [limits] of the configuration file. */
  readonly limit?: keyof Limits
  readonly help: string
}

const KiB = 1024
const MiB = 1024 * KiB
const day = 86_400_000
/** Bytes of a handle that its number leaves to the prefix. */
const handlePrefixMax = 46

/**
 * Every setting there is. A new one is a row here, a line in `toServerOptions` if it is the server's and no limit, and a
 * run of the tests with UPDATE_DOCS=1, which writes the table in docs/configuration.md.
 */
export const settings = {
  listen: setting(word('address', 255), defaultOptions.listen, 'address or name to listen on; * is every address'),
  port: setting(wholeNumber('number', 0, 65_535), defaultOptions.port, 'port to listen on; 0 picks a free one'),
  backlog: setting(
    wholeNumber('number', 1, 65_535),
    defaultOptions.backlog,
    'connections that may wait to be accepted',
  ),
  http: setting(
    orWord('off', '', httpAddress),
    '127.0.0.1:4731',
    'address and port of the HTTP side: API, metrics and pages; a port alone is on 127.0.0.1; off is none',
  ),
  'gearmand-http': setting(
    orWord('off', '', httpAddress),
    '',
    "address and port of gearmand's own protocol over HTTP, always in plain text; a port alone is on 127.0.0.1",
  ),
  'http-hosts': setting(
    orWord('none', defaultOptions.httpHosts, words('names', 255)),
    defaultOptions.httpHosts,
    'names that the HTTP side is reached by, beside localhost and addresses',
  ),
  watch: setting(
    orWord('none', defaultOptions.watch, serverAddresses),
    defaultOptions.watch,
    'other job servers to show beside this one, plain gearmand too',
  ),
  'cluster-address': setting(
    orWord('auto', '', linkAddress),
    defaultOptions.clusterAddress,
    'where other servers of the cluster reach this one: host:port, with TLS gearmans://host:port; auto is where it listens',
  ),
  'cluster-token': setting(
    orWord('none', '', secret),
    defaultOptions.clusterToken,
    'token that all servers of the cluster have, and by which they let each other in; better in a file',
  ),
  'cluster-token-file': setting(orWord('none', '', path), '', 'file that this token stands in'),
  'cluster-tls-ca': setting(
    orWord('none', '', path),
    '',
    'authorities that vouch for other servers of the cluster, in PEM; without it those of tls-ca, or the usual ones',
  ),
  insecure: setting(
    onOff,
    defaultOptions.insecure,
    'listen where others can reach it, though there are no access rules: everyone may do everything',
  ),
  'text-admin': setting(
    choice('where', ['on', 'loopback', 'off']),
    defaultOptions.textAdmin,
    'the text protocol of administration: from everywhere, from this machine, or not at all',
  ),
  'tls-cert': setting(
    orWord('none', '', path),
    '',
    'certificate of the server for TLS, in PEM, with those between it and the authority; SIGHUP reads all of these again',
  ),
  'tls-key': setting(orWord('none', '', path), '', 'key of that certificate, in PEM'),
  'tls-port': setting(
    tlsPort,
    defaultOptions.tlsPort.toString(),
    'where TLS is spoken: same is the port, which then speaks nothing else; a number is one beside it; off is neither',
  ),
  'tls-clients': setting(
    choice('word', ['none', 'request', 'require']),
    'none',
    'certificates of clients: not asked for, welcome, or the only way in',
  ),
  'tls-ca': setting(orWord('none', '', path), '', 'authorities that vouch for clients, in PEM'),
  'tls-crl': setting(orWord('none', '', path), '', 'revocation lists of those authorities, in PEM'),
  'http-tls': setting(onOff, defaultOptions.httpTls, 'speak HTTPS on the HTTP side, with the same files'),
  store: setting(
    storeName,
    'sqlite:./geartrain.db',
    'where background jobs are kept: sqlite and a file; the URL of a PostgreSQL database, which any number of servers share; or memory, which loses them at the end',
  ),
  'server-name': {
    ...setting(word('name', 255), defaultOptions.serverName, 'what the other servers of a cluster see this one by'),
    defaultText: 'the name of the host',
  },
  lease: setting(
    duration(3_600_000, 2000),
    defaultOptions.leaseMs,
    'in a cluster: jobs of a server that was not heard of for so long go to others',
  ),
  'job-retries': setting(
    numberOr('unlimited', 'number', 0, 255, ['-1']),
    defaultOptions.attemptsMax,
    'attempts of a job whose worker goes away or takes too long before it fails; 0 is one, like 1',
  ),
  'worker-wakeup': setting(
    wholeNumber('number', 0, 65_535),
    defaultOptions.wakeCount,
    'sleeping workers woken for a job; 0 is all of them',
  ),
  exceptions: setting(onOff, defaultOptions.exceptions, 'give WORK_EXCEPTION to every client, asked for or not'),
  'handle-prefix': {
    ...setting(word('text', handlePrefixMax), defaultOptions.handlePrefix, 'what job handles begin with'),
    defaultText: 'H: and the name of the host',
  },
  keepalive: setting(onOff, defaultOptions.keepAlive, 'have the system probe connections that are silent'),
  'keepalive-idle': setting(
    duration(day),
    defaultOptions.keepAliveIdleMs,
    'silence before the first probe; 0 is what the system is set to',
  ),
  grace: setting(duration(day), 10_000, 'time that running jobs get to finish when the server is stopped'),
  'log-level': setting(
    choice('level', ['debug', 'info', 'warn', 'error', 'silent']),
    'info',
    'the least important lines that are logged; the one that says the server is ready always is, unless silent',
  ),
  'log-format': setting(choice('format', ['pretty', 'json']), 'pretty', 'how log lines look'),
  'log-file': setting(path, 'stderr', 'file that the log is added to; "stderr" is none; SIGHUP opens it again'),

  traces: setting(
    orWord('off', '', httpUrl),
    '',
    'OTLP/HTTP endpoint of a collector that gets spans of the jobs; without a path it is /v1/traces',
  ),
  'traces-sample': setting(
    decimal('number', 0, 1),
    defaultOptions.tracesSample,
    'the part of the jobs that are traced of those whose clients do not trace them',
  ),
  'warn-wait': setting(
    orWord('off', Number.POSITIVE_INFINITY, duration(365 * day)),
    defaultOptions.warnWaitMs,
    'a job that waits for longer, though its function has workers, is told as something wrong',
  ),
  'warn-failures': setting(
    decimal('number', 0, 1),
    defaultOptions.warnFailures,
    'the same of a function of whose attempts in the last minute a greater part has failed; 1 is never',
  ),
  'warn-running': setting(
    orWord('off', Number.POSITIVE_INFINITY, duration(365 * day)),
    defaultOptions.warnRunningMs,
    'the same of a job that runs for longer, or for 5 minutes and ten times as long as those of its function do',
  ),

  'packet-bytes-max': limit(byteCount(KiB, 1024 * MiB), 'packetBytesMax', 'largest body of a packet'),
  'line-bytes-max': limit(byteCount(64, MiB), 'lineBytesMax', 'longest line of the text protocol'),
  'function-name-bytes-max': limit(byteCount(1, 64 * KiB), 'functionNameBytesMax', 'longest name of a function'),
  'unique-bytes-max': limit(byteCount(1, 64 * KiB), 'uniqueBytesMax', 'longest unique, or name of a reducer'),
  'client-id-bytes-max': limit(byteCount(1, 64 * KiB), 'clientIdBytesMax', 'longest client id; the rest is cut off'),
  'connections-max': limit(wholeNumber('number', 1, 10_000_000), 'connectionsMax', 'connections at a time'),
  'output-bytes-max': limit(
    byteCount(64 * KiB, 64 * 1024 * MiB),
    'outputBytesMax',
    'output that may wait for one slow reader before it is cut off',
  ),
  'functions-max': limit(
    wholeNumber('number', 1, 1e6),
    'functionsMax',
    'functions that the server knows; a new one takes the place of the oldest idle one',
  ),
  'jobs-per-function-max': limit(
    wholeNumber('number', 1, 16_000_000),
    'jobsPerFunctionMax',
    'jobs of one function in memory',
  ),
  'jobs-max': {
    ...limit(wholeNumber('number', 1, 1e9), 'jobsMax', 'jobs of all functions together in memory'),
    defaultText: "what fits three quarters of Node's heap, about 10 million in 4 GiB",
  },
  'workload-bytes-max': {
    ...limit(byteCount(MiB, 16 * 1024 * 1024 * MiB), 'workloadBytesMax', 'workloads of all jobs together in memory'),
    defaultText: "half of the machine's memory",
  },
  'waits-per-connection-max': limit(
    wholeNumber('number', 1, 10_000_000),
    'waitsPerConnectionMax',
    'foreground jobs that a connection waits for',
  ),
  'handshake-timeout': limit(
    duration(day),
    'handshakeTimeoutMs',
    'time for a new connection to say anything; 0 is for ever',
  ),
  'tls-handshake-timeout': limit(
    duration(day),
    'tlsHandshakeTimeoutMs',
    'time for the whole handshake of a connection by TLS; 0 is for ever',
  ),
  'packet-timeout': limit(
    duration(day),
    'packetTimeoutMs',
    'time for a packet that has begun to arrive, and again for each MiB of it; 0 is for ever',
  ),
  'output-timeout': limit(
    duration(day),
    'outputTimeoutMs',
    'time that a reader may leave its output untouched; 0 is for ever',
  ),
  'http-body-bytes-max': limit(byteCount(KiB, 1024 * MiB), 'httpBodyBytesMax', 'largest body of a request over HTTP'),
  'http-header-bytes-max': limit(
    byteCount(KiB, MiB),
    'httpHeaderBytesMax',
    'headers of a request over HTTP, all together',
  ),
  'http-headers-timeout': limit(
    duration(day),
    'httpHeadersTimeoutMs',
    'time for the headers of a request over HTTP to arrive; 0 is for ever',
  ),
  'http-request-timeout': limit(
    duration(day),
    'httpRequestTimeoutMs',
    'time for all of a request over HTTP to arrive; 0 is for ever',
  ),
  'http-connections-max': limit(
    wholeNumber('number', 1, 10_000_000),
    'httpConnectionsMax',
    'connections of HTTP at a time',
  ),
  'http-leases-max': limit(
    wholeNumber('number', 1, 10_000_000),
    'httpLeasesMax',
    'jobs that are done over HTTP, and requests that wait for one, at a time',
  ),
  'http-leases-per-actor-max': limit(
    wholeNumber('number', 1, 10_000_000),
    'httpLeasesPerActorMax',
    'the same for one who is let in, from one address',
  ),
  'http-connections-per-address-max': limit(
    wholeNumber('number', 1, 10_000_000),
    'httpConnectionsPerAddressMax',
    'connections of HTTP at a time from one address',
  ),
  'metrics-functions-max': limit(
    wholeNumber('number', 0, 100_000),
    'metricsFunctionsMax',
    'functions with figures of their own in /metrics; those of all others are summed',
  ),
  'watch-answer-bytes-max': limit(
    byteCount(64 * KiB, 1024 * MiB),
    'watchAnswerBytesMax',
    'longest answer of a job server that is watched',
  ),
  'history-functions-max': limit(
    wholeNumber('number', 0, 10_000),
    'historyFunctionsMax',
    'functions that have a history of their own; those of all others are in that of all together',
  ),
  'http-requests-per-token-max': limit(
    orWord('off', 0, rate(1 / 3600, 1e6)),
    'httpRequestsPerTokenMax',
    'requests over HTTP with one token; a second of them may come at once',
  ),
} as const satisfies Record<string, AnySetting>

/** Of the `Value` only what every reader may know; the table itself has the exact types. */
export type AnySetting = Setting<string> | Setting<number> | Setting<boolean> | Setting<readonly string[]>
export type SettingName = keyof typeof settings
export type SettingValues = {
  readonly [Name in SettingName]: (typeof settings)[Name] extends Setting<infer Value> ? Value : never
}

// The keys of a literal are the names of its type; TypeScript can't say so because other objects may have more.
export const settingNames: readonly SettingName[] = Object.keys(settings) as SettingName[]

/** What of the settings is the server's own. */
export function toServerOptions(
  values: SettingValues,
): Omit<ServerOptions, 'version' | 'log' | 'functions' | 'schedules' | 'access'> & { store: string } {
  return {
    listen: values.listen,
    port: values.port,
    backlog: values.backlog,
    http: values.http === '' ? undefined : values.http,
    tls: tlsFiles(values),
    tlsPort:
      values['tls-port'] === 'same' || values['tls-port'] === 'off' ? values['tls-port'] : Number(values['tls-port']),
    httpTls: values['http-tls'],
    gearmandHttp: values['gearmand-http'] === '' ? undefined : values['gearmand-http'],
    httpHosts: values['http-hosts'],
    watch: values.watch,
    clusterAddress: values['cluster-address'],
    clusterToken: values['cluster-token'],
    clusterTokenFile: values['cluster-token-file'],
    clusterTlsCa: values['cluster-tls-ca'],
    insecure: values.insecure,
    textAdmin: values['text-admin'],
    store: values.store,
    serverName: values['server-name'],
    leaseMs: values.lease,
    handlePrefix: values['handle-prefix'],
    attemptsMax: Math.max(1, values['job-retries']),
    wakeCount: values['worker-wakeup'] === 0 ? Number.POSITIVE_INFINITY : values['worker-wakeup'],
    exceptions: values.exceptions,
    keepAlive: values.keepalive,
    keepAliveIdleMs: values['keepalive-idle'],
    traces: values.traces === '' ? undefined : values.traces,
    tracesSample: values['traces-sample'],
    warnWaitMs: values['warn-wait'],
    warnFailures: values['warn-failures'],
    warnRunningMs: values['warn-running'],
    verbose: verboseWords[values['log-level']],
    limits: toLimits(values),
  }
}

/** Undefined: none of the files is given. */
function tlsFiles(values: SettingValues): TlsFiles | undefined {
  const files = { cert: values['tls-cert'], key: values['tls-key'], ca: values['tls-ca'], crl: values['tls-crl'] }
  const clients = values['tls-clients']
  const isOff = clients === 'none' && Object.values(files).every((file) => file === '')
  return isOff ? undefined : { ...files, clients }
}

/** The settings that stand for these limits. */
export function limitSettings(limits: Limits): Partial<SettingValues> {
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const [name, key] of limitRows()) values[name] = limits[key]
  // Only rows of limits were set, and those are numbers.
  return values as Partial<SettingValues>
}

function toLimits(values: SettingValues): Limits {
  const limits: Record<keyof Limits, number> = { ...defaultLimits }
  for (const [name, key] of limitRows()) limits[key] = Number(values[name])
  return limits
}

function* limitRows(): Generator<[SettingName, keyof Limits]> {
  for (const name of settingNames) {
    const { limit }: AnySetting = settings[name]
    if (limit !== undefined) yield [name, limit]
  }
}

/** The log levels in the words of the administrative `verbose`. */
const verboseWords = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR', silent: 'FATAL' } as const

function setting<Value>(type: ValueType<Value>, value: NoInfer<Value>, help: string): Setting<Value> {
  return { type, default: value, defaultText: type.show(value), help }
}

function limit(type: ValueType<number>, name: keyof Limits, help: string): Setting<number> {
  return { ...setting(type, defaultLimits[name], help), limit: name }
}
