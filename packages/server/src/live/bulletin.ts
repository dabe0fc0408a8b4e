import type { LiveChange } from '@geartrain/protocol'

/** What has changed in a server, beside its figures: as it is told, but that names are as on the wire. */
export type Change =
  | Exclude<LiveChange, OfSchedule | OfDeath>
  | (OfSchedule & { readonly function: string | undefined })
  | Omit<OfDeath, 'count'>

type OfSchedule = Extract<LiveChange, { kind: 'schedule' }>
type OfDeath = Extract<LiveChange, { kind: 'job died' }>

/** Where changes are told to those who want to know at once. */
export class Bulletin {
  readonly #listeners = new Set<(change: Change) => void>()

  /** Gives the way to leave. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}
