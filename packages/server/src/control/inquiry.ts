import type { Archive } from '../archive.ts'
import type { ChangeOutcome, StoreAnswer, StoredChange, StoreFailure, StoreRequest } from '../store/store.ts'
import { storeError } from './control-error.ts'

/** What comes of a change, or why nothing does. */
export type Changed = ChangeOutcome | StoreFailure

/** The archive, as one waits for it. What follows an answer is done within a turn. */
export class Inquiry {
  readonly #archive: Archive
  readonly #begin: () => void
  readonly #soon: (callback: () => void) => void

  /** `begin` begins a turn, `soon` calls back after this loop iteration's input. */
  constructor(archive: Archive, begin: () => void, soon: (callback: () => void) => void) {
    this.#archive = archive
    this.#begin = begin
    this.#soon = soon
  }

  /** Rejects with a ControlError if the store can't say. */
  async ask<Kind extends StoreAnswer['kind']>(
    request: StoreRequest,
    kind: Kind,
  ): Promise<Extract<StoreAnswer, { kind: Kind }>> {
    const answer = await new Promise<StoreAnswer>((resolve) => this.#archive.lookUp(request, resolve))
    this.#begin()
    if (answer.kind === 'failed') throw storeError(answer.failure)
    if (!isOf(answer, kind)) throw new Error(`the store answers ${request.kind} with ${answer.kind}`)
    return answer
  }

  /** `onChanged` is called before anything else happens that the same batch brings. */
  async change(change: StoredChange, onChanged?: (changed: Changed) => void): Promise<Changed> {
    const changed = await new Promise<Changed>((resolve) => {
      this.#archive.change(change, (outcome, failure) => {
        onChanged?.(failure ?? outcome ?? 'not found')
        resolve(failure ?? outcome ?? 'not found')
      })
    })
    this.#begin()
    return changed
  }

  /** All of them ride together. */
  async changeAll(changes: readonly StoredChange[]): Promise<Changed[]> {
    const changed = changes.map(
      (change) =>
        new Promise<Changed>((resolve) => {
          this.#archive.change(change, (outcome, failure) => resolve(failure ?? outcome ?? 'not found'))
        }),
    )
    const outcomes = await Promise.all(changed)
    this.#begin()
    return outcomes
  }

  /** Others have their turn. */
  async pass(): Promise<void> {
    await new Promise<void>((resolve) => this.#soon(resolve))
    this.#begin()
  }
}

function isOf<Kind extends StoreAnswer['kind']>(
  answer: StoreAnswer,
  kind: Kind,
): answer is Extract<StoreAnswer, { kind: Kind }> {
  return answer.kind === kind
}

export function isFailure(changed: Changed): changed is StoreFailure {
  return typeof changed === 'object'
}
