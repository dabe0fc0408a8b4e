import type { Finding } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { path, send } from '../api/api.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Badge } from '../parts/badge.tsx'
import { Command } from '../parts/command.tsx'
import { Since } from '../parts/time.tsx'
import { may } from '../session/session.ts'
import { fixLinks } from './fix-links.ts'

/** One thing that is wrong: what, since when, why that is said, and ways to fix it. */
export function FindingCard(props: {
  readonly finding: Finding
  readonly isOver?: boolean
  /** The function of the page that it is shown on. */
  readonly here?: string
}): JSX.Element {
  const { finding, isOver = false, here } = props
  const { severity, title, advice, command, since } = finding
  return (
    <li class={`finding card ${isOver ? 'is-over' : severity}`}>
      <div>
        <h3>
          {isOver ? <Badge state="idle">over</Badge> : <Badge state={severity} />} {title}
        </h3>
        <p>
          {since === undefined || isOver ? null : (
            <span class="muted">
              For <Since at={since} />.{' '}
            </span>
          )}
          {advice}
        </p>
      </div>
      <div class="finding-ways">
        <div class="actions">
          {fixLinks(finding, here).map(({ to, text }) => (
            <Link key={to} href={to} class="button">
              {text}
            </Link>
          ))}
          <Fix finding={finding} />
        </div>
        {command === undefined ? null : <Command text={command} />}
      </div>
    </li>
  )
}

/** What can be done about it here, by those who may. */
function Fix({ finding: { kind, function: name } }: { readonly finding: Finding }): JSX.Element | null {
  // A star in a name would be a pattern's.
  if (kind !== 'paused' || name === undefined || name.includes('*') || !may('operate', name)) return null
  const resume = async () => {
    await send('POST', path`functions/${name}/resume`)
    return `${name} goes on.`
  }
  return <ActionButton run={resume}>Resume</ActionButton>
}
