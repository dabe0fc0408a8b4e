import { randomBytes } from 'node:crypto'
import type { PacketName } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { HttpContext } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { HttpWorker, type TakenJob, type WorkerEnd, type WorkOrder } from './http-worker.ts'

/** A job in the hand of somebody who has no connection, only the time until which they are to be heard again. */
export interface Lease {
  /** Whoever knows it may speak of the job; nobody can guess it. */
  readonly id: string
  readonly job: TakenJob
  /** Milliseconds since 1970. */
  readonly until: number
}

export type LastWord = 'complete' | 'fail'

type LeaseContext = Pick<HttpContext, 'clock' | 'limits' | 'connect' | 'withdraw' | 'closing'>

interface Held extends Lease {
  /** Who let its holder in: nobody else may use it. */
  readonly actorName: string
  readonly worker: HttpWorker
  ms: number
  until: number
  /** Set while nothing is being said. */
  stopTimer: () => void
  speaking: number
  last: { readonly word: LastWord; readonly taken: Promise<void> } | undefined
}

/** Leases that have ended are remembered so far, for those who say their last word again. */
const endedMax = 10_000
const idBytes = 16

/** All jobs that are done over HTTP. While a lease is heard of in time, its job is its own. */
export class Leases {
  readonly #context: LeaseContext
  readonly #held = new Map<string, Held>()
  readonly #ended = new Map<string, { readonly actorName: string; readonly how: WorkerEnd }>()
  /** Those that wait for a job. */
  readonly #waiting = new Set<HttpWorker>()
  /** Leases and waits together, of each actor and in all. */
  readonly #counts = new Map<string, number>()
  #count = 0

  constructor(context: LeaseContext) {
    this.#context = context
    context.closing.addEventListener('abort', () => {
      for (const worker of this.#waiting) worker.leave('disconnected')
    })
  }

  /**
   * Undefined: no job came in time. When `signal` is aborted, whoever asked has left, and the job is taken from them. Whether
   * they may have jobs of these functions is the caller's to check. Rejects with a Problem.
   */
  take(order: WorkOrder, leaseMs: number, actor: Actor, signal: AbortSignal): Promise<Lease | undefined> {
    const key = `${actor.name} ${actor.address}`
    this.#checkRoom(key)
    return new Promise((resolve, reject) => {
      let held: Held | undefined
      const worker = new HttpWorker(this.#context, {
        onJob: (job) => {
          this.#waiting.delete(worker)
          held = this.#hold(job, worker, actor, leaseMs)
          resolve(held)
        },
        onEnd: (how, problem) => {
          this.#waiting.delete(worker)
          this.#countFor(key, -1)
          if (held !== undefined) this.#forget(held, how)
          else if (how === 'none' || how === 'returned') resolve(undefined)
          else
            reject(problem ?? new Problem('SHUTTING_DOWN', 'the server is shutting down: no more jobs are given out'))
        },
      })
      this.#countFor(key, 1)
      this.#waiting.add(worker)
      signal.addEventListener('abort', () => worker.withdraw(), { once: true })
      if (signal.aborted) worker.withdraw()
      else worker.start(actor, order)
    })
  }

