import { filterKeys } from '../../filter/filter-keys.ts'
import { quoted, type Word, wordsOf } from '../../filter/words.ts'
import { counted } from '../../text/numbers.ts'

export interface Suggestion {
  /** What comes in the place of the word. */
  readonly text: string
  readonly help: string
  /** A value is still to be written. */
  readonly isKey: boolean
}

/** What could stand where the caret is, in the place of the text from `start` to `end`. */
export interface Suggestions {
  readonly start: number
  readonly end: number
  readonly rows: readonly Suggestion[]
}

export interface SuggestionSources {
  readonly functions: readonly { readonly name: string; readonly count: number }[]
  readonly workers: readonly { readonly text: string; readonly help: string }[]
}

const rowsMax = 12
const functionsMax = 8

export function suggest(text: string, caret: number, sources: SuggestionSources): Suggestions {
  const words = wordsOf(text)
  const word = words.find(({ start, end }) => start <= caret && caret <= end)
  const others = words.filter((each) => each !== word)
  const start = word?.start ?? caret
  // What stands before the caret counts.
  const typed = word === undefined ? undefined : wordsOf(text.slice(start, caret))[0]
  const rows = typed?.key === undefined ? beginnings(typed?.value ?? '', others, sources) : valuesOf(typed, sources)
  return { start, end: word?.end ?? caret, rows: rows.slice(0, rowsMax) }
}

/** The word that was chosen in its place, and where the caret is then. */
export function accept(
  text: string,
  { start, end }: Suggestions,
  { text: chosen, isKey }: Suggestion,
): { readonly text: string; readonly caret: number } {
  const before = `${text.slice(0, start)}${chosen}${isKey ? '' : ' '}`
  return { text: before + (isKey ? text.slice(end) : text.slice(end).trimStart()), caret: before.length }
}

/** That which asks for a list of workers. */
export function asksForWorkers(text: string, caret: number): boolean {
  return wordsOf(text).some(({ key, start, end }) => key === 'worker' && start <= caret && caret <= end)
}

function beginnings(typed: string, others: readonly Word[], sources: SuggestionSources): Suggestion[] {
  const wanted = typed.toLowerCase()
  const isFree = (key: string) => others.filter((other) => other.key === key).length < (key === 'age' ? 2 : 1)
  const keys = Object.entries(filterKeys).filter(([key]) => isFree(key))
  const named = keys
    .filter(([key]) => key.startsWith(wanted))
    .map(([key, { help }]) => ({ text: `${key}:`, help, isKey: true }))
  if (wanted === '') return named
  const values = keys.flatMap(([key, { values: rows = [] }]) =>
    rows.filter(([value]) => value.startsWith(wanted)).map(([value, help]) => complete(key, value, help)),
  )
  return [...named, ...values, ...(isFree('function') ? functionsLike(typed, sources) : [])]
}

function valuesOf({ key = '', value }: Word, sources: SuggestionSources): Suggestion[] {
  if (key === 'function') return functionsLike(value, sources)
  const wanted = value.toLowerCase()
  if (key === 'worker') {
    return sources.workers
      .filter(({ text }) => text.toLowerCase().includes(wanted.replace(/^~/, '')))
      .map(({ text, help }) => complete(key, text, help))
  }
  const rows = Object.hasOwn(filterKeys, key) ? (filterKeys[key]?.values ?? []) : []
  return rows.filter(([each]) => each.startsWith(wanted)).map(([each, help]) => complete(key, each, help))
}

/** Those that begin with it first, then those with the most jobs. */
function functionsLike(typed: string, { functions }: SuggestionSources): Suggestion[] {
  const wanted = typed.replaceAll('*', '').toLowerCase()
  const place = (name: string) => name.toLowerCase().indexOf(wanted)
  return functions
    .filter(({ name }) => place(name) >= 0)
    .sort(
      (one, other) =>
        Number(place(one.name) > 0) - Number(place(other.name) > 0) ||
        other.count - one.count ||
        (one.name < other.name ? -1 : 1),
    )
    .slice(0, functionsMax)
    .map(({ name, count }) => complete('function', name, counted(count, 'job')))
}

function complete(key: string, value: string, help: string): Suggestion {
  return { text: `${key}:${quoted(value)}`, help, isKey: false }
}
