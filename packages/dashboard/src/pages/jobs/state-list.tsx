import type { ControlOperations, JobCount } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { type Resource, useResource } from '../../api/use-resource.ts'
import { print, stateOf, toQuery } from '../../filter/filter.ts'
import { type Filter, states } from '../../filter/filter-keys.ts'
import { jobsLink } from '../../links.ts'
import { count } from '../../text/numbers.ts'

type Counts = ControlOperations['jobs counts']['answer']['states']

/** They cost the server more than the jobs of a page. */
const everyMs = 5000

/** How many jobs there are in each state that the rest of the filter lets through. */
export function useStateCounts(filter: Filter): Resource<Counts> {
  const { state: _, ...rest } = filter
  const query = toQuery(rest)
  const load = async (signal: AbortSignal) =>
    (await get<ControlOperations['jobs counts']['answer']>('jobs/counts', query, signal)).states
  return useResource(JSON.stringify(query), load, { everyMs, isChangedBy: () => true })
}

/** Those that a filter without a state is for. */
export function countLive({ ready, delayed, running }: Counts): JobCount {
  const all = [ready, delayed, running]
  return { count: all.reduce((sum, each) => sum + each.count, 0), isExact: all.every(({ isExact }) => isExact) }
}

/** `1,000+` if there may be more. */
export function countText({ count: value, isExact }: JobCount): string {
  return `${count(value)}${isExact ? '' : '+'}`
}

/** The states, each the way to its jobs. */
export function StateList({
  filter,
  counts,
}: {
  readonly filter: Filter
  readonly counts: Counts | undefined
}): JSX.Element {
  const { state: _, ...rest } = filter
  const current = stateOf(filter)
  return (
    <nav class="state-list" aria-label="States">
      <ul>
        <StateRow
          to={print(rest)}
          isCurrent={current === undefined}
          text="all live"
          help="those that have not ended"
          found={counts && countLive(counts)}
        />
        {states.map(([state, help]) => (
          <StateRow
            key={state}
            to={print({ ...rest, state })}
            isCurrent={current === state}
            text={state}
            help={help}
            found={counts?.[state]}
          />
        ))}
      </ul>
    </nav>
  )
}

function StateRow(props: {
  readonly to: string
  readonly isCurrent: boolean
  readonly text: string
  readonly help: string
  readonly found: JobCount | undefined
}): JSX.Element {
  const { to, isCurrent, text, help, found } = props
  return (
    <li>
      <Link href={jobsLink(to)} aria-current={isCurrent ? 'true' : undefined} title={help}>
        <span>{text}</span>
        <span class="state-count">{found === undefined ? '…' : countText(found)}</span>
      </Link>
    </li>
  )
}
