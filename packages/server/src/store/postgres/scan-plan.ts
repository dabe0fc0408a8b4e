import { isPattern } from '../../policies/function-name.ts'
import type { StoredFilter } from '../store.ts'
import { ints } from './arrays.ts'
import type { Link, Statement, Value } from './link.ts'
import { entriesMax, type Table, type Way } from './scan-statements.ts'
import { toName } from './summaries.ts'
import { keyOfName } from './unique-key.ts'

/** Where the jobs are that a filter lets through, and which values its statement takes behind the first one. */
export interface ScanPlan {
  readonly table: Table
  readonly way: Way
  readonly values: readonly Value[]
  readonly wayValues: readonly Value[]
}

/** The functions that a name or a pattern stands for, and how many jobs they have. */
interface Owners {
  readonly ids: readonly number[]
  readonly ready: number
  readonly delayed: number
}

/** The lines of more functions than this are not looked at one by one. */
const ownersMax = 1000

const ofFunctions = (condition: string) => `
  SELECT id, coalesce(sum(ready), 0)::bigint, coalesce(sum(delayed), 0)::bigint
  FROM geartrain.functions LEFT JOIN geartrain.counts ON function_id = id
  WHERE ${condition} GROUP BY id`
const named: Statement = { name: 'functions named', text: ofFunctions('name = $1') }
const fitting: Statement = { name: 'functions fitting', text: ofFunctions('name LIKE $1') }
const allDelayed: Statement = {
  name: 'count delayed',
  text: 'SELECT coalesce(sum(delayed), 0)::bigint FROM geartrain.counts',
}

/** Undefined: there are none. `isExact`: the function's name is no pattern, whatever is in it. */
export async function makePlan(link: Link, filter: StoredFilter, isExact = false): Promise<ScanPlan | undefined> {
  const { state, function: name, priority, unique, submittedFrom, submittedUntil, error, message, reason } = filter
  const [owners, delayed] = await Promise.all([
    name === undefined ? undefined : findOwners(link, name, isExact || !isPattern(name)),
    name === undefined && state !== 'delayed' ? 0 : countDelayed(link),
  ])
  if (owners?.ids.length === 0) return undefined
  const table = tableOf(state)
  const values = [
    state,
    owners === undefined ? null : ints(owners.ids),
    priority ?? null,
    unique === undefined ? null : toName(unique),
    reason ?? null,
    submittedFrom ?? null,
    submittedUntil ?? null,
    // Without an attempt there is no message; a dead one may have had none.
    error !== undefined || (message !== undefined && message !== ''),
  ]
  const key = unique === undefined ? null : keyOfName(unique)
  if (key !== null) return { table, way: 'unique', values, wayValues: [key] }
  const [only] = owners?.ids ?? []
  if (table === 'dead' && only !== undefined && owners?.ids.length === 1) {
    return { table, way: 'function', values, wayValues: [only] }
  }
  const lines = table === 'jobs' ? linesOf(state, owners, delayed) : undefined
  if (lines !== undefined) return { table, way: 'lines', values, wayValues: lines }
  return { table, way: 'numbers', values, wayValues: [] }
}

/** Whether to look at those that are ready, and at all that are delayed; undefined: it is quicker to look at all by number. */
function linesOf(
  state: StoredFilter['state'],
  owners: Owners | undefined,
  allDelayedCount: number,
): [isReady: boolean, isDelayed: boolean] | undefined {
  if (owners === undefined && state !== 'delayed') return undefined
  const ready = state === 'delayed' ? 0 : (owners?.ready ?? 0)
  const delayed = state === 'ready' ? 0 : (owners?.delayed ?? allDelayedCount)
  const entries = ready + (delayed > 0 ? allDelayedCount : 0)
  if (entries > entriesMax || (owners?.ids.length ?? 0) > ownersMax) return undefined
  return [ready > 0, delayed > 0]
}

async function findOwners(link: Link, name: string, isNamed: boolean): Promise<Owners> {
  const column = toName(isNamed ? name : name.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%'))
  const { rows } = await link.run<[id: number, ready: number, delayed: number]>(isNamed ? named : fitting, column)
  return {
    ids: rows.map(([id]) => id),
    ready: rows.reduce((sum, [, ready]) => sum + ready, 0),
    delayed: rows.reduce((sum, [, , delayed]) => sum + delayed, 0),
  }
}

async function countDelayed(link: Link): Promise<number> {
  const { rows } = await link.run<[number]>(allDelayed)
  return rows[0]?.[0] ?? 0
}

function tableOf(state: StoredFilter['state']): Table {
  if (state === 'live' || state === 'ready' || state === 'delayed') return 'jobs'
  return state === 'dead' ? 'dead' : 'results'
}
