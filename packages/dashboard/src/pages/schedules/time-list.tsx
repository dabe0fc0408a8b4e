import type { JSX } from 'preact'
import { Ago, Exact } from '../../parts/time.tsx'

/** Times to come, each in a line. */
export function TimeList({ times }: { readonly times: readonly number[] }): JSX.Element {
  return (
    <ol class="time-list">
      {times.map((at) => (
        <li key={at}>
          <Exact at={at} />{' '}
          <span class="muted">
            <Ago at={at} />
          </span>
        </li>
      ))}
    </ol>
  )
}
