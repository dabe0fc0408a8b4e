import assert from 'node:assert/strict'
import type { Engine, FailureReason, Job, JobFunction, JobOutcome, Observer } from '@geartrain/engine'

/** What is known of a job that was submitted and has not ended. */
interface Seen {
  readonly function: string
  isRunning: boolean
  /** It was taken back from a worker that was not told of it. */
  isWithdrawn: boolean
  /** Attempts that another one has followed; undefined: some may have been before it was seen. */
  retried: number | undefined
}

/**
 * An observer that holds the engine to its word: each job is submitted once, is given out, tried again and ended in
 * that order, and ends once.
 */
export class Tally implements Observer {
  readonly #live = new Map<number, Seen>()
  readonly #submitted = new Map<string, number>()
  readonly #ended = new Map<string, number>()
  readonly #now: () => number
  /** What it sees, in words. */
  onSeen: (line: string) => void = () => {}
  /**
   * What was refused may have been kept all the same, and other servers may use the store: there can be jobs that nobody
   * has said anything of, and attempts elsewhere.
   */
  isInexact = false

  constructor(now: () => number) {
    this.#now = now
  }

  submitted(jobFunction: JobFunction, background: boolean, number: number, trace: string): void {
    this.onSeen(`#${number} submitted to ${jobFunction.name}${background ? ', background' : ''}`)
    assert(!this.#live.has(number), `#${number} is submitted twice`)
    assert.equal(trace, '')
    this.#live.set(number, { function: jobFunction.name, isRunning: false, isWithdrawn: false, retried: 0 })
    count(this.#submitted, jobFunction.name)
  }

  joined({ name }: JobFunction): void {
    this.onSeen(`one of ${name} joined`)
  }

  assigned(job: Job, waitMs: number): void {
    this.onSeen(`#${job.number} given out after ${waitMs}`)
    const seen = this.#seen(job.number, 'given out', job.function.name)
    assert(!seen.isRunning || seen.isWithdrawn, `#${job.number} is given out twice`)
    seen.isRunning = true
    seen.isWithdrawn = false
    if (this.isInexact) seen.retried = job.retries
    seen.retried ??= job.retries
    assert.equal(job.retries, seen.retried, `attempts of #${job.number} that have ended`)
    assert(waitMs >= 0 && waitMs <= this.#now(), `#${job.number} has waited for ${waitMs} ms`)
    assert.equal(job.startedAt, this.#now())
  }

  progressed(job: Job): void {
    this.onSeen(`#${job.number} ${job.numerator}/${job.denominator}`)
    assert(this.#seen(job.number, 'under way').isRunning)
  }

  sentData(job: Job, data: Uint8Array, isWarning: boolean): void {
    this.onSeen(`#${job.number} ${isWarning ? 'warns' : 'sends'} ${Buffer.from(data).toString()}`)
    assert(this.#seen(job.number, 'under way').isRunning)
  }

  retried(job: Job, reason: FailureReason, runMs: number, waitMs: number): void {
    this.onSeen(`#${job.number} ${reason} after ${runMs}, again in ${waitMs}`)
    const seen = this.#seen(job.number, 'tried again')
    assert(seen.isRunning, `#${job.number} is tried again and was not under way`)
    seen.isRunning = false
    seen.retried = (seen.retried ?? 0) + 1
    assert.equal(job.retries, seen.retried)
    assert(runMs >= 0 && waitMs >= 0)
  }

  ended(job: Job, outcome: JobOutcome, isDead: boolean, runMs: number | undefined, data: Uint8Array): void {
    const run = runMs === undefined ? '' : ` after ${runMs}`
    const said = data.length === 0 ? '' : `: ${Buffer.from(data).toString()}`
    this.onSeen(`#${job.number} ended, ${outcome}${run}${isDead ? ', dead' : ''}${said}`)
    const seen = this.#seen(job.number, outcome)
    const isAsSeen = seen.isWithdrawn || (runMs !== undefined) === seen.isRunning
    assert(isAsSeen, `#${job.number}, ${outcome}, has run for ${runMs}`)
    this.#end(job.number, seen)
  }

  endedOnDisk(jobFunction: JobFunction, number: number, outcome: 'expired' | 'cancelled', isDead: boolean): void {
    this.onSeen(`#${number} of ${jobFunction.name} ended on disk, ${outcome}${isDead ? ', dead' : ''}`)
    const seen = this.#seen(number, outcome, jobFunction.name)
    assert(!seen.isRunning || seen.isWithdrawn, `#${number} was not on disk alone`)
    this.#end(number, seen)
  }

  moved({ number }: Job): void {
    this.onSeen(`#${number} goes on elsewhere`)
    this.#seen(number, 'moved')
    this.#live.delete(number)
  }

  /** Its worker has left without having been told of it. */
  withdrawn(number: number): void {
    const seen = this.#live.get(number)
    if (seen !== undefined) seen.isWithdrawn = true
  }

  /** A dead job is a live one again, under the same number. */
  revived(number: number, name: string): void {
    assert(!this.#live.has(number), `#${number} is revived and lives`)
    this.#live.set(number, { function: name, isRunning: false, isWithdrawn: false, retried: 0 })
    count(this.#submitted, name)
  }

  /** The server begins anew with what the store has. */
  restart(stored: Iterable<{ readonly number: number; readonly function: string }>): void {
    this.isInexact = false
    this.#live.clear()
    this.#submitted.clear()
    this.#ended.clear()
    for (const { number, function: name } of stored) this.#add(number, name)
  }

  has(number: number): boolean {
    return this.#live.has(number)
  }

  /** Submitted are, of each function, those that have ended and those that live. */
  check(engine: Engine, onDisk: readonly { readonly number: number }[] = []): void {
    const live = new Set(onDisk.map(({ number }) => number))
    for (const job of engine.jobs()) if (job.isObserved) live.add(job.number)
    assert.deepEqual([...this.#live.keys()].sort(byNumber), [...live].sort(byNumber), 'jobs that live')
    for (const { number, state, isObserved } of engine.jobs()) {
      assert(isObserved || state === 'pending' || state === 'stored', `nobody was told of #${number}`)
    }
    for (const [name, submitted] of this.#submitted) {
      const rest = [...this.#live.values()].filter((seen) => seen.function === name).length
      assert.equal(submitted, (this.#ended.get(name) ?? 0) + rest, `submissions of ${name}`)
    }
  }

  #seen(number: number, what: string, name?: string): Seen {
    const seen = this.#live.get(number)
    if (seen !== undefined) return seen
    assert(this.isInexact, `#${number} is ${what} and does not live`)
    return this.#add(number, name ?? '')
  }

  #add(number: number, name: string): Seen {
    const seen = { function: name, isRunning: false, isWithdrawn: false, retried: undefined }
    this.#live.set(number, seen)
    count(this.#submitted, name)
    return seen
  }

  #end(number: number, seen: Seen): void {
    this.#live.delete(number)
    count(this.#ended, seen.function)
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function byNumber(one: number, other: number): number {
  return one - other
}
