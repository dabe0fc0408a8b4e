import type { JobsChanged, PriorityName } from '@geartrain/protocol'
import { type ReadonlySignal, signal } from '@preact/signals'
import type { JSX } from 'preact'
import { ApiError, send } from '../../api/api.ts'
import { print } from '../../filter/filter.ts'
import { priorities } from '../../filter/filter-keys.ts'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { now } from '../../text/use-now.ts'
import { type BulkAction, type BulkScope, bulkBody, jobsCounted } from './bulk-actions.ts'

/** A change of many jobs that is under way. There is one at a time, whatever page is shown. */
export interface BulkWork {
  /** `Cancelling 1,000,000 jobs`. */
  readonly text: string
  /** By the server's clock; undefined: they are still being counted, or it is asked whether they should be. */
  readonly startedAt: number | undefined
}

/** What has become of it. */
export interface BulkOutcome {
  readonly action: BulkAction
  readonly scope: BulkScope
  /** Undefined: nobody knows how far it came. */
  readonly changed: JobsChanged | undefined
  readonly error: string | undefined
}

const work = signal<BulkWork | undefined>(undefined)
const ended = signal<BulkOutcome | undefined>(undefined)

export const bulkWork: ReadonlySignal<BulkWork | undefined> = work
export const bulkOutcome: ReadonlySignal<BulkOutcome | undefined> = ended

export function dismissOutcome(): void {
  ended.value = undefined
}

/** Counts, asks and does it. False: nothing was changed. */
export async function changeJobs(action: BulkAction, scope: BulkScope): Promise<boolean> {
  if (work.peek() !== undefined) return false
  ended.value = undefined
  work.value = { text: 'Counting', startedAt: undefined }
  let isBegun = false
  try {
    const answer = await ask(action, scope)
    if (answer === undefined) return false
    isBegun = true
    work.value = { text: `${action.doing} ${answer.jobs}`, startedAt: now.peek() }
    ended.value = { action, scope, changed: await request(bulkBody(action, scope, answer.priority)), error: undefined }
    return true
  } catch (error) {
    ended.value = { action, scope, changed: undefined, error: sentenceOf(error, isBegun) }
    return isBegun
  } finally {
    work.value = undefined
  }
}

/** Undefined: it is not to be. */
async function ask(
  action: BulkAction,
  scope: BulkScope,
): Promise<{ readonly jobs: string; readonly priority: PriorityName | undefined } | undefined> {
  // Where there is a choice, moving up is why one comes here.
  let priority: PriorityName | undefined = action.action === 'prioritize' ? 'high' : undefined
  const { matched, isExact } = await request({ ...bulkBody(action, scope, priority), dryRun: true })
  if (matched === 0 && isExact) {
    toast('There is no such job any more.')
    return undefined
  }
  const jobs = jobsCounted(matched, isExact)
  const isSure = await confirm({
    title: `${action.title} ${jobs}?`,
    body: (
      <div class="bulk-question">
        {scope.kind === 'named' ? null : <Matching text={print(scope.filter)} />}
        {priority === undefined ? null : (
          <PriorityChoice
            onChange={(chosen) => {
              priority = chosen
            }}
          />
        )}
        <p>{action.effect}</p>
      </div>
    ),
    action: `${action.title} ${jobs}`,
    isDestructive: action.isDestructive,
  })
  return isSure ? { jobs, priority } : undefined
}

function Matching({ text }: { readonly text: string }): JSX.Element {
  if (text === '') return <p>These are all jobs of the server that have not ended, of every function.</p>
  return (
    <p>
      All that match <code>{text}</code>, and not only those that are shown.
    </p>
  )
}

function PriorityChoice({ onChange }: { readonly onChange: (priority: PriorityName) => void }): JSX.Element {
  return (
    <label>
      Priority
      {/* The options are priorities. */}
      <select onChange={({ currentTarget }) => onChange(currentTarget.value as PriorityName)}>
        {priorities.map((priority) => (
          <option key={priority} value={priority}>
            {priority}
          </option>
        ))}
      </select>
    </label>
  )
}

function request(body: object): Promise<JobsChanged> {
  return send<JobsChanged>('POST', 'jobs/bulk', body)
}

function sentenceOf(error: unknown, isBegun: boolean): string {
  const sentence = error instanceof Error ? error.message : String(error)
  const isUnknown = isBegun && error instanceof ApiError && error.code === 'UNREACHABLE'
  return isUnknown ? `${sentence} How far it came is not known: see which jobs are left.` : sentence
}
