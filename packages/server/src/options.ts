import type { ScheduleDefinition } from '@geartrain/protocol'
import { defaultHandlePrefix } from './handles.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { type Log, silentLog } from './log.ts'
import type { FunctionOptions } from './policies/config-policies.ts'
import type { Store } from './store/store.ts'
import { version } from './version.ts'

export interface ServerOptions {
  /** Address or name to listen on. */
  readonly listen: string
  /** 0: a free one. */
  readonly port: number
  /** Where the HTTP side listens, `127.0.0.1:4731`; undefined: there is none. */
  readonly http: string | undefined
  /** Names that the HTTP side is reached by, beside `localhost` and addresses. */
  readonly httpHosts: readonly string[]
  /** Connections that may wait to be accepted. */
  readonly backlog: number
  /**
   * Where background jobs are kept: `sqlite:` and a path, `memory`, which loses them when the server stops, or a store
   * of the program's own.
   */
  readonly store: string | Store
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
  readonly log: Log
}

export const defaultOptions: ServerOptions = {
  listen: '127.0.0.1',
  port: 4730,
  http: undefined,
  httpHosts: [],
  backlog: 4096,
  store: 'memory',
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
  log: silentLog,
}
