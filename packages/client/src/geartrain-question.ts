import type { ConnectionLostError, GeartrainError } from './errors.ts'
import type { Reply } from './reply.ts'

/** A request that is written otherwise for a Geartrain server. */
interface Undecided {
  readonly send: (isGeartrain: boolean) => void
  readonly reply: Reply
}

/**
 * Whether the server is a Geartrain, which has packets that others close the connection at, and reads fractions of a
 * second, which others pass over or refuse. The reply of what finds it out: a question that others answer with an error.
 * Until then requests wait.
 */
export class GeartrainQuestion implements Reply {
  readonly expects = 'OPTION_RES'
  readonly hasEnded = false
  #isGeartrain: boolean | undefined
  #waiting: Undecided[] = []

  decide(request: Undecided): void {
    if (this.#isGeartrain === undefined) this.#waiting.push(request)
    else request.send(this.#isGeartrain)
  }

  answer(): void {
    this.#settle(true)
  }

  refused(): void {
    this.#settle(false)
  }

  lost(error: ConnectionLostError): void {
    for (const { reply } of this.#waiting.splice(0)) reply.lost(error)
  }

  fail(error: GeartrainError): void {
    for (const { reply } of this.#waiting.splice(0)) reply.fail(error)
  }

  /** At once, before other answers: the connection is closed when nothing waits for one. */
  #settle(isGeartrain: boolean): void {
    this.#isGeartrain = isGeartrain
    for (const { send } of this.#waiting.splice(0)) send(isGeartrain)
  }
}
