import type { Finding } from '@geartrain/protocol'

interface Told {
  written: string
  /** The tick at which it became so. */
  changedAt: number
  askedAt: number
}

/** The findings of readers who see alike, as JSON, and when they were others last. */
export class ToldFindings {
  readonly #byScope = new Map<string, Told>()

  /** Those of this tick; undefined: they have not changed after the tick `since`. */
  written(scope: string, tick: number, since: number | undefined, find: () => readonly Finding[]): string | undefined {
    let told = this.#byScope.get(scope)
    if (told === undefined) this.#byScope.set(scope, (told = { written: '', changedAt: tick, askedAt: -1 }))
    if (told.askedAt !== tick) {
      told.askedAt = tick
      const written = JSON.stringify(find())
      if (written !== told.written) {
        told.written = written
        told.changedAt = tick
      }
    }
    return since === undefined || told.changedAt > since ? told.written : undefined
  }

  /** Nobody asks any more for those that were asked for before that tick. */
  forget(before: number): void {
    for (const [scope, { askedAt }] of this.#byScope) if (askedAt < before) this.#byScope.delete(scope)
  }

  clear(): void {
    this.#byScope.clear()
  }
}
