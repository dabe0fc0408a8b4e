import type { ConnectionState } from '@geartrain/protocol'

export type ConnectionActivity = 'busy' | 'waiting' | 'sleeping' | 'idle'

/** `waiting`: it is a client that waits for jobs. `sleeping`: a worker that the server wakes when there is a job. */
export function activityOf({ jobs, waiting, isSleeping }: ConnectionState): ConnectionActivity {
  if (jobs.length > 0) return 'busy'
  if (waiting > 0) return 'waiting'
  return isSleeping ? 'sleeping' : 'idle'
}

/** It has said what it can do, or does something. */
export function isWorker({ functions, jobs }: ConnectionState): boolean {
  return functions.length > 0 || jobs.length > 0
}

/** What to call it, also if it has not said. */
export function nameOf({ clientId, id }: ConnectionState): string {
  return clientId === '-' ? `connection ${id}` : clientId
}

/** The machine of an address: without what IPv6 puts before one of IPv4, and without a port. */
export function hostOf({ address }: ConnectionState): string {
  const host = /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([^:]*):\d+$/, '$1')
  return host.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** Each word of the filter is part of what it is called, where it is, what it can do or does, or who it is. */
export function fitsFilter(connection: ConnectionState, filter: string): boolean {
  const { clientId, address, actor, functions, jobs } = connection
  const texts = [clientId, address, actor, ...functions, ...jobs.map((job) => job.function)].map(folded)
  const words = filter.split(/\s+/).filter((word) => word !== '')
  return words.every((word) => texts.some((text) => text.includes(folded(word))))
}

function folded(text: string): string {
  return text.toLowerCase()
}

export interface ConnectionCounts {
  readonly workers: number
  /** Of the workers. */
  readonly busy: number
  readonly idle: number
  readonly clients: number
  readonly hosts: number
}

export function countsOf(connections: readonly ConnectionState[]): ConnectionCounts {
  const workers = connections.filter(isWorker)
  const busy = workers.filter(({ jobs }) => jobs.length > 0).length
  return {
    workers: workers.length,
    busy,
    idle: workers.length - busy,
    clients: connections.length - workers.length,
    hosts: new Set(connections.map(hostOf)).size,
  }
}

/** What those of a host call themselves, most often first, and how many of them do. */
export function clientIdsOf(connections: readonly ConnectionState[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const { clientId } of connections) {
    if (clientId !== '-') counts.set(clientId, (counts.get(clientId) ?? 0) + 1)
  }
  return [...counts].sort(([one, ones], [other, others]) => others - ones || (one < other ? -1 : 1))
}
