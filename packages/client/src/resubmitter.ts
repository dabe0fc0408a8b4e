import { ClosedError, ConnectError, type ConnectionLostError } from './errors.ts'
import type { ServerList } from './server-list.ts'
import type { Waiter } from './waiter.ts'

export interface ResubmitterOptions {
  /** How often a job is submitted again. */
  readonly attemptsMax: number
  /** A job fails when no server can be reached for so long. */
  readonly patienceMs: number
}

interface Orphan {
  readonly waiter: Waiter
  readonly error: ConnectionLostError
  readonly giveUpAt: number
  isTrying: boolean
  /** A server came up while it was being tried. */
  isMissed: boolean
}

/** Foreground jobs whose server went away, until another has them. */
export class Resubmitter {
  readonly #servers: ServerList
  readonly #options: ResubmitterOptions
  readonly #orphans = new Map<Waiter, Orphan>()
  #trying: NodeJS.Immediate | undefined
  #givingUp: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(servers: ServerList, options: ResubmitterOptions) {
    this.#servers = servers
    this.#options = options
  }

  /** False: the job is not to be submitted again. */
  take(waiter: Waiter, error: ConnectionLostError): boolean {
    const { attemptsMax, patienceMs } = this.#options
    if (this.#isClosed || !waiter.isRepeatable || waiter.losses > attemptsMax) return false
    this.#orphans.set(waiter, {
      waiter,
      error,
      giveUpAt: performance.now() + patienceMs,
      isTrying: false,
      isMissed: false,
    })
    // When all that were lost together are here, and the session knows that it has ended.
    this.#trying ??= setImmediate(() => this.tryAll())
    this.#givingUp ??= setTimeout(() => this.#giveUp(), patienceMs)
    return true
  }

  /** The job is of no interest any more. */
  forget(waiter: Waiter): void {
    this.#release(waiter)
  }

  /** To be called when a server can be reached again. */
  tryAll(): void {
    clearImmediate(this.#trying)
    this.#trying = undefined
    for (const orphan of this.#orphans.values()) {
      if (orphan.isTrying) orphan.isMissed = true
      else void this.#try(orphan)
    }
  }

  /** No job is taken any more. */
  close(): void {
    this.#isClosed = true
    clearImmediate(this.#trying)
    for (const orphan of this.#orphans.values()) {
      const { waiter, error } = orphan
      this.#release(waiter)
      waiter.fail(new ClosedError('the client was closed before this was done', { cause: error }))
    }
  }

  async #try(orphan: Orphan): Promise<void> {
    const { waiter } = orphan
    const key = waiter.submission?.key
    orphan.isTrying = true
    orphan.isMissed = false
    try {
      const session = this.#servers.current(key) ?? (await this.#servers.openUp(key))
      const { submission } = waiter
      // Undefined: it waits until a server is up again.
      if (session !== undefined && this.#release(waiter) && submission !== undefined) {
        session.request(submission, waiter)
      }
    } catch (error) {
      // And so it does here.
      if (!(error instanceof ConnectError)) waiter.fail(orphan.error)
    }
    orphan.isTrying = false
    if (orphan.isMissed && this.#orphans.has(waiter)) void this.#try(orphan)
  }

  #giveUp(): void {
    this.#givingUp = undefined
    const now = performance.now()
    for (const orphan of this.#orphans.values()) {
      const leftMs = orphan.giveUpAt - now
      if (leftMs > 0) {
        // They are in the order of their loss.
        this.#givingUp = setTimeout(() => this.#giveUp(), leftMs)
        return
      }
      this.#orphans.delete(orphan.waiter)
      orphan.waiter.fail(orphan.error)
    }
  }

  #release(waiter: Waiter): boolean {
    const isOurs = this.#orphans.delete(waiter)
    if (this.#orphans.size === 0) {
      clearTimeout(this.#givingUp)
      this.#givingUp = undefined
    }
    return isOurs
  }
}
