import type { Addition } from '@geartrain/engine'
import { encodePacket, headerBytes, packets, type WireError, wireErrors } from '@geartrain/protocol'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import type { Handles } from './handles.ts'
import { countBelow } from './output.ts'
import type { OpenBatch } from './store/open-batch.ts'
import type { StoreFailure } from './store/store.ts'

/**
 * Replies that wait for a batch to be kept. A promised JOB_CREATED lies in its connection's output already, behind a
 * hold; when the batch's result is here it is let go as it is, or with the number of the job that was joined, or as an
 * ERROR. `later` are the batches after that one: what they hold behind a reply that has changed its length moves.
 */
export class HeldReplies {
  readonly #connections: Connections
  readonly #handles: Handles

  constructor(connections: Connections, handles: Handles) {
    this.#connections = connections
    this.#handles = handles
  }

  /** A JOB_CREATED that is written next. */
  promise(connection: Connection, batch: OpenBatch, addition: Addition): void {
    this.hold(connection, batch)
    batch.promises.push({ addition, connection, position: connection.output.position })
  }

  /** What is written to the connection from here on is held back until the batch is released. */
  hold(connection: Connection, batch: OpenBatch): void {
    connection.output.hold(batch)
    batch.held.add(connection)
  }

  release(batch: OpenBatch): void {
    for (const connection of batch.held) {
      connection.output.release(batch)
      this.#connections.to(connection.id)
    }
  }

  /** What was promised is the handle of another job. Handles are all of one length. */
  renumber(batch: OpenBatch, addition: Addition, number: number): void {
    const packet = encodePacket(packets.JOB_CREATED, [this.#handles.text(number)])
    for (const { connection, position } of batch.promisesOf(addition)) {
      connection.output.replace(position, packet.length, packet)
    }
  }

  /** What was promised to this one does not come true. */
  refuse(batch: OpenBatch, later: readonly OpenBatch[], addition: Addition, error: WireError): void {
    const { code, text } = wireErrors[error]
    const refusal = encodePacket(packets.ERROR, [code, text])
    const promiseBytes = headerBytes + this.#handles.length
    for (const { connection, position } of batch.promisesOf(addition)) {
      const moved = connection.output.replace(position, promiseBytes, refusal)
      for (const { promises } of [batch, ...later]) {
        for (const other of promises) {
          if (other.connection === connection && other.position > position) other.position += moved
        }
      }
    }
  }

  /** Nothing of what was promised comes true, but for those who only asked. */
  refuseAll(batch: OpenBatch, later: readonly OpenBatch[], { message }: StoreFailure): void {
    const { code, text } = wireErrors.STORE_FAILED
    const refusal = encodePacket(packets.ERROR, [code, `${text}: ${message}`])
    const promiseBytes = headerBytes + this.#handles.length
    const refused = new Map<Connection, number[]>()
    for (const { addition, connection, position } of batch.promises) {
      if (addition.kind === 'asked' || addition.kind === 'joining') continue
      const positions = refused.get(connection)
      if (positions === undefined) refused.set(connection, [position])
      else positions.push(position)
    }
    for (const [connection, positions] of refused) connection.output.replaceAll(positions, promiseBytes, refusal)
    const by = refusal.length - promiseBytes
    // One that has joined a job of this batch can stand behind those of the next.
    for (const { promises } of [batch, ...later]) {
      for (const promise of promises) {
        promise.position += by * countBelow(refused.get(promise.connection) ?? [], promise.position)
      }
    }
  }
}
