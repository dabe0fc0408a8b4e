import type { PacketName } from '@geartrain/protocol'
import { type CallOptions, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import type { ConnectionLostError, GeartrainError, ServerError } from './errors.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import type { WaiterTable } from './waiter-table.ts'

/**
 * What a request waits for. The server answers a connection's requests in their order and names none of them in its
 * answers, so replies stand in a queue; one whose caller has given up keeps its place.
 */
export interface Reply {
  readonly expects: PacketName
  /** Nobody waits for it any more. */
  readonly hasEnded: boolean
  /** The answer of the expected kind. `waiters` is where a job that was created is listed. */
  answer(packet: IncomingPacket, waiters: WaiterTable): void
  /** The server has answered with an error. */
  refused(error: ServerError): void
  /** The connection ended before there was an answer. */
  lost(error: ConnectionLostError): void
  fail(error: GeartrainError): void
}

/** A reply as a promise of what `read` finds in it. */
export class PromisedReply<T> implements Reply {
  readonly expects: PacketName
  readonly #read: (packet: IncomingPacket) => T
  readonly #deferred = new Deferred<T>()
  #hasEnded = false
  readonly #release: () => void

  constructor(expects: PacketName, read: (packet: IncomingPacket) => T, options: CallOptions) {
    this.expects = expects
    this.#read = read
    this.#release = startCutoff(options, `the wait for ${expects}`, (error) => this.fail(error))
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get promise(): Promise<T> {
    return this.#deferred.promise
  }

  answer(packet: IncomingPacket): void {
    this.#hasEnded = true
    this.#release()
    this.#deferred.resolve(this.#read(packet))
  }

  refused(error: ServerError): void {
    this.fail(error)
  }

  lost(error: ConnectionLostError): void {
    this.fail(error)
  }

  fail(error: GeartrainError): void {
    this.#hasEnded = true
    this.#release()
    this.#deferred.reject(error)
  }
}
