import type { JSX } from 'preact'
import { Empty } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { Table } from '../../parts/table.tsx'
import { nameWord } from '../../text/shell.ts'
import { useDoneHistory } from './done-history.tsx'
import { functionColumns } from './function-columns.tsx'
import type { FunctionRow } from './function-rows.ts'

/** All that a pattern stands for. */
export function FunctionsThatFit({ row }: { readonly row: FunctionRow }): JSX.Element {
  useDoneHistory()
  const members = row.members ?? []
  return (
    <Section title="Functions" actions={<span class="muted">{members.length} fit the pattern</span>}>
      <div class="functions-table">
        <Table
          caption="Functions that fit the pattern"
          columns={functionColumns}
          rows={members}
          rowKey={({ name }) => name}
          sort="name"
          empty={
            <Empty
              title="No function fits this pattern yet"
              command={`geartrain function set ${nameWord(row.name)} --attempts 5`}
            >
              What is set for the pattern holds as soon as one does.
            </Empty>
          }
        />
      </div>
    </Section>
  )
}
