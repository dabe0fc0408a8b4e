import { ControlError, notFound, storeError } from './control-error.ts'
import { isFailure } from './inquiry.ts'
import type { JobsContext } from './jobs.ts'

/**
 * A delayed job need not wait for its time: it goes to the end of its line, also one that is on disk alone. Resolves when
 * that is so. Rejects with a ControlError.
 */
export async function runJob({ engine, handles, inquiry }: JobsContext, number: number, handle: string): Promise<void> {
  if (engine.runNow(number)) return
  const job = engine.findJob(number)
  if (job !== undefined && job.state !== 'stored') throw notDelayed(handle, job.state)
  const total = handles.total(number)
  const changed = await inquiry.change({ kind: 'hasten', number: total })
  if (isFailure(changed)) throw storeError(changed, 'the job may be ready all the same')
  if (changed === 'done') return
  const { job: stored } = await inquiry.ask({ kind: 'describe', number: total }, 'describe')
  if (stored === undefined) throw notFound(`there is no job ${handle}: it has ended, or it never was`)
  throw notDelayed(handle, stored.state)
}

function notDelayed(handle: string, state: string): ControlError {
  return new ControlError('CONFLICT', `the job ${handle} is not delayed: it is ${state}`)
}
