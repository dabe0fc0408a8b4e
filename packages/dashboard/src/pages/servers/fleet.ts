import type { WatchedFunction, WatchedServer, WatchedServers, WatchedWorker } from '@geartrain/protocol'
import { sum } from '../../rows.ts'

/** A function of a server, or several of them with their sums. */
export interface FunctionRow extends WatchedFunction {
  readonly key: string
  /** Its address; of several functions, what they are: `3 servers`. */
  readonly server: string
  /** The server that shows the page has it. */
  readonly isThis: boolean
  /** By how much the queue has grown since the look before. */
  readonly change: number
  /** How many functions of the row have jobs and no worker. */
  readonly orphans: number
  /** Undefined: it is one function. */
  readonly members?: readonly FunctionRow[]
  /** Members are shown without being asked for. */
  readonly isOpenAtFirst?: boolean
}

export interface WorkerRow extends WatchedWorker {
  readonly key: string
  readonly server: string
  readonly isThis: boolean
}

/** A server with what is counted of it once for each look. */
export interface ServerRow {
  readonly key: string
  readonly server: WatchedServer
  readonly functions: readonly FunctionRow[]
  readonly workers: readonly WorkerRow[]
  readonly queued: number
  readonly running: number
  readonly change: number
  readonly orphans: number
  /** The queue at the last answers; null: nothing was known. */
  readonly history: readonly (number | null)[]
}

/** All servers at the last answer. */
export interface Fleet {
  readonly servers: readonly ServerRow[]
  /** When the answers came that the histories tell of. */
  readonly times: readonly number[]
}

export const noFleet: Fleet = { servers: [], times: [] }

/** Five minutes, at an answer each 2 s. */
const historyMax = 150

/** What is known after another answer, which came at `at`. A server at which nobody has looked meanwhile stays as it was. */
export function nextFleet(before: Fleet, { servers }: WatchedServers, at: number): Fleet {
  return {
    times: [...before.times, at].slice(-historyMax),
    servers: servers.map((server, index) => {
      const last = before.servers[index]
      return rowOf(server, index, last?.server.address === server.address ? last : undefined)
    }),
  }
}

function rowOf(server: WatchedServer, index: number, before: ServerRow | undefined): ServerRow {
  const isSame = before !== undefined && before.server.lookedAt === server.lookedAt
  const row = isSame ? { ...before, server } : lookedRow(server, index, before)
  const queued = server.lookedAt === undefined ? null : row.queued
  return { ...row, history: [...(before?.history ?? []), queued].slice(-historyMax) }
}

function lookedRow(server: WatchedServer, index: number, before: ServerRow | undefined): Omit<ServerRow, 'history'> {
  const isFirst = before?.server.lookedAt === undefined
  const functions = functionRows(server, index, isFirst ? undefined : before.functions)
  const queued = sum(functions, (each) => each.queued)
  return {
    key: `${server.address} ${index}`,
    server,
    functions,
    workers: workerRows(server, index),
    queued,
    running: sum(functions, ({ running }) => running),
    change: isFirst ? 0 : queued - before.queued,
    orphans: sum(functions, ({ orphans }) => orphans),
  }
}

/** Without `before` nothing has changed. Rows that are as they were stay the same ones. */
function functionRows(
  { address: server, isThis, functions }: WatchedServer,
  index: number,
  before: readonly FunctionRow[] | undefined,
): FunctionRow[] {
  const last = new Map(before?.map((row) => [row.key, row]))
  const keys = new Map<string, number>()
  return functions.map(({ name, queued, running, workers }) => {
    const key = takeKey(`${name} ${index}`, keys)
    const old = last.get(key)
    const change = before === undefined ? 0 : queued - (old?.queued ?? 0)
    if (old?.queued === queued && old.running === running && old.workers === workers && old.change === change)
      return old
    const orphans = queued > 0 && workers === 0 ? 1 : 0
    return { key, server, isThis, name, queued, running, workers, change, orphans }
  })
}

function workerRows({ address: server, isThis, workers }: WatchedServer, index: number): WorkerRow[] {
  const keys = new Map<string, number>()
  return workers.map((worker) => ({ ...worker, key: takeKey(`${worker.number} ${index}`, keys), server, isThis }))
}

/** A server can say anything, also the same name twice, or a hundred thousand times. */
function takeKey(wanted: string, taken: Map<string, number>): string {
  const before = taken.get(wanted) ?? 0
  taken.set(wanted, before + 1)
  return before === 0 ? wanted : `${wanted}'${before}`
}
