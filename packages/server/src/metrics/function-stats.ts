import type { FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'
import { counter, FunctionFigures, failedAt, flows, retriedAt, runAt, waitAt } from './function-figures.ts'

/** Functions that have been forgotten are looked for when there are so many more names. */
const slackMax = 1000

/** What the functions that have no series of their own are called together; one of that name is among them. */
export const otherName = '__other__'

const reasonAt: Readonly<Record<FailureReason, number>> = { failed: 0, exception: 1, timeout: 2, lost: 3 }

export interface FunctionStatsOptions {
  /** The engine's time. */
  now(): number
  /** The server knows a function of this name. Of others the figures are forgotten in the end. */
  isKnown(name: string): boolean
  readonly functionsMax: number
  /** So many functions have series of their own in /metrics: those that came first. */
  readonly seriesMax: number
}

/** Counts what becomes of jobs, by function, from the server's start on. It is always there, and so is quick. */
export class FunctionStats implements Observer {
  readonly #options: FunctionStatsOptions
  readonly #byName = new Map<string, FunctionFigures>()
  /** The one of the last event: the next one is often the same function's. */
  #last: FunctionFigures | undefined
  #seriesCount = 0
  #namesMax: number
  /** All together. */
  readonly total: FunctionFigures = new FunctionFigures('', true)
  /** Those of forgotten functions that had no series of their own: what is summed of those can't shrink. */
  readonly forgotten: FunctionFigures = new FunctionFigures('', true)

  constructor(options: FunctionStatsOptions) {
    this.#options = options
    this.#namesMax = options.functionsMax + slackMax
  }

  all(): IterableIterator<FunctionFigures> {
    return this.#byName.values()
  }

  /** Undefined: nothing has happened there. */
  find(name: string): FunctionFigures | undefined {
    return this.#byName.get(name)
  }

  named(name: string): FunctionFigures {
    if (this.#last?.name === name) return this.#last
    const figures = this.#byName.get(name) ?? this.#add(name)
    this.#last = figures
    return figures
  }

  submitted({ name }: JobFunction, background: boolean): void {
    const at = background ? counter.submittedBackground : counter.submittedForeground
    this.#countFlow(this.named(name), at, flows.submitted)
  }

  joined({ name }: JobFunction): void {
    this.#count(this.named(name), counter.joined)
  }

  assigned({ function: { name } }: Job, waitMs: number): void {
    this.#countTime(this.named(name), waitAt, waitMs)
  }

  progressed(): void {}

  sentData(): void {}

  retried({ function: { name } }: Job, reason: FailureReason, runMs: number): void {
    const figures = this.named(name)
    this.#countFlow(figures, retriedAt + reasonAt[reason], flows.retried)
    this.#countTime(figures, runAt, runMs)
  }

  ended({ function: { name } }: Job, outcome: JobOutcome, isDead: boolean, runMs: number | undefined): void {
    const figures = this.named(name)
    this.#countEnd(figures, outcome)
    if (isDead) this.#count(figures, counter.died)
    if (runMs !== undefined) this.#countTime(figures, runAt, runMs)
  }

  endedOnDisk({ name }: JobFunction, _number: number, outcome: 'expired' | 'cancelled', isDead: boolean): void {
    const figures = this.named(name)
    this.#countEnd(figures, outcome)
    if (isDead) this.#count(figures, counter.died)
  }

  workersChanged({ name, workerCount }: JobFunction): void {
    const figures = workerCount === 0 ? this.#byName.get(name) : undefined
    if (figures !== undefined) figures.workersLeftAt = this.#options.now()
  }

  #countEnd(figures: FunctionFigures, outcome: JobOutcome): void {
    if (outcome === 'complete') this.#countFlow(figures, counter.done, flows.done)
    else if (outcome === 'expired' || outcome === 'cancelled' || outcome === 'abandoned') {
      this.#count(figures, counter[outcome])
    } else this.#countFlow(figures, failedAt + reasonAt[outcome], flows.failed)
  }

  #count(figures: FunctionFigures, at: number): void {
    figures.count(at)
    this.total.count(at)
  }

  #countFlow(figures: FunctionFigures, at: number, flow: number): void {
    const now = this.#options.now()
    figures.count(at)
    figures.countFlow(flow, now)
    this.total.count(at)
    this.total.countFlow(flow, now)
  }

  #countTime(figures: FunctionFigures, at: number, ms: number): void {
    const now = this.#options.now()
    figures.countTime(at, ms, now)
    this.total.countTime(at, ms, now)
  }

  #add(name: string): FunctionFigures {
    if (this.#byName.size >= this.#namesMax) this.#forget()
    const figures = new FunctionFigures(name, name !== otherName && this.#seriesCount < this.#options.seriesMax)
    if (figures.hasSeries) this.#seriesCount++
    this.#byName.set(name, figures)
    return figures
  }

  #forget(): void {
    for (const figures of this.#byName.values()) {
      if (this.#options.isKnown(figures.name)) continue
      this.#byName.delete(figures.name)
      if (figures.hasSeries) this.#seriesCount--
      else this.forgotten.add(figures)
    }
    this.#namesMax = this.#byName.size + slackMax
    this.#last = undefined
  }
}
