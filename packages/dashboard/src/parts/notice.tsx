import type { ComponentChildren, JSX } from 'preact'
import { Command } from './command.tsx'

/** Nothing is there; what to type for something to be. */
export function Empty(props: {
  readonly title: string
  readonly children?: ComponentChildren
  readonly command?: string
}): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children === undefined ? null : <div class="muted">{props.children}</div>}
      {props.command === undefined ? null : <Command text={props.command} />}
    </div>
  )
}

/** Something could not be loaded or done. */
export function Failure({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }): JSX.Element {
  return (
    <div class="failure" role="alert">
      <p>{error.message}</p>
      {onRetry === undefined ? null : (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** It is on its way; said only if it takes a while, so that nothing flashes. */
export function Loading(): JSX.Element {
  return (
    <p class="loading muted" role="status">
      Loading …
    </p>
  )
}
