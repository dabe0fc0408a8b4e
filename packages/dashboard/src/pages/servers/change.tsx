import type { JSX } from 'preact'
import { count, shortCount } from '../../text/numbers.ts'

/** A number of jobs, and by how much it has changed since the look before. */
export function Queue({ queued, change }: { readonly queued: number; readonly change: number }): JSX.Element {
  return (
    <>
      {/* Its room is there also without it: figures stay one below the other. */}
      <span class={`queue-change ${change > 0 ? 'is-up' : ''}`}>{change === 0 ? null : <Change by={change} />}</span>
      {count(queued)}
    </>
  )
}

export function Change({ by }: { readonly by: number }): JSX.Element {
  const isUp = by > 0
  const text = count(Math.abs(by))
  return (
    <span title={`${text} ${isUp ? 'more' : 'fewer'} than at the look before`}>
      <span aria-hidden="true">{isUp ? '▲' : '▼'}</span>
      <span class="visually-hidden">{isUp ? 'more by' : 'fewer by'} </span>
      {shortCount(Math.abs(by))}
    </span>
  )
}
