import type { ComponentChildren, JSX } from 'preact'
import { Link } from 'wouter-preact'

/** What stands for a value that there is not. */
export const unknown = '–'

/** Some figures in so many columns, where there is room and where there is little. */
export function Figures(props: {
  readonly columns: number
  readonly columnsNarrow?: number
  readonly children: ComponentChildren
}): JSX.Element {
  const { columns, columnsNarrow = 3, children } = props
  return (
    <section aria-label="Figures">
      <ul class="figures" style={{ '--columns': columns, '--columns-narrow': columnsNarrow }}>
        {children}
      </ul>
    </section>
  )
}

/** A number with its name, and what belongs to it in small letters. */
export function Figure(props: {
  readonly label: string
  /** Where it is explained. */
  readonly to?: string
  readonly title?: string
  readonly children: ComponentChildren
  readonly note?: ComponentChildren
  /** Told by the text as well. */
  readonly tone?: 'bad' | undefined
}): JSX.Element {
  const { label, to, title, children, note, tone } = props
  const content = (
    <>
      <span class="figure-label">{label}</span>
      <strong class={tone === undefined ? 'figure-value' : `figure-value is-${tone}`}>{children}</strong>
      <span class="figure-note">{note}</span>
    </>
  )
  return (
    <li title={title}>
      {to === undefined ? (
        <div class="figure">{content}</div>
      ) : (
        <Link href={to} class="figure">
          {content}
        </Link>
      )}
    </li>
  )
}
