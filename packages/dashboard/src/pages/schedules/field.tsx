import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

export interface Described {
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string
}

/** A field with its label, and below it what is wrong with it, or else a hint. */
export function Field(props: {
  readonly label: string
  readonly hint?: string
  readonly problem: string | undefined
  readonly children: (described: Described) => ComponentChildren
}): JSX.Element {
  const { label, hint = '', problem } = props
  const id = useId()
  return (
    <div class="schedule-field">
      <label>
        {label}
        {props.children({ 'aria-invalid': problem !== undefined, 'aria-describedby': id })}
      </label>
      <p
        id={id}
        class={problem === undefined ? 'muted' : 'schedule-problem'}
        role={problem === undefined ? undefined : 'alert'}
      >
        {problem ?? hint}
      </p>
    </div>
  )
}
