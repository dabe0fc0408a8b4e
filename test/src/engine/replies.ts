import type { Addition } from '@geartrain/engine'

/** What becomes of a promise: the number of the job, or why there is none. */
export type Kept = number | 'STORE_FAILED' | 'QUEUE_FULL'

/** A reply that is not known before the store has answered. */
interface Promised {
  readonly addition: Addition
  readonly line: (kept: Kept) => string
}

/**
 * What the sessions are told, in the order they see it. A promised reply holds back all that its session is told after
 * it, as it does in the server, and nothing of what others are told.
 */
export class Replies {
  readonly #held = new Map<number, (string | Promised)[]>()
  #told: string[] = []

  /** Something that is seen at once, whoever is held up. */
  note(line: string): void {
    this.#told.push(line)
  }

  tell(session: number, line: string): void {
    const held = this.#held.get(session)
    if (held === undefined) this.#told.push(line)
    else held.push(line)
  }

  promise(session: number, addition: Addition, line: Promised['line']): void {
    const held = this.#held.get(session) ?? []
    this.#held.set(session, held)
    held.push({ addition, line })
  }

  /** The session is gone, and will not see what was held back. */
  drop(session: number): void {
    this.#held.delete(session)
  }

  /** The store has answered these. */
  release(promises: ReadonlyMap<Addition, Kept>): void {
    for (const [session, held] of this.#held) {
      const lines = held.map((reply) => {
        const kept = typeof reply === 'string' ? undefined : promises.get(reply.addition)
        return typeof reply === 'string' || kept === undefined ? reply : reply.line(kept)
      })
      const end = lines.findIndex((line) => typeof line !== 'string')
      this.#told.push(...lines.slice(0, end < 0 ? lines.length : end).filter((line) => typeof line === 'string'))
      if (end < 0) this.#held.delete(session)
      else this.#held.set(session, lines.slice(end))
    }
  }

  /** Somebody is still to be told whether a promise was kept. */
  get isHeld(): boolean {
    return this.#held.size > 0
  }

  /** What was told since the last call. */
  take(): string[] {
    const told = this.#told
    this.#told = []
    return told
  }
}
