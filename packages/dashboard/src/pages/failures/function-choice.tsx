import type { JSX } from 'preact'
import { live } from '../../live/live.ts'
import { useQuery } from '../../parts/use-query.ts'
import { count } from '../../text/numbers.ts'

const charactersMax = 60

/** The function whose dead jobs are shown; it is in the address. */
export function FunctionChoice(): JSX.Element {
  const [chosen, choose] = useQuery('function')
  const known = [...live.functions.value.values()].filter(({ dead }) => dead > 0)
  known.sort((one, other) => (one.name < other.name ? -1 : 1))
  return (
    <select
      data-filter
      aria-label="Function"
      value={chosen}
      onChange={({ currentTarget }) => choose(currentTarget.value)}
    >
      <option value="">All functions</option>
      {chosen === '' || known.some(({ name }) => name === chosen) ? null : (
        <option value={chosen}>{chosen.slice(0, charactersMax)}</option>
      )}
      {known.map(({ name, dead }) => (
        <option key={name} value={name}>
          {`${name.slice(0, charactersMax)} (${count(dead)})`}
        </option>
      ))}
    </select>
  )
}
