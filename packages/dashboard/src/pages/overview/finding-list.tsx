import type { Finding } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { arranged, keyOf, type Placed } from '../../findings/arranged.ts'
import { FindingCard } from '../../findings/finding-card.tsx'
import { live } from '../../live/live.ts'
import { Icon } from '../../parts/icon.tsx'
import { Section } from '../../parts/page.tsx'
import { Ago } from '../../parts/time.tsx'
import { mayEverywhere } from '../../session/session.ts'
import { counted } from '../../text/numbers.ts'
import { isHeld } from './held.ts'

/** More are shown when they are asked for. */
const shownMax = 6

/** What is wrong now, or that nothing is. */
export function FindingList(): JSX.Element {
  const [isWhole, setWhole] = useState(false)
  const room = useRef<HTMLDivElement>(null)
  const before = useRef<readonly Placed[]>([])
  const found = live.findings.value
  // Each second it is seen whether it is held no more.
  void live.at.value
  const placed = arranged(before.current, found, isHeld(room.current))
  before.current = placed
  const shown = isWhole ? placed : placed.slice(0, shownMax)
  return (
    <Section
      title="What is wrong now"
      actions={
        <p role="status" class="muted">
          {found.length > 0 ? summaryOf(found) : <span class="visually-hidden">All is well</span>}
        </p>
      }
    >
      <div ref={room} class="finding-room">
        {placed.length === 0 ? (
          <NothingWrong />
        ) : (
          <ul class="findings">
            {shown.map(({ finding, isOver }) => (
              <FindingCard key={keyOf(finding)} finding={finding} isOver={isOver} />
            ))}
          </ul>
        )}
        {shown.length === placed.length ? null : (
          <button type="button" class="button" onClick={() => setWhole(true)}>
            Show all {placed.length}
          </button>
        )}
      </div>
    </Section>
  )
}

function summaryOf(findings: readonly Finding[]): string {
  const critical = findings.filter(({ severity }) => severity === 'critical').length
  const warnings = findings.length - critical
  return [
    ...(critical === 0 ? [] : [`${critical} critical`]),
    ...(warnings === 0 ? [] : [counted(warnings, 'warning')]),
  ].join(', ')
}

/** It says how far that can be known. */
function NothingWrong(): JSX.Element {
  const at = live.at.value
  const isOld = live.status.value === 'lost' || live.status.value === 'paused'
  const { size } = live.functions.value
  const functions = size === 0 ? 'no function' : counted(size, 'function')
  return (
    <div class="card nothing-wrong">
      <Icon name="check" />
      <div>
        {isOld ? (
          <p class="nothing-wrong-title">
            Nothing was wrong <Ago at={at} />
          </p>
        ) : (
          <p class="nothing-wrong-title">Nothing is wrong</p>
        )}
        <p class="muted">
          Looked at {mayEverywhere('view') ? functions : `${functions} that you may view`}: jobs without a worker, long
          waits, failing attempts, jobs that run for too long, what is paused; and at the store
          {mayEverywhere('view') ? ' and the server itself' : ''}.
        </p>
      </div>
    </div>
  )
}
