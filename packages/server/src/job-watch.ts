import type { FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'
import type { Bytes } from '@geartrain/protocol'
import { toBytes } from './control/bytes.ts'
import type { Handles } from './handles.ts'
import type { Observers } from './observers.ts'

/** Payloads of which more is not shown, but only how long they are. */
export const shownBytesMax = 64 * 1024

/** A payload, or no more than its length, if it is long or the function's policy hides payloads. */
export type WatchedBytes = Bytes | { readonly bytes: number }

/**
 * What becomes of a job, for those who look on. Nothing comes after `ended`, whose outcome is `unknown` if another server
 * had the job and nothing of it is kept; nor after `missed`, since whoever looks on was too slow for some of it.
 */
export type WatchedEvent =
  | { readonly kind: 'started'; readonly attempt: number }
  | { readonly kind: 'progress'; readonly numerator: number; readonly denominator: number }
  | { readonly kind: 'data' | 'warning'; readonly data: WatchedBytes }
  | { readonly kind: 'retried'; readonly reason: FailureReason; readonly attempts: number; readonly waitMs: number }
  | {
      readonly kind: 'ended'
      readonly outcome: JobOutcome | 'unknown'
      readonly isDead: boolean
      readonly result: WatchedBytes | undefined
    }
  | { readonly kind: 'missed' }

export type Watcher = (event: WatchedEvent) => void

/** Sees single jobs of this server, each for those who want to know of it; while nobody does, it costs nothing. */
export class JobWatch implements Observer {
  readonly #observers: Observers
  readonly #handles: Handles
  readonly #watchers = new Map<number, Set<Watcher>>()
  #leave: (() => void) | undefined

  constructor(observers: Observers, handles: Handles) {
    this.#observers = observers
    this.#handles = handles
  }

  /** Gives the way to stop. A handle may be of no job. */
  watch(handle: string, watcher: Watcher): () => void {
    const number = this.#handles.parse(handle)
    const watchers = this.#watchers.get(number) ?? new Set()
    this.#watchers.set(number, watchers.add(watcher))
    this.#leave ??= this.#observers.add(this)
    return () => {
      watchers.delete(watcher)
      if (watchers.size > 0 || this.#watchers.get(number) !== watchers) return
      this.#watchers.delete(number)
      if (this.#watchers.size > 0) return
      this.#leave?.()
      this.#leave = undefined
    }
  }

  submitted(): void {}

  joined(): void {}

  assigned(job: Job): void {
    const watchers = this.#watchers.get(job.number)
    if (watchers !== undefined) tell(watchers, { kind: 'started', attempt: job.retries + 1 })
  }

  progressed({ number, numerator, denominator }: Job): void {
    const watchers = this.#watchers.get(number)
    if (watchers !== undefined) tell(watchers, { kind: 'progress', numerator, denominator })
  }

  sentData(job: Job, data: Uint8Array, isWarning: boolean): void {
    const watchers = this.#watchers.get(job.number)
    if (watchers !== undefined)
      tell(watchers, { kind: isWarning ? 'warning' : 'data', data: shown(job.function, data) })
  }

  retried(job: Job, reason: FailureReason, _runMs: number, waitMs: number): void {
    const watchers = this.#watchers.get(job.number)
    if (watchers !== undefined) tell(watchers, { kind: 'retried', reason, attempts: job.retries, waitMs })
  }

  ended(job: Job, outcome: JobOutcome, isDead: boolean, _runMs: number | undefined, data: Uint8Array): void {
    const watchers = this.#watchers.get(job.number)
    if (watchers !== undefined)
      tell(watchers, {
        kind: 'ended',
        outcome,
        isDead,
        result: data.length === 0 ? undefined : shown(job.function, data),
      })
  }

  endedOnDisk(_jobFunction: JobFunction, number: number, outcome: 'expired' | 'cancelled', isDead: boolean): void {
    const watchers = this.#watchers.get(number)
    if (watchers !== undefined) tell(watchers, { kind: 'ended', outcome, isDead, result: undefined })
  }
}

function tell(watchers: ReadonlySet<Watcher>, event: WatchedEvent): void {
  for (const watcher of watchers) watcher(event)
}

function shown(_jobFunction: JobFunction, data: Uint8Array): WatchedBytes {
  return data.length > shownBytesMax ? { bytes: data.length } : toBytes(data)
}
