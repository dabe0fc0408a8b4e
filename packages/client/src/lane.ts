import type { Performer } from './performer.ts'

/** A function that the worker can do, by its name on the wire. */
export interface Ability {
  readonly wireName: string
  readonly timeoutMs: number | undefined
  readonly perform: Performer
}

/**
 * Functions that are registered on the same connection to each server, and how many of their jobs there may be at
 * once. One that has a limit of its own is alone in its lane: when it is reached, the worker just does not ask on those
 * connections, and the servers give the jobs to others. (CANT_DO would not do: with the ability a server takes back the
 * jobs that run.)
 */
export class Lane {
  readonly abilities: Map<string, Ability> = new Map()
  readonly #limit: number
  /** Slots that its sessions have. */
  taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get isFull(): boolean {
    return this.taken >= this.#limit
  }
}
