import { hostname } from 'node:os'
import type { ScheduleDefinition } from '@geartrain/protocol'
import type { AccessOptions } from './access/access-rules.ts'
import { defaultHandlePrefix } from './handles.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { type Log, silentLog } from './log.ts'
import type { FunctionOptions } from './policies/config-policies.ts'
import type { Store } from './store/store.ts'
import type { TlsFiles } from './tls/tls-files.ts'
import type { TracesTracer } from './traces/tracer-sink.ts'
import { version } from './version.ts'

export interface ServerOptions {
  /** Address or name to listen on. */
  readonly listen: string
  /** 0: a free one. */
  readonly port: number
  /** Where the HTTP side listens, `127.0.0.1:4731`; undefined: there is none. */
  readonly http: string | undefined
  /** Files for TLS, read when the server starts to listen and by `reloadTls()`; undefined: there is no TLS. */
  readonly tls: TlsFiles | undefined
  /** With TLS: `same` is `port`, which then speaks nothing else; a number is a port beside it, `off` none. */
  readonly tlsPort: 'same' | 'off' | number
  /** The HTTP side is HTTPS, with the same files. */
  readonly httpTls: boolean
  /** Where gearmand's own protocol over HTTP is spoken, in plain text; undefined: nowhere. */
  readonly gearmandHttp: string | undefined
  /** Names that the HTTP side is reached by, beside `localhost` and addresses. */
  readonly httpHosts: readonly string[]
  /**
   * Who may do what: `{ ci: { token: 'sha256:...', roles: ['submit'], functions: 'mail.*' } }`, or the rules of a file.
   * Without any, everyone may do everything.
   */
  readonly access: AccessOptions
  /** Other job servers to show beside this one, plain gearmand too: `10.0.0.2:4730`. */
  readonly watch: readonly string[]
  /**
   * Where other servers of the cluster reach this one, `host:port`, with TLS `gearmans://host:port`; empty: where it
   * listens first.
   */
  readonly clusterAddress: string
  /** What all servers of the cluster know, and by which they let each other in; empty: nothing. */
  readonly clusterToken: string
  /** A file that it stands in; empty: none. */
  readonly clusterTokenFile: string
  /** The authorities that vouch for other servers of the cluster, a file in PEM; empty: those of `tls`, or Node's. */
  readonly clusterTlsCa: string
  /** Listen on addresses that others can reach, though there are no rules. */
  readonly insecure: boolean
  /** From where the text protocol is listened to. */
  readonly textAdmin: 'on' | 'loopback' | 'off'
  /** Connections that may wait to be accepted. */
  readonly backlog: number
  /**
   * Where background jobs are kept: `sqlite:` and a path, the URL of a PostgreSQL database, `memory`, which loses them
   * when the server stops, or a store of the program's own.
   */
  readonly store: string | Store
  /** What others that use the same store see this server by. */
  readonly serverName: string
  /** With a store that several servers use: what one of them has is the others' when it was not heard of for so long. */
  readonly leaseMs: number
  /** What handles begin with, before the last colon and the number. */
  readonly handlePrefix: string
  /** Attempts that workers may lose before a job fails; Infinity: as many as it takes. */
  readonly attemptsMax: number
  /** Sleeping workers woken by a job; Infinity: all. */
  readonly wakeCount: number
  /** Give every client WORK_EXCEPTION as such, asked for or not. */
  readonly exceptions: boolean
  readonly keepAlive: boolean
  /** Idle time before the first probe; 0: the system's. */
  readonly keepAliveIdleMs: number
  /** What the administrative `verbose` answers: the log level in gearmand's words. */
  readonly verbose: string
  /** What the administrative `version` answers. */
  readonly version: string
  readonly limits: Limits
  /** Policies by function or pattern: `{ 'mail.*': { attempts: 5, 'keep-results': '1h' } }`, or those of a file. */
  readonly functions: FunctionOptions
  /** Jobs at times. They can be paused and run while the server runs, but not changed. */
  readonly schedules: readonly ScheduleDefinition[]
  /** Who gets spans of the jobs: the OTLP/HTTP endpoint of a collector, or a tracer of OpenTelemetry; undefined: nobody. */
  readonly traces: string | TracesTracer | undefined
  /** The part of the jobs that are traced of those whose clients do not trace them, from 0 to 1. */
  readonly tracesSample: number
  /** A job of a function that has workers waits for too long when it is longer than that; Infinity: never. */
  readonly warnWaitMs: number
  /** More than this part of a function's attempts in a minute may not fail, from 0 to 1. */
  readonly warnFailures: number
  /** A job that runs for longer than that is taken for stuck; Infinity: none, but those that others of its function show to be. */
  readonly warnRunningMs: number
  readonly log: Log
}

export const defaultOptions: ServerOptions = {
  listen: '127.0.0.1',
  port: 4730,
  http: undefined,
  tls: undefined,
  tlsPort: 'same',
  httpTls: false,
  gearmandHttp: undefined,
  httpHosts: [],
  access: {},
  watch: [],
  clusterAddress: '',
  clusterToken: '',
  clusterTokenFile: '',
  clusterTlsCa: '',
  insecure: false,
  textAdmin: 'on',
  backlog: 4096,
  store: 'memory',
  serverName: hostname(),
  leaseMs: 10_000,
  handlePrefix: defaultHandlePrefix(),
  attemptsMax: Number.POSITIVE_INFINITY,
  wakeCount: 1,
  exceptions: false,
  keepAlive: true,
  keepAliveIdleMs: 0,
  verbose: 'ERROR',
  version,
  limits: defaultLimits,
  functions: {},
  schedules: [],
  traces: undefined,
  tracesSample: 1,
  warnWaitMs: 300_000,
  warnFailures: 0.1,
  warnRunningMs: 3_600_000,
  log: silentLog,
}
