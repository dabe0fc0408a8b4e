import type { ControlOperation } from '@geartrain/protocol'
import type { ServerAddress } from './address.ts'
import type { ConnectionOptions } from './connection.ts'
import { ControlSession } from './control-session.ts'
import { type CallOptions, startCutoff, throwIfAborted } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { ClosedError } from './errors.ts'
import { openFirstReachable } from './first-reachable.ts'

/** A connection for CONTROL that is opened when it is needed, and anew when it was lost. */
export class ControlLink {
  readonly #server: ServerAddress
  readonly #options: ConnectionOptions
  readonly #connectTimeoutMs: number
  #opening: Promise<ControlSession> | undefined
  readonly #closing = new AbortController()

  constructor(server: ServerAddress, options: ConnectionOptions, connectTimeoutMs: number) {
    this.#server = server
    this.#options = options
    this.#connectTimeoutMs = connectTimeoutMs
  }

  /** What the server answers, which is of the operation's type. What is cut off before it is sent never is. */
  async ask(operation: ControlOperation, params: object, options: CallOptions): Promise<unknown> {
    throwIfAborted(options.signal)
    const cutoff = new Deferred<never>()
    let isCut = false
    const release = startCutoff(options, `the answer to "${operation}"`, (error) => {
      isCut = true
      cutoff.reject(error)
    })
    try {
      const session = await Promise.race([this.#open(), cutoff.promise])
      return await Promise.race([isCut ? cutoff.promise : session.ask(operation, params), cutoff.promise])
    } finally {
      release()
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const session = await this.#opening?.catch(() => undefined)
    await session?.close()
  }

  async #open(): Promise<ControlSession> {
    for (;;) {
      this.#throwIfClosed()
      const opening = (this.#opening ??= this.#connect())
      const session = await opening.catch((error: unknown) => {
        this.#forget(opening)
        this.#throwIfClosed()
        throw error
      })
      if (session.isOpen) return session
      this.#forget(opening)
    }
  }

  #connect(): Promise<ControlSession> {
    return openFirstReachable([this.#server], (server) =>
      ControlSession.open(server, this.#options, { timeoutMs: this.#connectTimeoutMs, signal: this.#closing.signal }),
    )
  }

  #throwIfClosed(): void {
    if (this.#closing.signal.aborted) throw new ClosedError('the connection is closed')
  }

  #forget(opening: Promise<ControlSession>): void {
    if (this.#opening === opening) this.#opening = undefined
  }
}
