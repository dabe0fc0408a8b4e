import type { JSX } from 'preact'
import { FilterBar } from '../../parts/filter-bar.tsx'
import { FilterField } from '../../parts/filter-field.tsx'
import { Segments } from '../../parts/segments.tsx'
import { useQuery } from '../../parts/use-query.ts'
import { counted } from '../../text/numbers.ts'
import type { ServerRow } from './fleet.ts'
import type { View } from './fleet-rows.ts'

const views: readonly (readonly [View, string])[] = [
  ['functions', 'Functions'],
  ['workers', 'Workers'],
  ['servers', 'Servers'],
]

const filterLabels: Readonly<Record<Exclude<View, 'servers'>, readonly [label: string, placeholder: string]>> = {
  functions: ['Filter functions', 'Part of the name'],
  workers: ['Filter workers', 'Address, client id, function'],
}

/** What is shown of the servers, all of which is in the page's address. */
export function FleetBar({ view }: { readonly view: View }): JSX.Element {
  const [, setView] = useQuery('view')
  return (
    <FilterBar>
      <Segments
        label="What is shown"
        choices={views}
        chosen={view}
        onChoose={(name) => setView(name === 'functions' ? '' : name)}
      />
      {view === 'servers' ? null : (
        <>
          <FilterField label={filterLabels[view][0]} placeholder={filterLabels[view][1]} />
          <GroupChoice view={view} />
        </>
      )}
      {view === 'functions' ? <OrphanSwitch /> : null}
    </FilterBar>
  )
}

function GroupChoice({ view }: { readonly view: View }): JSX.Element {
  const [group, setGroup] = useQuery('group')
  const choices = view === 'functions' ? ['server', 'function'] : ['server']
  return (
    <label class="inline">
      Group by
      <select
        value={choices.includes(group) ? group : ''}
        onChange={({ currentTarget }) => setGroup(currentTarget.value)}
      >
        <option value="">nothing</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  )
}

function OrphanSwitch(): JSX.Element {
  const [only, setOnly] = useQuery('only')
  return (
    <label class="inline">
      <input
        type="checkbox"
        checked={only === 'no-worker'}
        onChange={({ currentTarget }) => setOnly(currentTarget.checked ? 'no-worker' : '')}
      />
      Without worker only
    </label>
  )
}

/** Which servers are shown. All of them: the address says nothing of it. */
export function ServerChoice(props: {
  readonly servers: readonly ServerRow[]
  readonly chosen: readonly ServerRow[]
}): JSX.Element | null {
  const { servers, chosen } = props
  const [, choose] = useQuery('server')
  if (servers.length < 2) return null
  const isAll = chosen.length === servers.length
  const set = (row: ServerRow, isChosen: boolean) => {
    const next = servers.filter((each) => (each === row ? isChosen : chosen.includes(each)))
    choose(next.length === servers.length ? '' : next.map(({ server }) => server.address).join(','))
  }
  return (
    <details class="server-choice">
      <summary>
        {isAll ? `All ${counted(servers.length, 'server')}` : `${chosen.length} of ${servers.length} servers`}
      </summary>
      <fieldset>
        <legend class="visually-hidden">Servers that are shown</legend>
        {servers.map((row) => (
          <label key={row.key} class="inline">
            <input
              type="checkbox"
              checked={chosen.includes(row)}
              onChange={({ currentTarget }) => set(row, currentTarget.checked)}
            />
            <span class="fleet-server">{row.server.address}</span>
          </label>
        ))}
        {isAll ? null : (
          <button type="button" class="button" onClick={() => choose('')}>
            All servers
          </button>
        )}
      </fieldset>
    </details>
  )
}
