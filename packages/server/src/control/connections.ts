import type { Engine, Session } from '@geartrain/engine'
import type { ConnectionState, ControlOperations } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Connection } from '../connection.ts'
import type { Connections } from '../connections.ts'
import type { Handles } from '../handles.ts'
import type { WallTime } from '../wall-time.ts'
import { notFound } from './control-error.ts'
import { matcher } from './job-filter.ts'
import { pageDefault } from './requests.ts'

type Operations = ControlOperations

/** A worker may have very many. */
const functionsMax = 100
const jobsMax = 100

export interface ConnectionsContext {
  readonly engine: Engine
  readonly connections: Connections
  readonly handles: Handles
  readonly wallTime: WallTime
}

/** What is asked of connections. */
export class ConnectionControl {
  readonly #context: ConnectionsContext

  constructor(context: ConnectionsContext) {
    this.#context = context
  }

  /** Those who have something to do with a function that the actor may see; all, for one who may see all. */
  list(params: Operations['connections']['params'], actor: Actor): Operations['connections']['answer'] {
    const { workers = false, function: name, after = '0', limit = pageDefault } = params
    const isAsked = matcher(name)
    const mayAll = actor.mayEverywhere('view')
    const may = (functionName: string) => mayAll || actor.may('view', functionName)
    const found = [...this.#context.connections]
      .filter((connection) => connection.serial > Number(after))
      .sort((one, other) => one.serial - other.serial)
    const page: ConnectionState[] = []
    let last = 0
    for (const connection of found) {
      if (page.length === limit) return { connections: page, next: String(last) }
      last = connection.serial
      const { session } = connection
      if (workers && session.abilityCount === 0) continue
      if (name !== undefined && !hasFunction(session, (each) => isAsked(each) && may(each))) continue
      if (mayAll || hasFunction(session, may)) page.push(this.#describe(connection, may))
    }
    return { connections: page }
  }

  close({ id }: Operations['connection close']['params']): Record<string, never> {
    for (const connection of this.#context.connections) {
      if (connection.serial !== id) continue
      connection.destroy()
      return {}
    }
    throw notFound(`there is no connection ${id}: it has ended, or never was`)
  }

  #describe(connection: Connection, may: (functionName: string) => boolean): ConnectionState {
    const { session, output } = connection
    const { offsetMs } = this.#context.wallTime
    const functions: string[] = []
    for (const ability of session.abilities) {
      if (functions.length < functionsMax && may(ability.function.name)) functions.push(ability.function.name)
    }
    const jobs: ConnectionState['jobs'][number][] = []
    for (const { number, function: jobFunction, startedAt } of session.running) {
      if (jobs.length === jobsMax) break
      if (may(jobFunction.name)) {
        const handle = this.#context.handles.text(number)
        jobs.push({ handle, function: jobFunction.name, startedAt: startedAt + offsetMs })
      }
    }
    return {
      id: connection.serial,
      number: connection.id,
      kind: connection.kind,
      address: connection.address,
      clientId: connection.clientId,
      actor: connection.actor.name,
      functions,
      isSleeping: session.isSleeping,
      jobs,
      waiting: session.waiting.length,
      bytesIn: connection.bytesIn,
      bytesOut: output.sentBytes,
      outputBytes: output.length,
      openedAt: connection.openedAt + offsetMs,
      lastInputAt: connection.lastInputAt + offsetMs,
    }
  }
}

function hasFunction(session: Session, isAsked: (name: string) => boolean): boolean {
  for (const ability of session.abilities) if (isAsked(ability.function.name)) return true
  for (const job of session.running) if (isAsked(job.function.name)) return true
  return false
}
