import type { JSX } from 'preact'
import { useQuery } from './use-query.ts'

/** A text by which a page's rows are filtered; it is in the address, by that name. The key `/` goes to it. */
export function FilterField(props: {
  /** What is looked for: `Filter workers`. */
  readonly label: string
  readonly placeholder?: string
  readonly name?: string
}): JSX.Element {
  const [text, setText] = useQuery(props.name ?? 'q')
  return (
    <input
      type="search"
      class="filter-field"
      data-filter
      aria-label={props.label}
      placeholder={props.placeholder ?? props.label}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
  )
}
