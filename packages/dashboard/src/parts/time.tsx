import type { JSX } from 'preact'
import { duration, exact, relative } from '../text/times.ts'
import { now } from '../text/use-now.ts'

/** How long ago, or until; exact where it is pointed at. */
export function Ago({ at }: { readonly at: number | undefined }): JSX.Element {
  if (at === undefined) return <span class="muted">–</span>
  return (
    <time dateTime={new Date(at).toISOString()} title={exact(at)}>
      {relative(at, now.value)}
    </time>
  )
}

/** The time itself. */
export function Exact({ at }: { readonly at: number }): JSX.Element {
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
      {exact(at)}
    </time>
  )
}

/** How long something has lasted that began then. */
export function Since({ at }: { readonly at: number }): JSX.Element {
  return <span title={`since ${exact(at)}`}>{duration(Math.max(0, now.value - at))}</span>
}
