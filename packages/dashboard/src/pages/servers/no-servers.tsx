import type { JSX } from 'preact'
import { Empty } from '../../parts/notice.tsx'
import { Section } from '../../parts/page.tsx'
import { mayEverywhere, session } from '../../session/session.ts'

/** A monitor has servers, and does not show them. */
export function NoServers(): JSX.Element {
  const { value } = session
  const patterns = new Set(value?.grants.flatMap(({ functions }) => functions))
  return (
    <Empty title="No server is shown to you">
      <p class="no-servers">
        Gearman servers have no rules of their own, so they are shown to those alone who may view all functions. You are{' '}
        <strong>{value?.name ?? 'nobody'}</strong>, and may view {[...patterns].join(', ') || 'none'}. For all of them,
        the table <code>[access.{value?.name ?? 'NAME'}]</code> of the configuration needs{' '}
        <code>functions = ["*"]</code>, or no line <code>functions</code>, beside the role <code>view</code>.
      </p>
    </Empty>
  )
}

/** This server is alone: how to see others beside it. */
export function OtherServers(): JSX.Element {
  return (
    <Section title="Other servers">
      {mayEverywhere('view') ? (
        <Empty title="No other server is watched" command="geartrain serve --watch 10.0.0.2,10.0.0.3:4731">
          <p>
            Any Gearman server can be shown beside this one, plain gearmand too. Name them when the server is started,
            or in its configuration: <code>watch = "10.0.0.2, 10.0.0.3:4731"</code>.
          </p>
        </Empty>
      ) : (
        <Empty title="No other server is shown to you">
          If this server watches others, they are shown to those alone who may view all functions.
        </Empty>
      )}
    </Section>
  )
}
