import type { JSX } from 'preact'
import { Badge } from '../../parts/badge.tsx'
import { Section } from '../../parts/page.tsx'
import { Ago } from '../../parts/time.tsx'
import { counted } from '../../text/numbers.ts'
import type { JobSnapshot } from './told.ts'

/** What the workers of the attempts that failed have said, the latest first. */
export function Failures({ job: { failures, attempts } }: { readonly job: JobSnapshot }): JSX.Element | null {
  if (failures.length === 0) return null
  const unknown = Math.max(0, attempts - failures.length)
  return (
    <Section title={failures.length === 1 ? 'Error' : `Errors of ${counted(failures.length, 'attempt')}`}>
      <div class="errors">
        {failures
          .map(({ at, reason, worker, error }, index) => (
            <details key={index} class="card" open={index === failures.length - 1}>
              <summary>
                <span class="error-title">Attempt {unknown + index + 1}</span>
                <Badge state="failed">{reason}</Badge>
                <span class="muted">
                  <Ago at={at} />
                  {worker === '' ? null : <>, {worker}</>}
                </span>
              </summary>
              {error === '' ? <p class="muted">Its worker has said nothing.</p> : <pre class="error-text">{error}</pre>}
            </details>
          ))
          .reverse()}
        {unknown === 0 ? null : <p class="muted">Of {counted(unknown, 'attempt')} before, nothing more is kept.</p>}
      </div>
    </Section>
  )
}
