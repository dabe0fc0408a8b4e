import type { JobFunction } from '@geartrain/engine'
import type { Archive } from '../archive.ts'
import { functionTotals } from '../cluster/totals.ts'
import type { Figures } from '../metrics/figures.ts'
import { countConnections } from '../metrics/server-families.ts'
import { Increases } from './increases.ts'
import { makeRow, place } from './row.ts'
import { type HistorySlice, SliceWriter } from './slice.ts'
import { sampleMs, stepAt } from './tiers.ts'

/** So many samples are written together: once a minute. A kill loses no more of them. */
const samplesPerWrite = 6
/** While the store fails, so many wait; the oldest go first. An hour of them. */
export const unkeptMax = 360
/** When it works again, so many are written at a time. */
const writtenMax = 60
/** A function with a longer name has no history of its own: with each step that is kept, its name is. */
export const nameBytesMax = 512
/** A function of which there was nothing to tell for so long gives its place to another one. */
const quietMs = 3_600_000
/** How many jobs are dead is asked again after so long, if nothing else has happened. */
const deadAgeMsMax = 60_000

export interface SamplerContext {
  readonly figures: Figures
  readonly archive: Archive
  /** So many functions have a history of their own, those that came first; the others are in that of all together. */
  readonly functionsMax: number
}

/**
 * Looks every ten seconds at what has been counted, and has it kept. No job costs anything by it. Of a function of which
 * nothing has changed and which has nothing there is no row; the row of all together is always there, and says that the
 * server was up.
 */
export class Sampler {
  readonly #context: SamplerContext
  readonly #increases = new Increases()
  readonly #row = makeRow()
  /** When there was last something to tell of those that have a history of their own. */
  readonly #toldAt = new Map<string, number>()
  #unkept: HistorySlice[] = []
  #sampleCount = 0
  #samplesUntilWrite = samplesPerWrite
  #isWriting = false
  /** When the last sample was taken. */
  #sampledAt = 0
  /** What was counted when dead jobs were last asked for. */
  #changesSeen = 0
  #stopTimer: (() => void) | undefined

  constructor(context: SamplerContext) {
    this.#context = context
  }

  /** Samples that were taken and are not yet known to be kept, in the order in which they were taken. */
  get unkept(): readonly HistorySlice[] {
    return this.#unkept
  }

  /** How many were taken: while it is the same, so is the history. */
  get sampleCount(): number {
    return this.#sampleCount
  }

  start(): void {
    const { clock, dead } = this.#context.figures
    this.#sampledAt = clock.now()
    void dead.ask(0)
    this.#setTimer()
  }

  /** Takes a last sample and has all of them written. Nothing happens if it was not started. */
  stop(): void {
    if (this.#stopTimer === undefined) return
    this.#stopTimer()
    this.#stopTimer = undefined
    this.#sample()
    this.#write()
  }

  /** At the next step of the date, which may have been set meanwhile; not at once, if a timer came too early. */
  #setTimer(): void {
    const { clock } = this.#context.figures
    const delayMs = sampleMs - (clock.wallNow() % sampleMs)
    this.#stopTimer = clock.after(delayMs < sampleMs / 2 ? delayMs + sampleMs : delayMs, () => {
      this.#setTimer()
      this.#sample()
      this.#samplesUntilWrite--
      if (this.#samplesUntilWrite <= 0) this.#write()
    })
  }

  /** It is of the time since the last one, and belongs to the step in which the middle of that lies. */
  #sample(): void {
    const { clock, dead, functions } = this.#context.figures
    const now = clock.now()
    const middle = clock.wallNow() - Math.ceil((now - this.#sampledAt) / 2)
    this.#sampledAt = now
    this.#unkept.push({ at: stepAt(middle, sampleMs), rows: this.#rows(now) })
    if (this.#unkept.length > unkeptMax) this.#unkept.shift()
    this.#sampleCount++
    // The next sample has what comes of it.
    void dead.ask(functions.total.changes === this.#changesSeen ? deadAgeMsMax : 0)
    this.#changesSeen = functions.total.changes
  }

  #rows(now: number): Uint8Array {
    const { engine, functions, dead, connections, members } = this.#context.figures
    this.#makeRoom(now)
    const total = makeRow()
    this.#increases.take(functions.total, total)
    total[place.workers] = countConnections(connections).workers + (members?.workersElsewhere ?? 0)
    const told: [name: string, row: Float64Array][] = []
    const look = (name: string, jobFunction: JobFunction | undefined) => {
      const row = this.#look(name, jobFunction)
      if (row === undefined) return
      for (let at: number = place.ready; at < place.workers; at++) total[at] = (total[at] ?? 0) + (row[at] ?? 0)
      if (this.#hasPlace(name, now)) told.push([name, row.slice()])
    }
    for (const jobFunction of engine.functions()) look(jobFunction.name, jobFunction)
    for (const { name } of functions.all()) if (engine.findFunction(name) === undefined) look(name, undefined)
    for (const name of dead.byName.keys()) {
      if (engine.findFunction(name) === undefined && functions.find(name) === undefined) look(name, undefined)
    }
    const writer = new SliceWriter(total)
    for (const [name, row] of told) writer.add(name, row)
    return writer.written()
  }

  /** Undefined: there is nothing to tell. The row is that of the next one then. */
  #look(name: string, jobFunction: JobFunction | undefined): Float64Array | undefined {
    const { functions, dead } = this.#context.figures
    const row = this.#row
    row.fill(0)
    const figures = functions.find(name)
    const hasIncreased = figures !== undefined && this.#increases.take(figures, row)
    row[place.dead] = dead.byName.get(name) ?? 0
    if (jobFunction !== undefined) {
      // Other servers that use the store say the same.
      const { ready, delayed, running, workers } = functionTotals(jobFunction)
      row[place.ready] = ready[0] + ready[1] + ready[2]
      row[place.delayed] = delayed
      row[place.running] = running
      row[place.workers] = workers
    }
    const hasSomething = row.subarray(place.ready, place.workers + 1).some((value) => value > 0)
    return hasIncreased || hasSomething ? row : undefined
  }

  #hasPlace(name: string, now: number): boolean {
    if (name.length > nameBytesMax) return false
    if (!this.#toldAt.has(name) && this.#toldAt.size >= this.#context.functionsMax) return false
    this.#toldAt.set(name, now)
    return true
  }

  #makeRoom(now: number): void {
    if (this.#toldAt.size < this.#context.functionsMax) return
    for (const [name, at] of this.#toldAt) if (now - at > quietMs) this.#toldAt.delete(name)
  }

  /**
   * If the store does not take them, they go with the next ones. A store that was lost in the middle of it may have taken
   * them all the same; then that minute is counted twice.
   */
  #write(): void {
    if (this.#isWriting || this.#unkept.length === 0) return
    this.#isWriting = true
    this.#samplesUntilWrite = samplesPerWrite
    const samples = this.#unkept.slice(0, writtenMax)
    const { archive, functionsMax } = this.#context
    archive.change({ kind: 'history', samples, functionsMax }, (_outcome, failure) => {
      this.#isWriting = false
      if (failure !== undefined) return
      const kept = new Set(samples)
      this.#unkept = this.#unkept.filter((sample) => !kept.has(sample))
      const isStopped = this.#stopTimer === undefined
      if (isStopped || this.#unkept.length >= samplesPerWrite) this.#write()
    })
  }
}
