import type { ControlOperation } from '@geartrain/protocol'
import type { ServerAddress } from './address.ts'
import type { ConnectionOptions } from './connection.ts'
import { ControlSession } from './control-session.ts'
import { type CallOptions, throwIfAborted } from './cutoff.ts'
import { ClosedError } from './errors.ts'
import { openFirstReachable } from './first-reachable.ts'

/** A connection for CONTROL that is opened when it is needed, and anew when it was lost. */
export class ControlLink {
  readonly #server: ServerAddress
  readonly #options: ConnectionOptions
  readonly #connectTimeoutMs: number
  #opening: Promise<ControlSession> | undefined
  #isClosed = false

  constructor(server: ServerAddress, options: ConnectionOptions, connectTimeoutMs: number) {
    this.#server = server
    this.#options = options
    this.#connectTimeoutMs = connectTimeoutMs
  }

  async ask(operation: ControlOperation, params: object, options: CallOptions): Promise<unknown> {
    throwIfAborted(options.signal)
    const session = await this.#open()
    return await session.ask(operation, params, options)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const session = await this.#opening?.catch(() => undefined)
    await session?.close()
  }

  async #open(): Promise<ControlSession> {
    for (;;) {
      if (this.#isClosed) throw new ClosedError('the connection is closed')
      const opening = (this.#opening ??= this.#connect())
      const session = await opening.catch((error: unknown) => {
        this.#forget(opening)
        throw error
      })
      if (session.isOpen) return session
      this.#forget(opening)
    }
  }

  #connect(): Promise<ControlSession> {
    return openFirstReachable([this.#server], (server) =>
      ControlSession.open(server, this.#options, { timeoutMs: this.#connectTimeoutMs }),
    )
  }

  #forget(opening: Promise<ControlSession>): void {
    if (this.#opening === opening) this.#opening = undefined
  }
}
