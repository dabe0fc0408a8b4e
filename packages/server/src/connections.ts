import type { Connection } from './connection.ts'

/**
 * All connections by session number. Numbers are small and used again, like file descriptors, which is what
 * administrators see them as.
 */
export class Connections {
  /** Whose input is being stepped: what it makes others send is its doing. */
  current: Connection | undefined
  /** Called when the last one has gone. */
  onEmpty: () => void = () => {}
  readonly #byNumber: (Connection | undefined)[] = []
  readonly #free: number[] = []
  /** Those with output of this turn. */
  #touched: Connection[] = []
  #size = 0
  /** Of those that have gone. */
  #bytesIn = 0
  #bytesOut = 0
  #lastSerial = 0

  get size(): number {
    return this.#size
  }

  /** What all of them have brought and been sent, those that have gone among them. */
  get traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    let bytesIn = this.#bytesIn
    let bytesOut = this.#bytesOut
    for (const connection of this) {
      bytesIn += connection.bytesIn
      bytesOut += connection.output.sentBytes
    }
    return { bytesIn, bytesOut }
  }

  get(session: number): Connection | undefined {
    return this.#byNumber[session]
  }

  takeNumber(): number {
    return this.#free.pop() ?? this.#byNumber.push(undefined) - 1
  }

  /** One that no connection has had. */
  takeSerial(): number {
    return ++this.#lastSerial
  }

  add(connection: Connection): void {
    this.#byNumber[connection.id] = connection
    this.#size++
  }

  remove(connection: Connection): void {
    if (this.#byNumber[connection.id] !== connection) return
    this.#byNumber[connection.id] = undefined
    this.#free.push(connection.id)
    this.#size--
    this.#bytesIn += connection.bytesIn
    this.#bytesOut += connection.output.sentBytes
    if (this.#size === 0) this.onEmpty()
  }

  /**
   * The connection, about to get output, which is sent when the turn ends, or sooner if there is much; undefined if it
   * can't have any. If its reader is slow, whoever feeds it is not read from until it has caught up.
   */
  to(session: number): Connection | undefined {
    const connection = this.#byNumber[session]
    if (connection === undefined || connection.isFinished) return undefined
    if (!connection.isTouched) {
      connection.isTouched = true
      this.#touched.push(connection)
    }
    if (connection.output.isLarge && !connection.output.isBlocked) connection.flush()
    if (!connection.output.isBlocked)
      return connection.output.isHeld && connection.isOverfull() ? undefined : connection
    if (connection.isOverfull()) return undefined
    this.current?.waitFor(connection)
    return connection
  }

  flush(): void {
    const touched = this.#touched
    this.#touched = []
    for (const connection of touched) {
      connection.isTouched = false
      connection.flush()
    }
  }

  *[Symbol.iterator](): Generator<Connection, void> {
    for (const connection of this.#byNumber) if (connection !== undefined) yield connection
  }
}
