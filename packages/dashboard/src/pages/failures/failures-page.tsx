import type { ControlOperations, DeadGroup } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { changeDead } from '../../failures/change-dead.tsx'
import { failureColumns } from '../../failures/failure-columns.tsx'
import { groupKey, isOneFunction } from '../../failures/failure-groups.ts'
import { functionLink } from '../../links.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Command } from '../../parts/command.tsx'
import { FilterBar } from '../../parts/filter-bar.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { may } from '../../session/session.ts'
import { counted } from '../../text/numbers.ts'
import { nameWord } from '../../text/shell.ts'
import { FunctionChoice } from './function-choice.tsx'

const everyMs = 15_000
const groupsMax = 1000

/** Dead jobs by function and message. */
export function FailuresPage(): JSX.Element {
  const [chosen] = useQuery('function')
  const found = useResource(
    chosen,
    (signal) =>
      get<ControlOperations['dead groups']['answer']>(
        'dead/groups',
        { function: chosen === '' ? undefined : chosen, limit: groupsMax },
        signal,
      ),
    { everyMs, isChangedBy: ({ kind }) => kind === 'job died' },
  )
  const { reload } = found
  const columns = useMemo(() => failureColumns(reload), [reload])
  return (
    <Page title="Failures">
      <FilterBar shown={found.value === undefined ? undefined : summaryOf(found.value)}>
        <FunctionChoice />
      </FilterBar>
      <Loaded from={found}>
        {({ groups }) => (
          <Table
            caption="Dead jobs by function, reason and message"
            columns={columns}
            rows={groups}
            rowKey={groupKey}
            sort="-count"
            grouping={{
              nameOf: (group) => group.function,
              heading: (name, some) => <FunctionHeading name={name} groups={some} onChanged={reload} />,
            }}
            empty={<NoneDead functionName={chosen} />}
          />
        )}
      </Loaded>
    </Page>
  )
}

function summaryOf({ groups, isExact }: ControlOperations['dead groups']['answer']): string {
  if (groups.length === 0) return ''
  const jobs = groups.reduce((sum, group) => sum + group.count, 0)
  const functions = new Set(groups.map((group) => group.function)).size
  const told = `${counted(jobs, 'dead job')} of ${counted(functions, 'function')}, in ${counted(groups.length, 'group')}`
  return isExact ? told : `At least ${told}: the latest were looked at`
}

/** A function, and what can be done with all of its dead jobs. */
function FunctionHeading(props: {
  readonly name: string
  readonly groups: readonly DeadGroup[]
  readonly onChanged: () => void
}): JSX.Element {
  const { name, groups, onChanged } = props
  const jobs = groups.reduce((sum, group) => sum + group.count, 0)
  const retry = async () => {
    const told = await changeDead('retry', { state: 'dead', function: name }, `All dead jobs of ${name}`)
    if (told !== undefined) onChanged()
    return told
  }
  return (
    <>
      <Link href={functionLink(name)} class="failure-function" title={name}>
        {name}
      </Link>
      <span>{counted(jobs, 'dead job')}</span>
      {may('operate', name) && isOneFunction(name) ? (
        <ActionButton run={retry} title={`Put all dead jobs of ${name} in line again`}>
          Retry all
        </ActionButton>
      ) : null}
    </>
  )
}

function NoneDead({ functionName }: { readonly functionName: string }): JSX.Element {
  const of = functionName === '' ? '' : ` of ${functionName.slice(0, 200)}`
  return (
    <Empty title={`No job${of} is dead`}>
      <p>
        A background job dies when it has failed in all of its attempts, or was not begun in time. It is kept here with
        its payload and its errors, to be looked at, tried again or deleted. How often jobs are tried is set by
        function:
      </p>
      <Command
        text={`geartrain function set ${functionName === '' ? "'mail.*'" : nameWord(functionName)} --attempts 5`}
      />
    </Empty>
  )
}
