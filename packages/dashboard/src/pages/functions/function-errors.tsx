import type { ControlOperations, DeadGroup } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { failureColumns } from '../../failures/failure-columns.tsx'
import { groupKey } from '../../failures/failure-groups.ts'
import { failuresLink, functionLink } from '../../links.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Section } from '../../parts/page.tsx'
import { type Grouping, Table } from '../../parts/table.tsx'
import { fits } from '../../session/fits.ts'
import { isPattern } from './function-rows.ts'

const byFunction: Grouping<DeadGroup> = {
  nameOf: (group) => group.function,
  heading: (name) => (
    <Link href={functionLink(name)} class="wrapped">
      {name}
    </Link>
  ),
}

const groupsMax = 20
const everyMs = 15_000

/** Its dead jobs by what they have failed of. `dead`: how many there are. */
export function FunctionErrors({ name, dead }: { readonly name: string; readonly dead: number }): JSX.Element {
  const found = useResource(
    dead === 0 ? undefined : name,
    (stop) =>
      get<ControlOperations['dead groups']['answer']>('dead/groups', { function: name, limit: groupsMax }, stop),
    { everyMs, isChangedBy: (change) => change.kind === 'job died' && fits(name, change.function) },
  )
  const { reload } = found
  const columns = useMemo(() => failureColumns(reload), [reload])
  return (
    <Section title="Errors" actions={dead === 0 ? null : <Link href={failuresLink(name)}>All failures</Link>}>
      {dead === 0 ? (
        <p class="card muted">No job is dead.</p>
      ) : (
        <Loaded from={found}>
          {({ groups }) => (
            <Table
              caption="Dead jobs by reason and message"
              columns={columns}
              rows={groups}
              rowKey={groupKey}
              sort="-count"
              sortName="errors"
              {...(isPattern(name) ? { grouping: byFunction } : {})}
              empty={<p class="card muted">No job is dead.</p>}
            />
          )}
        </Loaded>
      )}
    </Section>
  )
}
