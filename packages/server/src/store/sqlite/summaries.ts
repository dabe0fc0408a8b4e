import type { Priority } from '@geartrain/engine'
import type { StoredSummary } from '../store.ts'
import type { FunctionTable } from './functions.ts'
import { fromColumn, type NameColumn } from './text.ts'

/** What is selected of a job without its workload. */
export const summaryColumns = 'number, function_id, unique_name, priority, run_at, attempts'

export type SummaryRow = [
  number: number,
  functionId: number,
  unique: NameColumn,
  priority: Priority,
  runAt: number,
  attempts: number,
]

export function toSummary(
  functions: FunctionTable,
  [number, functionId, unique, priority, runAt, attempts]: Readonly<SummaryRow>,
): StoredSummary {
  return { number, function: functions.withId(functionId).name, unique: fromColumn(unique), priority, runAt, attempts }
}
