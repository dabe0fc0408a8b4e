import type { JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { parse } from '../../filter/filter.ts'
import { Icon } from '../../parts/icon.tsx'
import { FilterProblems } from './filter-problems.tsx'
import { accept, type Suggestion, suggest } from './suggestions.ts'
import { useSuggestionSources } from './use-suggestion-sources.ts'

/**
 * Where a filter is typed. What could stand at the caret is listed below; the arrows choose, Tab and Enter take it, Escape
 * closes the list. What is wrong is said as it is typed; what is asked for changes with Enter, with a value that was
 * taken, and when one goes elsewhere.
 */
export function FilterInput(props: { readonly text: string; readonly onApply: (text: string) => void }): JSX.Element {
  const { text, onApply } = props
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [draft, setDraft] = useState(text)
  const [caret, setCaret] = useState(0)
  const [isOpen, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const placed = useRef<number>()
  // What was typed here is left as it was typed.
  useEffect(() => setDraft((before) => (before.trim() === text.trim() ? before : text)), [text])
  useEffect(() => {
    // The browser puts the caret behind a text that it was given.
    if (placed.current !== undefined) input.current?.setSelectionRange(placed.current, placed.current)
    placed.current = undefined
  })

  const sources = useSuggestionSources(isOpen, draft, caret)
  const found = suggest(draft, caret, sources)
  const rows = isOpen ? found.rows : []
  const chosen = rows[active]
  const apply = (to: string) => {
    setOpen(false)
    setActive(-1)
    if (to.trim() !== text.trim()) onApply(to.trim())
  }
  const take = (row: Suggestion) => {
    const next = accept(draft, found, row)
    placed.current = next.caret
    setDraft(next.text)
    setCaret(next.caret)
    setActive(-1)
    if (!row.isKey) apply(next.text)
  }
  const look = () => {
    setCaret(input.current?.selectionStart ?? 0)
    setActive(-1)
  }
  const press = (event: KeyboardEvent) => {
    if (event.isComposing) return
    const { key } = event
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      setOpen(true)
      setActive(moved(isOpen ? active : -1, key === 'ArrowDown' ? 1 : -1, found.rows.length))
    } else if (key === 'Enter') {
      if (chosen === undefined) apply(draft)
      else take(chosen)
    } else if (key === 'Tab' && !event.shiftKey) {
      // Where nothing is typed and nothing chosen, it goes on to what is next on the page.
      const row = chosen ?? (found.start < found.end ? rows[0] : undefined)
      if (row === undefined || row.text === draft.slice(found.start, found.end)) return
      take(row)
    } else if (key === 'Escape' && isOpen) {
      setOpen(false)
      setActive(-1)
    } else return
    event.preventDefault()
  }

  // A word that is being typed is not wrong yet.
  const problems = parse(draft).problems.filter(({ end }) => !isOpen || end !== caret)
  return (
    <div class={`jobs-filter ${problems.length > 0 ? 'has-problems' : ''}`} role="search" aria-label="Jobs">
      <div class="jobs-filter-field">
        <Icon name="search" />
        <input
          ref={input}
          data-filter
          type="text"
          role="combobox"
          aria-label="Filter"
          aria-expanded={rows.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={chosen === undefined ? undefined : `${id}-${active}`}
          aria-describedby={`${id}-problems`}
          aria-invalid={problems.length > 0}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="function:mail.* state:dead age:>5m"
          value={draft}
          onInput={({ currentTarget }) => {
            setDraft(currentTarget.value)
            setOpen(true)
            look()
          }}
          onSelect={look}
          onFocus={() => setOpen(true)}
          onClick={() => setOpen(true)}
          onBlur={() => apply(draft)}
          onKeyDown={press}
        />
        {draft === '' ? null : (
          <button
            type="button"
            class="button icon-button"
            aria-label="Clear the filter"
            title="Clear the filter"
            onClick={() => {
              setDraft('')
              setCaret(0)
              apply('')
              input.current?.focus()
            }}
          >
            <Icon name="close" />
          </button>
        )}
      </div>
      <FilterProblems
        id={`${id}-problems`}
        problems={problems}
        onPick={({ start, end }) => {
          input.current?.focus()
          input.current?.setSelectionRange(start, end)
        }}
      />
      <ul id={`${id}-list`} class="suggestions" role="listbox" aria-label="Suggestions" hidden={rows.length === 0}>
        {rows.map((row, index) => (
          <li
            key={row.text}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            title={row.text}
            // The input keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(row)}
          >
            <span class="mono">{row.text}</span>
            <span class="muted">{row.help}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** Round and round, with a place at which nothing is chosen. */
function moved(active: number, by: 1 | -1, count: number): number {
  return ((active + 1 + by + count + 1) % (count + 1)) - 1
}
