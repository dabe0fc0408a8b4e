import type { JobCount, JobSummary } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { print } from '../../filter/filter.ts'
import type { Filter } from '../../filter/filter-keys.ts'
import { jobLink, jobsLink } from '../../links.ts'
import { Since } from '../../parts/time.tsx'
import { may, mayEverywhere } from '../../session/session.ts'
import { count, counted } from '../../text/numbers.ts'
import { actionsOf, type BulkAction, type BulkScope, bulkActions, filterAfter, fitting } from './bulk-actions.ts'
import { type BulkOutcome, type BulkWork, bulkOutcome, bulkWork, changeJobs, dismissOutcome } from './bulk-work.tsx'
import { countText } from './state-list.tsx'

interface BulkBarProps {
  readonly filter: Filter
  /** A part of what was typed counts for nothing: who knows what was meant. */
  readonly isWrong: boolean
  /** How many fit the filter, if that is known. */
  readonly matching: JobCount | undefined
  readonly selected: readonly JobSummary[]
  readonly onUnselect: () => void
  readonly onChanged: () => void
}

/** What can be done to those that are selected or, if none is, to all that match. */
export function BulkBar({
  filter,
  isWrong,
  matching,
  selected,
  onUnselect,
  onChanged,
}: BulkBarProps): JSX.Element | null {
  if (!may('operate')) return null
  const choices = selected.length > 0 ? ofSelected(selected) : isWrong ? [] : ofAll(filter)
  const start = async (action: BulkAction, scope: BulkScope) => {
    if (await changeJobs(action, scope)) {
      onUnselect()
      onChanged()
    }
  }
  const isNone = selected.length === 0 && matching?.count === 0 && matching.isExact
  const { value: work } = bulkWork
  return (
    <div class="bulk" role="group" aria-label="Change jobs">
      {work === undefined ? (
        <span class="bulk-scope">
          {selected.length > 0 ? `${count(selected.length)} selected` : scopeText(matching)}
        </span>
      ) : (
        <BulkProgress work={work} />
      )}
      {choices.map(({ action, scope, text }) => (
        <button
          key={action.action}
          type="button"
          class="button"
          title={action.effect}
          disabled={isNone}
          // There is one change at a time. Disabled, the button would lose the focus, which it gets back from the question.
          aria-disabled={work !== undefined}
          onClick={() => work === undefined && void start(action, scope)}
        >
          {text} …
        </button>
      ))}
      {choices.length === 0 ? (
        <span class="muted">
          {selected.length > 0
            ? 'Nothing can be done to these.'
            : isWrong
              ? 'Put the filter right to change all of them.'
              : 'Filter by one function to change all of its jobs, or select some.'}
        </span>
      ) : null}
      {selected.length > 0 ? (
        <button type="button" class="button" onClick={onUnselect}>
          Unselect
        </button>
      ) : null}
    </div>
  )
}

interface Choice {
  readonly action: BulkAction
  readonly scope: BulkScope
  readonly text: string
}

function ofAll(filter: Filter): readonly Choice[] {
  const isAllowed = filter.function === undefined ? mayEverywhere('operate') : may('operate', filter.function)
  if (!isAllowed) return []
  return actionsOf(filter).map((action) => ({ action, scope: { kind: 'all', filter }, text: action.title }))
}

function ofSelected(selected: readonly JobSummary[]): readonly Choice[] {
  const own = selected.filter((job) => may('operate', job.function))
  return bulkActions.flatMap((action) => {
    const handles = fitting(action, own).map(({ handle }) => handle)
    if (handles.length === 0) return []
    const text = handles.length === selected.length ? action.title : `${action.title} ${count(handles.length)} of them`
    return [{ action, scope: { kind: 'named', handles }, text }]
  })
}

function scopeText(matching: JobCount | undefined): string {
  if (matching === undefined) return 'All that match'
  return matching.count === 1 && matching.isExact ? 'The one that matches' : `All ${countText(matching)} that match`
}

/** In the place of what could be changed. */
function BulkProgress({ work: { text, startedAt } }: { readonly work: BulkWork }): JSX.Element {
  return (
    <p class="bulk-scope" role="status">
      {text} …{' '}
      {startedAt === undefined ? null : (
        // Not said again each second.
        <span class="muted" aria-hidden="true">
          <Since at={startedAt} />
        </span>
      )}
    </p>
  )
}

const refusalsShown = 5

/** What has become of it. */
export function BulkNews(): JSX.Element {
  return <div role="status">{bulkOutcome.value === undefined ? null : <BulkEnd outcome={bulkOutcome.value} />}</div>
}

function BulkEnd({ outcome }: { readonly outcome: BulkOutcome }): JSX.Element {
  const { action, scope, changed, error } = outcome
  const next = filterAfter(action, scope)
  const isWhole = changed !== undefined && changed.refused === 0
  return (
    <div class={`banner bulk-end tone-${isWhole ? 'good' : changed === undefined ? 'bad' : 'warn'}`}>
      <div>
        {error === undefined ? null : <p>{error}</p>}
        {changed === undefined ? null : (
          <p>
            {action.done}: {counted(changed.changed, 'job')}
            {changed.refused === 0 ? '.' : `; ${count(changed.refused)} refused:`}
            {next === undefined || changed.changed === 0 ? null : (
              <>
                {' '}
                <Link href={jobsLink(print(next))}>Show them</Link>
              </>
            )}
          </p>
        )}
        {changed === undefined || isWhole ? null : (
          <ul>
            {changed.refusals.slice(0, refusalsShown).map(({ handle, why }) => (
              <li key={handle}>
                <Link href={jobLink(handle)}>{handle}</Link> {why}
              </li>
            ))}
            {changed.refused > refusalsShown ? <li>and {count(changed.refused - refusalsShown)} more</li> : null}
          </ul>
        )}
      </div>
      <button type="button" class="button" onClick={dismissOutcome}>
        Dismiss
      </button>
    </div>
  )
}
