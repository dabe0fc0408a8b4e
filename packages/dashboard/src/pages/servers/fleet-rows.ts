import { groupsBy, sum } from '../../rows.ts'
import { counted } from '../../text/numbers.ts'
import type { FunctionRow, ServerRow, WorkerRow } from './fleet.ts'

// What is shown of the servers, by what the address says.

export type View = 'functions' | 'workers' | 'servers'
export type GroupBy = 'server' | 'function'

/** `text` is the addresses of those that are chosen, with commas between them. Of none that there is: all. */
export function chosenServers(servers: readonly ServerRow[], text: string): readonly ServerRow[] {
  const addresses = new Set(text.split(','))
  const chosen = servers.filter(({ server }) => addresses.has(server.address))
  return chosen.length === 0 ? servers : chosen
}

/** Also in capital or small letters. */
export function fittingFunctions(servers: readonly ServerRow[], text: string, isOrphan: boolean): FunctionRow[] {
  const small = text.toLowerCase()
  return servers.flatMap(({ functions }) =>
    functions.filter(({ name, orphans }) => (!isOrphan || orphans > 0) && name.toLowerCase().includes(small)),
  )
}

/** Those of which the address, the client id or the name of a function that they can do has the text in it. */
export function fittingWorkers(servers: readonly ServerRow[], text: string): WorkerRow[] {
  const small = text.toLowerCase()
  const fits = (each: string) => each.toLowerCase().includes(small)
  return servers.flatMap(({ workers }) =>
    workers.filter(({ address, clientId, functions }) => fits(address) || fits(clientId) || functions.some(fits)),
  )
}

/** So many functions are shown below their sums at first, and more only when they are asked for. */
const openAtFirstMax = 100

/** A function that one server alone has stays as it is. */
export function grouped(rows: readonly FunctionRow[], by: GroupBy): FunctionRow[] {
  const groups = groupsBy(rows, ({ server, name }) => (by === 'server' ? server : name))
  const isOpenAtFirst = rows.length <= openAtFirstMax
  return Array.from(groups, ([name, members]) => {
    const [only] = members
    return by === 'function' && members.length === 1 && only !== undefined
      ? only
      : { ...sumOf(name, members, by), isOpenAtFirst }
  })
}

function sumOf(name: string, members: readonly FunctionRow[], by: GroupBy): FunctionRow {
  return {
    key: `all of ${name}`,
    name,
    server: counted(members.length, by === 'server' ? 'function' : 'server'),
    isThis: by === 'function' && members.some(({ isThis }) => isThis),
    queued: sum(members, ({ queued }) => queued),
    running: sum(members, ({ running }) => running),
    workers: sum(members, ({ workers }) => workers),
    change: sum(members, ({ change }) => change),
    orphans: sum(members, ({ orphans }) => orphans),
    members,
  }
}

export const functionStates = ['no worker', 'waiting', 'running', 'idle', 'not registered'] as const
export type FunctionState = (typeof functionStates)[number]

/** The first that it is. */
export function stateOf({ queued, running, workers, orphans }: FunctionRow): FunctionState {
  if (orphans > 0) return 'no worker'
  if (running > 0) return 'running'
  if (workers === 0) return 'not registered'
  return queued > 0 ? 'waiting' : 'idle'
}

export interface FleetFigures {
  readonly queued: number
  readonly change: number
  readonly running: number
  /** By their names: one that two servers have counts once. */
  readonly functions: number
  readonly workers: number
  readonly orphans: number
  readonly up: number
  readonly down: number
  /** They have not answered yet. */
  readonly unknown: number
  /** The queue of all at the last answers. */
  readonly history: readonly (number | null)[]
}

export function figuresOf(servers: readonly ServerRow[]): FleetFigures {
  const names = new Set<string>()
  for (const { functions } of servers) for (const { name } of functions) names.add(name)
  const down = servers.filter(({ server }) => server.failure !== undefined).length
  const unknown = servers.filter((row) => serverState(row) === 'not asked yet').length
  return {
    queued: sum(servers, ({ queued }) => queued),
    change: sum(servers, ({ change }) => change),
    running: sum(servers, ({ running }) => running),
    functions: names.size,
    workers: sum(servers, ({ workers }) => workers.length),
    orphans: sum(servers, ({ orphans }) => orphans),
    up: servers.length - down - unknown,
    down,
    unknown,
    history: totalHistory(servers),
  }
}

export function serverState({ server }: ServerRow): 'up' | 'down' | 'not asked yet' {
  if (server.failure !== undefined) return 'down'
  return server.lookedAt === undefined ? 'not asked yet' : 'up'
}

/** Histories end together; of a server that came later, the first ones are not known. */
function totalHistory(servers: readonly ServerRow[]): (number | null)[] {
  const length = Math.max(0, ...servers.map(({ history }) => history.length))
  return Array.from({ length }, (_, index) => {
    const values = servers.map(({ history }) => history[history.length - length + index] ?? null)
    const known = values.filter((value) => value !== null)
    return known.length === 0 ? null : sum(known, (value) => value)
  })
}
