import { setTimeout as delay } from 'node:timers/promises'
import type { ServerAddress } from './address.ts'
import { type BackoffOptions, backoffMs, isShort } from './backoff.ts'
import { type ConnectError, ConnectionLostError, type GeartrainError } from './errors.ts'
import { unreachable } from './first-reachable.ts'
import type { Lane } from './lane.ts'
import { type SessionOptions, WorkerSession } from './worker-session.ts'

export interface WorkerLinkOptions {
  readonly session: SessionOptions
  /** Those of the worker; more may come. */
  readonly lanes: readonly Lane[]
  readonly connectTimeoutMs: number
  readonly reconnect: BackoffOptions
  /** Ends all attempts. */
  readonly stop: AbortSignal
  readonly onConnect: ((server: ServerAddress) => void) | undefined
  readonly onDisconnect:
    | ((error: ConnectionLostError | ConnectError, retryMs: number, server: ServerAddress) => void)
    | undefined
}

/**
 * A server of a worker's list: a session for each lane, which come and go together.
 *
 * down: nothing is tried. It begins here, and ends here when the worker is closed.
 * opening: the sessions are being opened. If one can't be: waiting, or down if this was the first attempt and nobody
 *   said `keep`.
 * up: all sessions are open. When one is lost the others are ended: waiting. (One for a lane that came later may still
 *   be opening.)
 * waiting: for the time of the next attempt, longer each time: opening.
 */
export class WorkerLink {
  readonly address: ServerAddress
  readonly #options: WorkerLinkOptions
  /** While it is up. Undefined: being opened. */
  #sessions = new Map<Lane, WorkerSession | undefined>()
  #settled: Promise<void> = Promise.resolve()
  #openedAt = 0
  /** Connections in a row that did not last. */
  #drops = 0

  constructor(address: ServerAddress, options: WorkerLinkOptions) {
    this.address = address
    this.#options = options
  }

  get sessions(): WorkerSession[] {
    return [...this.#sessions.values()].filter((session) => session !== undefined)
  }

  /** Resolves when it is neither opening nor waiting. */
  get settled(): Promise<void> {
    return this.#settled
  }

  /** One attempt. Resolves when the server knows all functions and may give jobs; rejects with the reason why not. */
  async open(): Promise<void> {
    const sessions = new Map<Lane, WorkerSession>()
    try {
      // Sees also those lanes that come meanwhile.
      for (const lane of this.#options.lanes) sessions.set(lane, await this.#openSession(lane))
      for (const session of sessions.values()) {
        if (!session.isOpen) throw new ConnectionLostError('the server was lost as soon as it was reached')
      }
    } catch (error) {
      for (const session of sessions.values()) session.destroy(new ConnectionLostError('another could not be opened'))
      throw error
    }
    this.#sessions = sessions
    this.#openedAt = performance.now()
    for (const session of sessions.values()) begin(session)
    this.#options.onConnect?.(this.address)
  }

  /** From now on it is tried again whenever it is lost, and if this attempt fails. */
  keep(attempt: Promise<void>): void {
    this.#settled = attempt.catch((error: unknown) => this.#reconnect(this.#unreachable(error)))
  }

  /** The lane is new, or has new functions. */
  serve(lane: Lane): void {
    // One that is opening will see it.
    if (this.#sessions.size === 0) return
    if (this.#sessions.has(lane)) this.#sessions.get(lane)?.register()
    else void this.#add(lane)
  }

  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()))
  }

  destroy(reason: GeartrainError): void {
    for (const session of this.sessions) session.destroy(reason)
  }

  async #add(lane: Lane): Promise<void> {
    const sessions = this.#sessions
    sessions.set(lane, undefined)
    try {
      const session = await this.#openSession(lane)
      if (sessions === this.#sessions && !this.#options.stop.aborted) {
        sessions.set(lane, session)
        begin(session)
      } else await session.close()
    } catch (error) {
      if (sessions === this.#sessions) this.#fall(this.#unreachable(error))
    }
  }

  #openSession(lane: Lane): Promise<WorkerSession> {
    const { session, connectTimeoutMs: timeoutMs, stop: signal } = this.#options
    return WorkerSession.open(this.address, lane, session, (lost, error) => this.#lose(lost, error), {
      signal,
      timeoutMs,
    })
  }

  #lose(session: WorkerSession, error: ConnectionLostError): void {
    // Others were never in use, or are out of it already.
    if (this.#sessions.get(session.lane) === session) this.#fall(error)
  }

  #fall(error: ConnectionLostError | ConnectError): void {
    // What still runs on the other connections is finished.
    if (this.#options.stop.aborted) return
    const { sessions } = this
    this.#sessions = new Map()
    for (const session of sessions) session.destroy(error)
    this.#drops = isShort(this.#openedAt) ? this.#drops + 1 : 0
    this.#settled = this.#reconnect(error)
  }

  /** Tries until it is up, or the worker is closed. */
  async #reconnect(reason: ConnectionLostError | ConnectError): Promise<void> {
    const { reconnect, stop, onDisconnect } = this.#options
    let error = reason
    for (let attempt = 0; !stop.aborted; attempt++) {
      const retryMs = backoffMs(reconnect, attempt + this.#drops)
      onDisconnect?.(error, retryMs, this.address)
      // It rejects when the worker is closed.
      await delay(retryMs, undefined, { signal: stop }).catch(() => undefined)
      if (stop.aborted) return
      try {
        return await this.open()
      } catch (failure) {
        error = this.#unreachable(failure)
      }
    }
  }

  #unreachable(error: unknown): ConnectError {
    if (error instanceof Error) return unreachable([this.address], [error])
    throw error
  }
}

/** Also those functions are registered that came while it was being opened. */
function begin(session: WorkerSession): void {
  session.register()
  session.start()
}
