import type { ControlOperations, DeadGroup } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { functionLink } from '../../links.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { Command } from '../../parts/command.tsx'
import { Empty, Failure, Loading } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { useChanges } from '../../parts/use-changes.ts'
import { useQuery } from '../../parts/use-query.ts'
import { may } from '../../session/session.ts'
import { counted } from '../../text/numbers.ts'
import { changeDead } from './change-dead.tsx'
import { failureColumns } from './failure-columns.tsx'
import { groupKey } from './failure-groups.ts'
import { FunctionChoice } from './function-choice.tsx'

/** To group very many takes the server a moment. */
const changeRestMs = 2000
const everyMs = 15_000
const groupsMax = 1000

/** Dead jobs by function and message. */
export function FailuresPage(): JSX.Element {
  const [chosen] = useQuery('function')
  const { value, error, reload } = useResource(
    chosen,
    (signal) =>
      get<ControlOperations['dead groups']['answer']>(
        'dead/groups',
        { function: chosen === '' ? undefined : chosen, limit: groupsMax },
        signal,
      ),
    everyMs,
  )
  useChanges((change) => change.kind === 'job died', reload, changeRestMs)
  const columns = useMemo(() => failureColumns(reload), [reload])
  return (
    <Page title="Failures" actions={<FunctionChoice />}>
      {value === undefined && error !== undefined ? <Failure error={error} onRetry={reload} /> : null}
      {value === undefined && error === undefined ? <Loading /> : null}
      {value === undefined ? null : (
        <>
          {value.groups.length === 0 ? null : <Summary {...value} />}
          <Table
            caption="Dead jobs by function, reason and message"
            columns={columns}
            rows={value.groups}
            rowKey={groupKey}
            sort="-count"
            grouping={{
              nameOf: (group) => group.function,
              heading: (name, groups) => <FunctionHeading name={name} groups={groups} onChanged={reload} />,
            }}
            empty={<NoneDead functionName={chosen} />}
          />
        </>
      )}
    </Page>
  )
}

function Summary({ groups, isExact }: ControlOperations['dead groups']['answer']): JSX.Element {
  const jobs = groups.reduce((sum, group) => sum + group.count, 0)
  const functions = new Set(groups.map((group) => group.function)).size
  return (
    <p class="muted">
      {isExact ? '' : 'At least '}
      {counted(jobs, 'dead job')} of {counted(functions, 'function')}, in {counted(groups.length, 'group')}.
      {isExact ? '' : ' There are more: the latest were looked at.'}
    </p>
  )
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
      {may('operate', name) ? (
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
      <Command text={`geartrain function set ${commandName(functionName)} attempts=5`} />
    </Empty>
  )
}

/** Quoted for a shell, if it has to be. */
function commandName(name: string): string {
  if (name === '') return "'mail.*'"
  return /^[\w.:/@-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`
}
