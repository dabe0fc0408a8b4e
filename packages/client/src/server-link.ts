import type { ServerAddress } from './address.ts'
import { type BackoffOptions, backoffMs, isShort } from './backoff.ts'
import { ClientSession, type SessionOptions } from './client-session.ts'
import { AbortedError } from './errors.ts'

export interface LinkOptions {
  readonly session: SessionOptions
  readonly connectTimeoutMs: number
  readonly reconnect: BackoffOptions
  /** Ends all attempts. */
  readonly stop: AbortSignal
  readonly onUp: () => void
}

/**
 * A server of a client's list.
 *
 * unused: nobody has asked for it yet. `open` connects.
 * up: it has a session, which all callers share.
 * down: its connection was lost, or the server is shutting down, or the last attempt failed. It is tried again in the
 *   background, later each time, and by those who find no other.
 */
export class ServerLink {
  readonly #address: ServerAddress
  readonly #options: LinkOptions
  #session: ClientSession | undefined
  #opening: Promise<ClientSession> | undefined
  #isDown = false
  /** Attempts and connections in a row that came to nothing. */
  #failures = 0
  #openedAt = 0
  /** Earlier ones that have jobs to finish, at a server that was shutting down. */
  readonly #leaving = new Set<ClientSession>()
  #retry: NodeJS.Timeout | undefined

  constructor(address: ServerAddress, options: LinkOptions) {
    this.#address = address
    this.#options = options
    options.stop.addEventListener('abort', () => clearTimeout(this.#retry))
  }

  /** Undefined unless it can be used at once. */
  get session(): ClientSession | undefined {
    return this.#session?.isOpen === true && !this.#session.isLeaving ? this.#session : undefined
  }

  get isDown(): boolean {
    return this.#isDown || this.#session?.isLeaving === true
  }

  /** Rejects with the reason why the server can't be reached, or AbortedError. */
  async open(): Promise<ClientSession> {
    if (this.session !== undefined) return this.session
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async close(timeoutMs: number): Promise<void> {
    // An opening that can't be stopped any more leaves a session.
    await this.#opening?.catch(() => undefined)
    const sessions = [...this.#leaving, ...(this.#session === undefined ? [] : [this.#session])]
    await Promise.all(sessions.map((session) => session.close(timeoutMs)))
  }

  async #connect(): Promise<ClientSession> {
    clearTimeout(this.#retry)
    const { session: options, connectTimeoutMs: timeoutMs, stop: signal, onUp } = this.#options
    let session: ClientSession
    try {
      session = await ClientSession.open(this.#address, options, { signal, timeoutMs }, (lost) => this.#lose(lost))
    } catch (error) {
      if (!(error instanceof AbortedError)) this.#fall(this.#failures + 1)
      throw error
    }
    if (this.#session?.isOpen === true) this.#leaving.add(this.#session)
    this.#session = session
    this.#isDown = false
    this.#openedAt = performance.now()
    onUp()
    return session
  }

  #lose(session: ClientSession): void {
    this.#leaving.delete(session)
    if (session === this.#session) this.#fall(isShort(this.#openedAt) ? this.#failures + 1 : 0)
  }

  #fall(failures: number): void {
    this.#failures = failures
    this.#isDown = true
    this.#retryLater()
  }

  #retryLater(): void {
    const { reconnect, stop } = this.#options
    if (stop.aborted) return
    // Whoever waits for it has a timer of his own; this one keeps no process alive. If it fails the next one is planned.
    this.#retry = setTimeout(
      () => void this.open().catch(() => undefined),
      backoffMs(reconnect, this.#failures),
    ).unref()
  }
}
