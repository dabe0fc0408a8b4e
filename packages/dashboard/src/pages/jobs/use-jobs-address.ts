import { useSearchParams } from 'wouter-preact'
import { useHistoryState } from 'wouter-preact/use-browser-location'

export type JobOrder = 'oldest' | 'newest'

/** What the page's address says: the filter, the order and the place in the list. */
export interface JobsAddress {
  readonly text: string
  /** Undefined: as is usual for what is asked for. */
  readonly order: JobOrder | undefined
  /** Undefined: the first page. */
  readonly after: string | undefined
  /** Another filter or order begins on its first page. */
  readonly setText: (text: string) => void
  readonly setOrder: (order: JobOrder) => void
  readonly goOn: (next: string) => void
  /** To where one came from; with the address alone that is not known, and it is the first page. */
  readonly goBack: () => void
}

export function useJobsAddress(): JobsAddress {
  const [query, setQuery] = useSearchParams()
  const before = cursorsOf(useHistoryState<unknown>())
  const after = query.get('after') ?? undefined
  const order = query.get('order')
  const go = (changes: Readonly<Record<string, string | undefined>>, state: unknown = null) => {
    setQuery(
      (now) => {
        const next = new URLSearchParams(now)
        for (const [name, value] of Object.entries(changes)) {
          if (value === undefined || value === '') next.delete(name)
          else next.set(name, value)
        }
        return next
      },
      { state },
    )
  }
  return {
    text: query.get('q') ?? '',
    order: order === 'oldest' || order === 'newest' ? order : undefined,
    after,
    setText: (text) => go({ q: text, after: undefined }),
    setOrder: (to) => go({ order: to, after: undefined }),
    goOn: (next) => go({ after: next }, { before: [...before, after ?? ''] }),
    goBack: () => go({ after: before.at(-1) }, { before: before.slice(0, -1) }),
  }
}

/** The cursors of the pages before, which the browser keeps with the address; empty: the first page. */
function cursorsOf(state: unknown): readonly string[] {
  const isOurs = typeof state === 'object' && state !== null && 'before' in state && Array.isArray(state.before)
  return isOurs ? (state.before as unknown[]).filter((each) => typeof each === 'string') : []
}
