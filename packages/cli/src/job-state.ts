import type { JobStatus } from '@geartrain/client'
import { type Column, showText } from './table.ts'

/** A job as `geartrain status HANDLE` and `geartrain jobs` tell of it. */
export interface JobState {
  readonly handle: string
  /** Of a job that has ended, or that never was, a server knows nothing. */
  readonly state: 'waiting' | 'running' | 'unknown'
  readonly numerator: number
  readonly denominator: number
}

export const jobStateColumns: readonly Column<JobState>[] = [
  ['handle', ({ handle }) => showText(handle)],
  ['state', ({ state }) => state],
  ['progress', ({ numerator, denominator }) => (denominator === 0 ? '-' : `${numerator}/${denominator}`)],
]

export function jobState(handle: string, status: JobStatus | undefined): JobState {
  if (status === undefined || !status.isKnown) return { handle, state: 'unknown', numerator: 0, denominator: 0 }
  const { isRunning, numerator, denominator } = status
  return { handle, state: isRunning ? 'running' : 'waiting', numerator, denominator }
}
