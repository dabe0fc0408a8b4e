import type { ComponentChildren, JSX } from 'preact'
import { Link } from 'wouter-preact'
import { functionLink, workersLink } from '../../links.ts'
import { Badge } from '../../parts/badge.tsx'
import { Section } from '../../parts/page.tsx'
import { Exact } from '../../parts/time.tsx'
import { count } from '../../text/numbers.ts'
import { isEnded, type Told } from './told.ts'

/** What a job is, and what was asked for with it. `attemptsMax`: as its function's policy says it, if that is known. */
export function Facts(props: { readonly told: Told; readonly attemptsMax: string | undefined }): JSX.Element {
  const { job } = props.told
  const { unique, priority, background, attempts, options = {}, reducer, then, waiting } = job
  const { expireAt, keepUntil, worker, connection } = job
  const limit = typeof options['attempts'] === 'string' ? options['attempts'] : props.attemptsMax
  const own = Object.entries(options)
  return (
    <Section title="Facts">
      <dl class="facts card">
        <Fact name="Function">
          <Link href={functionLink(job.function)}>{job.function}</Link>
        </Fact>
        <Fact name="Unique">{unique === '' ? <span class="muted">none</span> : <code>{unique}</code>}</Fact>
        <Fact name="Priority">
          <Badge state={priority} />
        </Fact>
        <Fact name="Kind">{background ? 'background' : 'foreground: a client waits for it'}</Fact>
        <Fact name="Failed attempts">
          {count(attempts)}
          {limit === undefined ? null : <span class="muted"> of {limit === 'off' ? '1 (attempts = off)' : limit}</span>}
        </Fact>
        {waiting === 0 && isEnded(job) ? null : <Fact name="Clients waiting">{count(waiting)}</Fact>}
        {worker === undefined ? null : (
          <Fact name={isEnded(job) ? 'Last worker' : 'Worker'}>
            <Link href={workersLink(nameOf(worker))}>{worker}</Link>
            {connection === undefined ? null : <span class="muted"> (connection {connection})</span>}
          </Fact>
        )}
        {reducer === undefined ? null : (
          <Fact name="Reducer">
            <Link href={functionLink(reducer)}>{reducer}</Link>
          </Fact>
        )}
        {then === undefined ? null : (
          <Fact name="Result goes to">
            <Link href={functionLink(then)}>{then}</Link>
          </Fact>
        )}
        {expireAt === undefined ? null : (
          <Fact name="Expires">
            <Exact at={expireAt} />
          </Fact>
        )}
        {keepUntil === undefined ? null : (
          <Fact name="Kept until">
            <Exact at={keepUntil} />
          </Fact>
        )}
        {own.length === 0 ? null : (
          <Fact name="Options of its own">
            {own.map(([key, value]) => (
              <code key={key} class="option">
                {key} = {String(value)}
              </code>
            ))}
          </Fact>
        )}
      </dl>
    </Section>
  )
}

/** Of its client id and its address; `-`: it has not said the first. */
function nameOf(worker: string): string {
  const end = worker.lastIndexOf(' ')
  const clientId = worker.slice(0, Math.max(0, end))
  return clientId === '' || clientId === '-' ? worker.slice(end + 1) : clientId
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
