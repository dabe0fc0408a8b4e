import type { ComponentChildren, JSX } from 'preact'
import { count, counted } from '../text/numbers.ts'

/** Above a table: what is to be shown in it, and how much that is. */
export function FilterBar(props: {
  readonly children: ComponentChildren
  readonly shown?: string | undefined
}): JSX.Element {
  return (
    <div class="filter-bar">
      {props.children}
      {props.shown === undefined ? null : (
        <p class="muted" role="status">
          {props.shown}
        </p>
      )}
    </div>
  )
}

/** `12 workers`, `2 of 12 workers`. */
export function shownOf(shown: number, all: number, noun: string): string {
  return shown === all ? counted(all, noun) : `${count(shown)} of ${counted(all, noun)}`
}
