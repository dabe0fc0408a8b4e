import type { LiveChange } from '@geartrain/protocol'
import type { Clock } from '../clock.ts'
import { textOfName } from '../http/names.ts'
import type { Change } from './bulletin.ts'

/** So many wait to be told; what comes beyond is seen in the figures of the next tick. */
const waitingMax = 1000
const pauseMs = 100

/** An event that is written, and whose it is. */
export interface WrittenChange {
  /** Undefined: everybody's; `*`: of those who may view all functions. */
  readonly function: string | undefined
  readonly event: string
}

/**
 * Changes on their way to those who listen: the first one goes at once, those that come within a moment after it go
 * together, and of several that say the same of one function only the last.
 */
export class Changes {
  readonly #clock: Clock
  readonly #onDue: (changes: readonly WrittenChange[]) => void
  readonly #waiting = new Map<string, { change: Change; count: number }>()
  /** Set while the next ones wait. */
  #stopTimer: (() => void) | undefined

  constructor(clock: Clock, onDue: (changes: readonly WrittenChange[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add(change: Change): void {
    const key = `${change.kind} ${'function' in change ? change.function : 'name' in change ? change.name : ''}`
    const count = (this.#waiting.get(key)?.count ?? 0) + 1
    if (count === 1 && this.#waiting.size >= waitingMax) return
    this.#waiting.set(key, { change, count })
    this.#stopTimer ??= this.#clock.after(0, () => this.#tell())
  }

  stop(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#waiting.clear()
  }

  #tell(): void {
    this.#stopTimer = undefined
    if (this.#waiting.size === 0) return
    const written = Array.from(this.#waiting.values(), ({ change, count }) => write(change, count))
    this.#waiting.clear()
    this.#stopTimer = this.#clock.after(pauseMs, () => this.#tell())
    this.#onDue(written)
  }
}

function write(change: Change, count: number): WrittenChange {
  return { function: functionOf(change), event: `event: change\ndata: ${JSON.stringify(told(change, count))}\n\n` }
}

function functionOf(change: Change): string | undefined {
  switch (change.kind) {
    case 'workers':
    case 'job died':
      return change.function
    case 'policy':
      return change.name
    case 'schedule':
      // One that is removed is no function's any more.
      return change.function ?? '*'
    case 'store':
    case 'stopping':
      return undefined
  }
}

/** As it is told: names as text, and how many jobs have died since the last time. */
function told(change: Change, count: number): LiveChange {
  switch (change.kind) {
    case 'workers':
      return { ...change, function: textOfName(change.function) }
    case 'job died':
      return { ...change, function: textOfName(change.function), handle: textOfName(change.handle), count }
    case 'policy':
      return { ...change, name: textOfName(change.name) }
    case 'schedule':
      return { kind: change.kind, name: textOfName(change.name) }
    case 'store':
    case 'stopping':
      return change
  }
}
