import type { ComponentChildren, JSX } from 'preact'
import { Link } from 'wouter-preact'

/** What stands for a value that there is not. */
export const unknown = '–'

/** A number with its name, and what belongs to it in small letters. */
export function Figure(props: {
  readonly label: string
  readonly to: string
  readonly children: ComponentChildren
  readonly note?: ComponentChildren
  /** Told by the text as well. */
  readonly tone?: 'bad' | undefined
}): JSX.Element {
  const { label, to, children, note, tone } = props
  return (
    <li>
      <Link href={to} class="figure">
        <span class="figure-label">{label}</span>
        <strong class={tone === undefined ? 'figure-value' : `figure-value is-${tone}`}>{children}</strong>
        <span class="figure-note">{note}</span>
      </Link>
    </li>
  )
}
