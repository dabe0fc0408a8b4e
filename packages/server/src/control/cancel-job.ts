import type { Engine } from '@geartrain/engine'
import type { Handles } from '../handles.ts'
import type { Journal } from '../journal.ts'
import type { Schedules } from '../schedules/schedules.ts'
import type { StoreFailure } from '../store/store.ts'

export interface CancelContext {
  readonly engine: Engine
  readonly handles: Handles
  readonly schedules: Schedules
  /** Undefined: there is no store. */
  readonly journal: Journal | undefined
}

/**
 * Ends a job, also one that is running or on disk alone, or the schedule that a client has the handle of. Calls back at once, or, since what is told to be cancelled
 * must not come back, when the store has it: whether there was such a job or schedule.
 */
export function cancelJob(
  { engine, handles, schedules, journal }: CancelContext,
  number: number,
  onCancelled: (isKnown: boolean, failure: StoreFailure | undefined) => void,
): void {
  if (schedules.removeByHandle(number)) {
    if (journal === undefined) onCancelled(true, undefined)
    else journal.whenKept((failure) => onCancelled(true, failure))
    return
  }
  const job = engine.findJob(number)
  const wasStored = job === undefined || job.isStored || job.addition !== undefined
  const isCancelled = engine.cancel(number)
  if (journal === undefined || !wasStored || Number.isNaN(number)) onCancelled(isCancelled, undefined)
  else if (isCancelled) journal.whenCancelled(number, (failure) => onCancelled(true, failure))
  else journal.cancel(handles.total(number), (found, failure) => onCancelled(found !== undefined, failure))
}
