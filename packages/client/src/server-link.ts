import type { ServerAddress } from './address.ts'
import { type BackoffOptions, backoffMs } from './backoff.ts'
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

/** A connection that ends sooner was none. */
const lastingMs = 1000

/**
 * A server of a client's list.
 *
 * unused: nobody has asked for it yet, or its connection was lost just now. `open` connects.
 * up: it has a session, which all callers share.
 * down: the last attempt failed, or its connections end as soon as they are there. It is tried again in the
 *   background, later each time, and by those who find no other.
 */
export class ServerLink {
  readonly #address: ServerAddress
  readonly #options: LinkOptions
  #session: ClientSession | undefined
  #opening: Promise<ClientSession> | undefined
  /** Attempts in a row that failed. */
  #failures = 0
  /** Connections in a row that did not last. */
  #drops = 0
  #openedAt = 0
  #retry: NodeJS.Timeout | undefined

  constructor(address: ServerAddress, options: LinkOptions) {
    this.#address = address
    this.#options = options
    options.stop.addEventListener('abort', () => clearTimeout(this.#retry))
  }

  /** Undefined unless it can be used at once. */
  get session(): ClientSession | undefined {
    return this.#session?.isOpen === true ? this.#session : undefined
  }

  get isDown(): boolean {
    return this.#failures > 0 || (this.#drops > 0 && this.session === undefined)
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
    await this.#session?.close(timeoutMs)
  }

  async #connect(): Promise<ClientSession> {
    clearTimeout(this.#retry)
    const { session, connectTimeoutMs: timeoutMs, stop: signal, onUp } = this.#options
    try {
      this.#session = await ClientSession.open(this.#address, session, { signal, timeoutMs }, () => this.#lose())
    } catch (error) {
      if (!(error instanceof AbortedError)) {
        this.#failures++
        this.#retryLater()
      }
      throw error
    }
    this.#failures = 0
    this.#openedAt = performance.now()
    onUp()
    return this.#session
  }

  #lose(): void {
    this.#drops = performance.now() - this.#openedAt < lastingMs ? this.#drops + 1 : 0
    this.#retryLater()
  }

  #retryLater(): void {
    const { reconnect, stop } = this.#options
    if (stop.aborted) return
    // Whoever waits for it has a timer of his own; this one keeps no process alive. If it fails the next one is planned.
    this.#retry = setTimeout(
      () => void this.open().catch(() => undefined),
      backoffMs(reconnect, this.#failures + this.#drops),
    ).unref()
  }
}
