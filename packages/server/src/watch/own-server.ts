import type { Engine } from '@geartrain/engine'
import {
  formatServerAddress,
  type ServerState,
  type WatchedFunction,
  type WatchedServer,
  type WatchedWorker,
} from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Clock } from '../clock.ts'
import { functionTotals } from '../cluster/totals.ts'
import type { Connections } from '../connections.ts'
import { textOfName } from '../http/names.ts'
import { version } from '../version.ts'

/** For people to look at; /api/workers has pages with all of them. */
const workersMax = 5000
const functionsPerWorkerMax = 100
/** Of all of their functions' names. */
const nameBytesMax = 4 * 1024 * 1024

export interface OwnServer {
  readonly engine: Engine
  readonly connections: Connections
  readonly clock: Clock
  /** Where it listens. */
  readonly addresses: ServerState['addresses']
}

/** This server as it would be seen by its text protocol, without the connection. */
export function ownServer({ engine, connections, clock, addresses }: OwnServer, actor: Actor): WatchedServer {
  const place = addresses.find(({ kind }) => kind === 'gearman')
  const maySee = (name: string) => actor.may('view', name)
  return {
    address: place === undefined ? '-' : formatServerAddress({ host: place.address, port: place.port }),
    isThis: true,
    lookedAt: clock.wallNow(),
    tookMs: 0,
    version,
    functions: functionsOf(engine, maySee),
    workers: workersOf(engine, connections, maySee),
  }
}

function functionsOf(engine: Engine, maySee: (name: string) => boolean): WatchedFunction[] {
  const rows: WatchedFunction[] = []
  for (const jobFunction of engine.functions()) {
    const { name } = jobFunction
    if (!maySee(name)) continue
    const { all, running, workers } = functionTotals(jobFunction)
    rows.push({ name: textOfName(name), queued: all - running, running, workers })
  }
  return rows
}

function workersOf(engine: Engine, connections: Connections, maySee: (name: string) => boolean): WatchedWorker[] {
  const rows: WatchedWorker[] = []
  let nameBytes = 0
  for (const { id, abilities } of engine.sessions()) {
    if (rows.length === workersMax || nameBytes >= nameBytesMax) break
    const connection = connections.get(id)
    if (connection === undefined) continue
    const functions: string[] = []
    for (const { function: jobFunction } of abilities) {
      if (functions.length === functionsPerWorkerMax) break
      const { name } = jobFunction
      if (!maySee(name)) continue
      functions.push(textOfName(name))
      nameBytes += name.length
    }
    if (functions.length === 0) continue
    const { address, clientId } = connection
    rows.push({ number: id, address, clientId: textOfName(clientId), functions })
  }
  return rows
}
