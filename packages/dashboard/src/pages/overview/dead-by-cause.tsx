import type { ControlOperations } from '@geartrain/protocol'
import type { JSX } from 'preact'
import { Link } from 'wouter-preact'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { failuresLink, pages } from '../../links.ts'
import { Failure } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { Ago } from '../../parts/time.tsx'
import { counted } from '../../text/numbers.ts'

const shownMax = 5
/** Jobs that are retried or deleted say nothing of it. */
const everyMs = 10_000

/** What most of the dead jobs have died of. */
export function DeadByCause(): JSX.Element {
  const { value, error, reload } = useResource(
    'dead groups',
    (signal) => get<ControlOperations['dead groups']['answer']>('dead/groups', { limit: shownMax }, signal),
    { everyMs, isChangedBy: ({ kind }) => kind === 'job died' },
  )
  return (
    <Section title="Dead jobs by cause" actions={<Link href={pages.failures}>All failures</Link>}>
      <div class="overview-list">
        {value === undefined ? (
          error && <Failure error={error} onRetry={reload} />
        ) : value.groups.length === 0 ? (
          <p class="card muted">No job is dead.</p>
        ) : (
          <ul class="card causes">
            {value.groups.map(({ function: name, reason, message, count, lastAt, handle }) => (
              <li key={handle}>
                <Link href={failuresLink(name)} class="cause-message" title={message}>
                  {message === '' ? reason : message}
                </Link>
                <p class="muted cause-facts">
                  <span class="cause-name" title={name}>
                    {name}
                  </span>
                  <span>
                    {counted(count, 'job')}, the last <Ago at={lastAt} />
                  </span>
                </p>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Section>
  )
}
