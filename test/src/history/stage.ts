import { setImmediate as nextIteration } from 'node:timers/promises'
import type { History, HistoryOverview, HistoryRange } from '@geartrain/protocol'
import type { Api } from '../http/api.ts'
import { apiOf, startLocal } from '../http/local-http.ts'
import type { LocalOptions, LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'

/** A step of every length begins then. */
export const day = 1_790_035_200_000
export const minuteMs = 60_000
export const hourMs = 3_600_000
/** What a turn and a commit of a store in memory take. */
const iterations = 8

/** A clock whose date can be set. It begins at a date, when no time has passed. */
export class DatedClock extends ManualClock {
  setByMs = 0

  constructor(date = day) {
    super(date - 1000)
  }

  override wallNow(): number {
    return super.wallNow() + this.setByMs
  }
}

/** A server whose time a test lets pass, and what its history says over HTTP. */
export class HistoryStage implements AsyncDisposable {
  readonly clock: DatedClock
  readonly local: LocalServer
  readonly api: Api
  readonly client: RawPeer
  readonly worker: RawPeer

  private constructor(clock: DatedClock, local: LocalServer, api: Api, client: RawPeer, worker: RawPeer) {
    this.clock = clock
    this.local = local
    this.api = api
    this.client = client
    this.worker = worker
  }

  static async start(options: LocalOptions = {}, clock = new DatedClock()): Promise<HistoryStage> {
    const local = await startLocal({ store: 'memory', ...options }, clock)
    return new HistoryStage(clock, local, await apiOf(local), await local.connect(), await local.connect('worker'))
  }

  /** Time passes, and every ten seconds the server does what it has to. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 10_000) {
      this.clock.advance(Math.min(left, 10_000))
      await settle()
    }
  }

  async submit(name: string, count = 1): Promise<void> {
    for (let left = count; left > 0; left--) {
      this.client.send(PACKET.SUBMIT_JOB_BG, name, '', '')
      await this.client.receive('JOB_CREATED')
    }
  }

  /** A worker takes so many jobs that are there, and does each in that time. */
  async work(name: string, count = 1, runMs = 0, how: 'WORK_COMPLETE' | 'WORK_FAIL' = 'WORK_COMPLETE'): Promise<void> {
    this.worker.send(PACKET.CAN_DO, name)
    for (let left = count; left > 0; left--) {
      this.worker.send(PACKET.GRAB_JOB)
      const handle = (await this.worker.receive('JOB_ASSIGN')).args[0] ?? ''
      this.clock.advance(runMs)
      if (how === 'WORK_COMPLETE') this.worker.send(PACKET[how], handle, '')
      else this.worker.send(PACKET[how], handle)
      await this.worker.sync()
    }
    this.worker.send(PACKET.CANT_DO, name)
    await this.worker.sync()
    await settle()
  }

  async history(range: HistoryRange = '1h', name?: string, headers: Record<string, string> = {}): Promise<History> {
    const query = { range, ...(name === undefined ? {} : { function: name }) }
    // As the API says of itself, against which it was held.
    return (await this.api.json('getHistory', { query, headers })) as History
  }

  async overview(headers: Record<string, string> = {}): Promise<HistoryOverview> {
    return (await this.api.json('listFunctionHistories', { headers })) as HistoryOverview
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.local[Symbol.asyncDispose]()
  }
}

export async function settle(): Promise<void> {
  for (let i = 0; i < iterations; i++) await nextIteration()
}

/** Of a column, when the steps began that have something in them: seconds since the day began, and what. */
export function told({ from, stepMs, columns }: History, column: keyof History['columns']): [number, number][] {
  const values = [...columns[column].entries()].flatMap(([index, value]): [number, number][] =>
    value === null || value === 0 ? [] : [[(from + index * stepMs - day) / 1000, value]],
  )
  return values
}

/** When the server was up: the steps that there is something of, as the seconds at which each stretch begins and ends. */
export function up({ from, stepMs, columns }: History): [number, number][] {
  const stretches: [number, number][] = []
  for (const [index, value] of columns.done.entries()) {
    const at = (from + index * stepMs - day) / 1000
    const last = stretches.at(-1)
    if (value === null) continue
    if (last?.[1] === at) last[1] = at + stepMs / 1000
    else stretches.push([at, at + stepMs / 1000])
  }
  return stretches
}

export function sum(column: readonly (number | null)[]): number {
  return column.reduce<number>((total, value) => total + (value ?? 0), 0)
}
