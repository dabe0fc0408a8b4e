import { setTimeout as delay } from 'node:timers/promises'
import { formatServer, type ServerAddress } from '@geartrain/client'
import { exitCodes, Fault } from '../fault.ts'
import { print } from '../output.ts'
import type { Frame } from './frame.ts'
import { History } from './history.ts'
import { render, sortFunctions } from './render.ts'
import { ServerWatch } from './server-watch.ts'
import type { TopState } from './state.ts'

export interface BatchOptions {
  /** One frame, else one after the other until nobody reads them. */
  readonly isOnce: boolean
  readonly isJson: boolean
}

/** Writes frames as text or as lines of JSON to stdout. Resolves with the exit code; Fault if no server answers at first. */
export async function writeFrames(
  servers: readonly ServerAddress[],
  state: TopState,
  { isOnce, isJson }: BatchOptions,
): Promise<number> {
  const { intervalMs } = state
  const history = new History(servers.map(formatServer))
  const watches: ServerWatch[] = []
  const firstLooks = new Promise<void>((resolve) => {
    for (const address of servers) {
      const onLook: ConstructorParameters<typeof ServerWatch>[2] = (server, look) => {
        history.take(server, look, performance.now())
        if (history.isComplete) resolve()
      }
      watches.push(new ServerWatch(address, () => ({ intervalMs, isJobs: false }), onLook))
    }
  })
  try {
    await firstLooks
    // The rates of the next one are those since this one.
    refuseSilence(history.frame(performance.now(), Date.now()))
    for (;;) {
      await delay(intervalMs)
      const frame = history.frame(performance.now(), Date.now())
      const text = isJson ? JSON.stringify(toJson(frame, state)) : toText(frame, state)
      print(text)
      if (isOnce) return frame.servers.every(({ problem }) => problem === undefined) ? 0 : exitCodes.failed
    }
  } finally {
    await Promise.all(watches.map((watch) => watch.close()))
  }
}

function refuseSilence({ servers }: Frame): void {
  if (servers.some(({ problem }) => problem === undefined)) return
  const problems = [...new Set(servers.map(({ problem }) => problem))].join(', ')
  const advice = 'start a server there (geartrain serve), or name another with --servers'
  throw new Fault(`${problems}: ${advice}`, exitCodes.unreachable)
}

/** All of it, as wide and long as it takes. */
function toText(frame: Frame, state: TopState): string {
  return render({ ...state, frame }, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).join('\n')
}

function toJson({ atMs, servers, functions }: Frame, state: TopState) {
  const wanted = state.filter.toLowerCase()
  return {
    time: new Date(atMs).toISOString(),
    servers: servers.map(({ server, version, connections, problem }) => ({
      server,
      is_up: problem === undefined,
      version: version ?? null,
      connections: connections ?? null,
      problem: problem ?? null,
    })),
    functions: sortFunctions(functions, state)
      .filter((row) => row.function.toLowerCase().includes(wanted))
      .map((row) => ({
        function: row.function,
        queued: row.queued,
        running: row.running,
        workers: row.workers,
        arrived_per_second: tenths(row.arrivedPerSecond),
        ended_per_second: tenths(row.endedPerSecond),
        stuck: row.stuck ?? null,
        still_seconds: Math.floor(row.stillMs / 1000),
      })),
  }
}

function tenths(number: number | undefined): number | null {
  return number === undefined ? null : Math.round(number * 10) / 10
}
