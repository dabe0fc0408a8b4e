import { useSearchParams } from 'wouter-preact'

/**
 * A parameter of the page's own address: what is chosen there survives a reload and can be sent to others. Empty is as if
 * it were not there.
 */
export function useQuery(name: string): readonly [string, (value: string) => void] {
  const [query, setQuery] = useSearchParams()
  const set = (value: string) => {
    setQuery(
      (before) => {
        const next = new URLSearchParams(before)
        if (value === '') next.delete(name)
        else next.set(name, value)
        return next
      },
      { replace: true },
    )
  }
  return [query.get(name) ?? '', set]
}
