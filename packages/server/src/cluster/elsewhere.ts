import type { StoredSummary } from '../store/store.ts'
import type { Members } from './members.ts'

/** Which other server has a job of the store, and whether it is taken to run there: nobody here knows that of a single job. */
export interface JobElsewhere {
  readonly server: string
  readonly isRunning: boolean
}

/** Undefined: no other server has it. */
export function jobElsewhere(
  members: Members | undefined,
  { claimedBy, function: name }: Pick<StoredSummary, 'claimedBy' | 'function'>,
): JobElsewhere | undefined {
  if (members === undefined || claimedBy === undefined) return undefined
  return { server: members.whoHas(claimedBy)?.name ?? String(claimedBy), isRunning: members.runs(claimedBy, name) }
}
