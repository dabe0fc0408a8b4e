import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { functionLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import { Icon } from '../../parts/icon.tsx'
import { counted } from '../../text/numbers.ts'
import { type FunctionRow, lacksWorker } from './function-rows.ts'

/** Rows of several functions that show them. They stay open while the page is left. */
const open = signal<ReadonlySet<string>>(new Set())

export function isOpen(name: string): boolean {
  return open.value.has(name)
}

function toggle(name: string): void {
  const next = new Set(open.value)
  if (!next.delete(name)) next.add(name)
  open.value = next
}

export function NameCell({ row }: { readonly row: FunctionRow }): JSX.Element {
  const { name, members } = row
  return (
    <div class="function-cell">
      {members === undefined ? null : <Opener name={name} count={members.length} />}
      <Link href={functionLink(name)} class="function-name" title={name}>
        {name}
      </Link>
      {members === undefined ? null : <span class="muted">({members.length})</span>}
      <States row={row} />
    </div>
  )
}

function Opener({ name, count }: { readonly name: string; readonly count: number }): JSX.Element {
  return (
    <button
      type="button"
      class="opener"
      aria-expanded={isOpen(name)}
      aria-label={`Show the ${counted(count, 'function')} of ${name}`}
      onClick={() => toggle(name)}
    >
      <Icon name="down" />
    </button>
  )
}

/** What is not as it mostly is. */
export function States({ row }: { readonly row: FunctionRow }): JSX.Element {
  const all = row.members ?? [row]
  const paused = all.filter((each) => each.paused).length
  const draining = all.filter((each) => each.draining).length
  const lacking = all.filter(lacksWorker).length
  const told = (word: string, some: number) => (all.length === 1 ? word : `${some} ${word}`)
  return (
    <>
      {lacking === 0 ? null : (
        <span class="lacking" title="Jobs are ready, and nobody can do them">
          <Icon name="warning" />
          {told('no worker', lacking)}
        </span>
      )}
      {paused === 0 ? null : <Badge state="paused">{told('paused', paused)}</Badge>}
      {draining === 0 ? null : <Badge state="draining">{told('draining', draining)}</Badge>}
    </>
  )
}
