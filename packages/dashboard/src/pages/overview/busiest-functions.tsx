import type { LiveFunction } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { functionLink, pages } from '../../links.ts'
import { live } from '../../live/live.ts'
import { readyCount } from '../../live/ready-count.ts'
import { Badge } from '../../parts/badge.tsx'
import { Section } from '../../parts/page.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { count, rate, shortCount } from '../../text/numbers.ts'
import { busiest } from './figures.ts'
import { isHeld } from './held.ts'

const shownMax = 8

const columns: readonly Column<LiveFunction>[] = [
  {
    key: 'name',
    title: 'Function',
    cell: ({ name, paused, draining }) => (
      <div class="busy-name">
        <Link href={functionLink(name)} class="name" title={name}>
          {name}
        </Link>
        {paused ? <Badge state="paused" /> : draining ? <Badge state="draining" /> : null}
      </div>
    ),
  },
  { key: 'ready', title: 'Ready', isNumber: true, cell: (each) => shortCount(readyCount(each)) },
  { key: 'running', title: 'Running', isNumber: true, cell: ({ running }) => shortCount(running) },
  { key: 'workers', title: 'Workers', isNumber: true, isWideOnly: true, cell: ({ workers }) => count(workers) },
  { key: 'in', title: 'In', isNumber: true, cell: ({ rates }) => rate(rates.submitted[0]) },
  { key: 'done', title: 'Done', isNumber: true, isWideOnly: true, cell: ({ rates }) => rate(rates.done[0]) },
  { key: 'failed', title: 'Failed', isNumber: true, isWideOnly: true, cell: ({ rates }) => rate(rates.failed[0]) },
]

/** The functions in which most goes on. Their order stays while somebody points at them. */
export function BusiestFunctions(): JSX.Element {
  const list = useRef<HTMLDivElement>(null)
  const shown = useRef<readonly string[]>([])
  const functions = live.functions.value
  const rows = isHeld(list.current)
    ? shown.current.flatMap((name) => functions.get(name) ?? [])
    : busiest(functions.values(), shownMax)
  shown.current = rows.map(({ name }) => name)
  return (
    <Section title="Busiest functions" actions={<Link href={pages.functions}>All functions</Link>}>
      <div ref={list} class="overview-list">
        <Table
          caption="The functions in which most goes on"
          columns={columns}
          rows={rows}
          rowKey={({ name }) => name}
          sortName="busy"
          empty={<p class="card muted">No function has anything to do.</p>}
        />
      </div>
    </Section>
  )
}
