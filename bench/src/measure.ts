import type { Disk } from './disk.ts'
import { messageOf } from './error.ts'
import { medians, type Sample } from './metrics.ts'
import type { Row } from './rows.ts'
import type { Column } from './sets.ts'
import { Stand } from './stand.ts'

/** A row's outcome in one column: every run's sample and their medians, or what went wrong. */
type Outcome = { readonly median: Sample; readonly runs: readonly Sample[] } | { readonly failure: string }

/** By the titles of columns. */
export type RowResult = { readonly row: Row; readonly outcomes: Readonly<Record<string, Outcome>> }

/** Measures rows, one after the other, each on all servers of its set. */
export class Measurement {
  readonly #disk: Disk
  /** Those that are up, by the titles of their columns. */
  readonly #stands = new Map<string, Stand>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /**
   * Runs a row in all columns in turn (A B C A B C ...), so that whatever else the machine does at a time slows all of
   * them down alike. One that answers wrongly, or does not start, is out of this row, and the others go on. Queues that
   * took long to fill are kept if the next row wants the same.
   */
  async measure(row: Row, columns: readonly Column[], runs: number, next: Row | undefined): Promise<RowResult> {
    const samples = new Map<string, Sample[]>()
    const outcomes: Record<string, Outcome> = {}
    try {
      for (let run = 0; run < runs; run++) {
        for (const column of columns) {
          if (outcomes[column.title] !== undefined) continue
          try {
            const sample = await (await this.#stand(column, row)).run(row)
            samples.set(column.title, [...(samples.get(column.title) ?? []), sample])
          } catch (error) {
            outcomes[column.title] = { failure: messageOf(error) }
          }
          if (leavesJobs(row)) await this.#close(column.title)
        }
      }
    } finally {
      if (!isSameQueue(row, next)) await this.close()
    }
    for (const [title, taken] of samples) outcomes[title] ??= { median: medians(taken), runs: taken }
    return { row, outcomes }
  }

  async close(): Promise<void> {
    for (const title of this.#stands.keys()) await this.#close(title)
  }

  async #stand(column: Column, row: Row): Promise<Stand> {
    const stand = this.#stands.get(column.title) ?? (await Stand.open(column, row, this.#disk))
    this.#stands.set(column.title, stand)
    return stand
  }

  async #close(title: string): Promise<void> {
    await this.#stands.get(title)?.close()
    this.#stands.delete(title)
  }
}

/** What one run has queued is not to be there in the next, unless it is but a little more of what was there before. */
function leavesJobs(row: Row): boolean {
  return row.queued === 0 && (row.mode === 'fill' || row.mode === 'beside')
}

function isSameQueue(row: Row, next: Row | undefined): boolean {
  if (row.queued === 0 || next === undefined) return false
  return row.set === next.set && row.queued === next.queued && row.hasUniques === next.hasUniques
}
