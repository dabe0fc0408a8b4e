import type { Priority } from '@geartrain/engine'
import type { StoredSummary } from '../store.ts'

/** Whose claims count. */
export interface Members {
  /** This server. */
  readonly serverId: number
  /** What they have claimed is anybody's. */
  readonly ended: readonly number[]
}

/** What is selected of a job without its workload, from `jobs` and `functions`. */
export const summaryColumns = 'number, name, unique_name, priority, run_at, attempts, owner'

export type SummaryRow = [
  number: number,
  name: Buffer,
  unique: Buffer,
  priority: Priority,
  runAt: number,
  attempts: number,
  owner: number,
]

/** Of a row that begins with the columns of a summary. */
export function toSummary(row: readonly [...SummaryRow, ...unknown[]], members: Members): StoredSummary {
  const owner = row[6]
  return isAnothers(owner, members) ? { ...toPlainSummary(row), claimedBy: owner } : toPlainSummary(row)
}

/** Another server has it, which is alive. */
export function isAnothers(owner: number, { serverId, ended }: Members): boolean {
  return owner > 0 && owner !== serverId && !ended.includes(owner)
}

/** Whoever has claimed it. */
export function toPlainSummary(row: readonly [...SummaryRow, ...unknown[]]): StoredSummary {
  const [number, name, unique, priority, runAt, attempts] = row
  return { number, function: fromName(name), unique: fromName(unique), priority, runAt, attempts }
}

/** Names have one byte a character in the program. NULL is none. */
export function fromName(column: Buffer | null): string {
  return column === null ? '' : column.toString('latin1')
}

export function toName(name: string): Buffer {
  return Buffer.from(name, 'latin1')
}
