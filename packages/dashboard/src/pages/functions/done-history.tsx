import type { HistoryOverview } from '@geartrain/protocol'
import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { get } from '../../api/api.ts'
import { useResource } from '../../api/use-resource.ts'
import { Sparkline } from '../../parts/sparkline.tsx'
import { counted } from '../../text/numbers.ts'
import type { FunctionRow } from './function-rows.ts'

type Values = readonly (number | null)[]

const everyMs = 30_000
/** How many were done in each step of the last 15 minutes, by name. */
const histories = signal<ReadonlyMap<string, Values>>(new Map())

/** Keeps up what was done lately. Without it, which an older server does not tell, there are no lines. */
export function useDoneHistory(): void {
  const load = (stop: AbortSignal) => get<HistoryOverview>('history/functions', {}, stop)
  const { value } = useResource('history/functions', load, { everyMs })
  useEffect(() => {
    if (value !== undefined) histories.value = new Map(value.functions.map(({ name, done }) => [name, done]))
  }, [value])
}

/** How many were done in the last 15 minutes; undefined: that is not known. */
export function doneLately(row: FunctionRow): number | undefined {
  return valuesOf(row)?.reduce<number>((sum, value) => sum + (value ?? 0), 0)
}

export function DoneLine({ row }: { readonly row: FunctionRow }): JSX.Element | null {
  const values = valuesOf(row)
  if (values === undefined) return null
  const label = `${counted(doneLately(row) ?? 0, 'job')} done in the last 15 minutes`
  return (
    <span title={label}>
      <Sparkline values={values} label={label} />
    </span>
  )
}

function valuesOf({ name, members }: FunctionRow): Values | undefined {
  if (members === undefined) return histories.value.get(name)
  const known = members.map((member) => histories.value.get(member.name)).filter((each) => each !== undefined)
  return known.length === 0 ? undefined : known.reduce(sumOfTwo)
}

function sumOfTwo(one: Values, other: Values): Values {
  return one.map((value, index) => {
    const added = other[index] ?? null
    return value === null ? added : value + (added ?? 0)
  })
}