  /** Says something of the job, and gives the time until which more is to be heard. Rejects with a Problem. */
  async say(id: string, actor: Actor, packet: PacketName, args: readonly string[], data?: Uint8Array): Promise<number> {
    const held = this.#find(id, actor)
    await this.#during(held, held.worker.say(packet, args, data)).catch((error: unknown) => {
      throw this.#wasLost(id, error)
    })
    return held.until
  }

  /** `ms`: from now on, each time that something is heard. */
  extend(id: string, actor: Actor, ms: number | undefined): number {
    const held = this.#find(id, actor)
    if (ms !== undefined) held.ms = ms
    this.#renew(held)
    return held.until
  }

  /** The end of the job and of the lease. Saying it again does no harm. Rejects with a Problem. */
  async finish(id: string, actor: Actor, word: LastWord, packet: PacketName, data?: Uint8Array): Promise<void> {
    const ended = this.#ended.get(id)
    if (ended?.actorName === actor.name && ended.how === word) return
    const held = this.#find(id, actor)
    if (held.last === undefined) {
      const taken = this.#during(held, held.worker.say(packet, [], data))
      held.last = { word, taken }
      taken.then(
        () => held.worker.leave(word),
        () => {
          held.last = undefined
        },
      )
    } else if (held.last.word !== word) throw new Problem('JOB_NOT_YOURS', 'the last word on this job was said')
    await held.last.taken.catch((error: unknown) => {
      throw this.#wasLost(id, error)
    })
  }

  #checkRoom(key: string): void {
    const { httpLeasesMax, httpLeasesPerActorMax } = this.#context.limits
    if (this.#context.closing.aborted) {
      throw new Problem('SHUTTING_DOWN', 'the server is shutting down: no more jobs are given out')
    }
    if (this.#count >= httpLeasesMax || (this.#counts.get(key) ?? 0) >= httpLeasesPerActorMax) {
      throw new Problem(
        'TOO_MANY_REQUESTS',
        'there are as many leases, and requests that wait for one, as there may be',
      )
    }
  }

  #countFor(key: string, by: 1 | -1): void {
    this.#count += by
    const count = (this.#counts.get(key) ?? 0) + by
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }

  #hold(job: TakenJob, worker: HttpWorker, { name }: Actor, ms: number): Held {
    const id = randomBytes(idBytes).toString('base64url')
    const held: Held = {
      id,
      job,
      actorName: name,
      worker,
      ms,
      until: 0,
      stopTimer: () => {},
      speaking: 0,
      last: undefined,
    }
    this.#held.set(id, held)
    this.#renew(held)
    return held
  }

  #renew(held: Held): void {
    const { clock } = this.#context
    held.stopTimer()
    held.until = clock.wallNow() + held.ms
    if (held.speaking === 0) held.stopTimer = clock.after(held.ms, () => held.worker.leave('expired'))
  }

  /** What is being said holds the lease, however long the server takes for it. */
  async #during(held: Held, said: Promise<void>): Promise<void> {
    held.stopTimer()
    held.speaking++
    try {
      await said
    } finally {
      held.speaking--
      if (this.#held.has(held.id)) this.#renew(held)
    }
  }

  #forget(held: Held, how: WorkerEnd): void {
    held.stopTimer()
    this.#held.delete(held.id)
    this.#ended.set(held.id, { actorName: held.actorName, how })
    const { value: oldest } = this.#ended.keys().next()
    if (this.#ended.size > endedMax && oldest !== undefined) this.#ended.delete(oldest)
  }

  #find(id: string, actor: Actor): Held {
    const held = this.#held.get(id)
    if (held?.actorName === actor.name) return held
    const ended = this.#ended.get(id)
    throw ended?.actorName === actor.name
      ? notYours(ended.how)
      : new Problem('JOB_NOT_YOURS', 'there is no such lease: it is over, or it never was yours')
  }

  /** Why the job was lost while something was being said of it, if that is what has happened. */
  #wasLost(id: string, error: unknown): unknown {
    const ended = this.#ended.get(id)
    return ended === undefined ? error : notYours(ended.how)
  }
}

const sentences: Readonly<Record<WorkerEnd, string>> = {
  none: 'there was no job',
  refused: 'the server did not take this worker',
  returned: 'the job was given back, since its answer could not be delivered',
  cancelled: 'the job was cancelled: stop working on it',
  timeout: "the time for the job is over, and it is not this worker's any more: stop working on it",
  expired: 'the lease is over since nothing was heard of it in time, and the job is for another worker',
  disconnected: 'the server has ended the lease, and the job is for another worker',
  complete: 'the job is done, and no more can be said of it',
  fail: 'the job has failed, and no more can be said of it',
}

function notYours(reason: WorkerEnd): Problem {
  return new Problem('JOB_NOT_YOURS', sentences[reason], { reason })
}
