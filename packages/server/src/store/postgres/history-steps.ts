import { rollUp } from '../../history/memory-history.ts'
import { type HistorySlice, mergeSlices, pickRows } from '../../history/slice.ts'
import type { StoredChange } from '../store.ts'
import { bigints } from './arrays.ts'
import type { Answered, Link, Statement } from './link.ts'
import type { Transaction } from './transaction.ts'

type Step = [at: number, rows: Buffer]

/** One server at a time, until it has committed: what is read here is not changed by others before it is written. */
const lock: Statement = {
  name: 'lock history',
  text: `SELECT FROM pg_advisory_xact_lock('geartrain.history'::regclass::oid::bigint)`,
}
const find: Statement = {
  name: 'history steps',
  text: 'SELECT at, rows FROM geartrain.history WHERE step_ms = $1 AND at = ANY ($2::bigint[])',
}
const put: Statement = {
  name: 'put history step',
  text: `
    INSERT INTO geartrain.history (step_ms, at, rows) VALUES ($1, $2, $3)
    ON CONFLICT (step_ms, at) DO UPDATE SET rows = excluded.rows`,
}
const removeFirst: Statement = {
  name: 'remove history steps',
  text: `
    DELETE FROM geartrain.history WHERE step_ms = $1 AND id <=
      (SELECT id FROM geartrain.history WHERE step_ms = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`,
}
const from: Statement = {
  name: 'history from',
  text: 'SELECT at, rows FROM geartrain.history WHERE step_ms = $1 AND at >= $2 ORDER BY at',
}

/** The table `history`. */
export class HistorySteps {
  /** Within a transaction; not before the last one of the same transaction is done. */
  async add({ link }: Transaction, change: Extract<StoredChange, { kind: 'history' }>): Promise<void> {
    const { samples, functionsMax } = change
    const tiers = Array.from(rollUp(samples))
    const locked = link.run(lock)
    const found: Promise<Answered<Step>>[] = tiers.map(({ tier, steps }) =>
      link.run<Step>(find, tier.stepMs, bigints(steps.map(({ at }) => at))),
    )
    const [kept] = await Promise.all([Promise.all(found), locked])
    const written: Promise<unknown>[] = []
    for (const [index, { tier, steps }] of tiers.entries()) {
      const keptRows = new Map(kept[index]?.rows)
      for (const { at, rows } of steps) {
        const { buffer, byteOffset, length } = mergeSlices(keptRows.get(at), [rows], functionsMax)
        written.push(link.run(put, tier.stepMs, at, Buffer.from(buffer, byteOffset, length)))
      }
      written.push(link.run(removeFirst, tier.stepMs, tier.stepsMax))
    }
    await Promise.all(written)
  }

  async read(link: Link, stepMs: number, at: number, names: readonly string[] | undefined): Promise<HistorySlice[]> {
    const { rows: steps } = await link.run<Step>(from, stepMs, at)
    return steps.map(([begun, rows]) => ({ at: begun, rows: pickRows(rows, names) }))
  }
}
