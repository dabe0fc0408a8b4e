import type { DeathReason } from '@geartrain/engine'
import { failureMessage } from '../failure-message.ts'
import { readNotes } from '../failure-notes.ts'
import {
  anyJob,
  type StoreAnswer,
  type StoredFilter,
  type StoredGroup,
  type StoredRow,
  type StoredScan,
  type StoredSummary,
  type StoreRequest,
} from '../store.ts'
import { mergedGroup } from '../stored-group.ts'
import type { Link, Value } from './link.ts'
import { makePlan, type ScanPlan } from './scan-plan.ts'
import { type Shape, scanStatement } from './scan-statements.ts'
import { fromName, type Members, type SummaryRow, toPlainSummary, toSummary } from './summaries.ts'

type Answer<Kind extends StoreAnswer['kind']> = Extract<StoreAnswer, { kind: Kind }>

/** Of the page: how many rows were looked at, the number of the last one, and whether there were too many to look at. */
type Looked = [rows: number, last: number | null, isCut: boolean]
type Nothing<Found> = { [Column in keyof Found]: null }
type Row = [...SummaryRow, submittedAt: number, endedAt: number, word: string, errorAndRest: string | null]
type Count = [name: Buffer, count: number]
type RowInPage = [...Looked, ...(Row | Nothing<Row>)]
type CountInPage = [...Looked, ...(Count | Nothing<Count>)]

/** A step looks at one page after the other for so long. */
const stepMs = 20
/** So many rows are looked at by one statement; of those whose errors must be read, so many, and fewer by the first ones. */
const pageRows = 2000
const pageErrorRows = 512
const pageErrorRowsFirst = 32
/** So many that fit are taken from a page at a time: their errors are read, which may be long as well. */
const foundRows = 64

/** Looks through jobs, a part of them at a time: whatever is asked for, others wait for a few milliseconds. */
export async function scan(
  link: Link,
  members: Members,
  { jobsMax, ...asked }: Extract<StoreRequest, { kind: 'scan' }>,
): Promise<Answer<'scan'>> {
  const { filter } = asked
  const jobs: StoredRow[] = []
  const plan = await makePlan(link, filter)
  const limit = () => (hasErrors(filter) ? null : Math.min(jobsMax - jobs.length, foundRows))
  const next = await eachRow(link, asked, plan, limit, (row) => {
    jobs.push(toRow(filter.state, row, members))
    return jobs.length < jobsMax
  })
  return { kind: 'scan', jobs, next }
}

/** As many as were asked for, however long it takes; fewer if there are no more. */
export async function listFunction(
  link: Link,
  members: Members,
  { function: name, state, after, jobsMax }: Extract<StoreRequest, { kind: 'list function' }>,
): Promise<StoredSummary[]> {
  const filter = { ...anyJob, state, function: name }
  const jobs: StoredSummary[] = []
  const plan = await makePlan(link, filter, true)
  for (let from: number | undefined = after; from !== undefined && jobs.length < jobsMax; ) {
    const limit = () => jobsMax - jobs.length
    from = await eachRow(link, { filter, isDescending: false, from }, plan, limit, (row) => {
      jobs.push(toSummary(row, members))
      return jobs.length < jobsMax
    })
  }
  return jobs
}

export async function count(link: Link, asked: StoredScan): Promise<Answer<'count'>> {
  const counts = new Map<string, number>()
  const add = (column: Buffer, more: number) => {
    const name = fromName(column)
    counts.set(name, (counts.get(name) ?? 0) + more)
    return true
  }
  const plan = await makePlan(link, asked.filter)
  const next = hasErrors(asked.filter)
    ? await eachRow(
        link,
        asked,
        plan,
        () => null,
        ([, name]) => add(name, 1),
      )
    : await eachPage<CountInPage>(link, asked, plan, { isCounted: true, rowsMax: pageRows }, undefined, (found) => {
        const [, , , name, more] = found
        if (name !== null && more !== null) add(name, more)
        return undefined
      })
  return { kind: 'count', functions: Array.from(counts, ([name, sum]) => ({ name, count: sum })), next }
}

export async function groupDead(
  link: Link,
  { groupsMax, ...asked }: Extract<StoreRequest, { kind: 'group dead' }>,
): Promise<Answer<'group dead'>> {
  const groups = new Map<string, StoredGroup>()
  const plan = await makePlan(link, asked.filter)
  const add = (row: Readonly<Row>) => {
    const [number, name, , , , , , , at, word] = row
    // Only reasons are written there.
    const reason = word as DeathReason
    const message = failureMessage(lastError(row))
    const group = { function: fromName(name), reason, message, count: 1, firstAt: at, lastAt: at, number }
    const key = `${group.function} ${reason} ${message}`
    groups.set(key, mergedGroup(groups.get(key), group))
    return groups.size < groupsMax
  }
  const next = await eachRow(link, asked, plan, () => null, add, pageErrorRows)
  return { kind: 'group dead', groups: [...groups.values()], next }
}

/** Gives what fits to `take`, until that has enough; and where to go on. `limit`: so many rows are enough; null: nobody knows. */
function eachRow(
  link: Link,
  asked: StoredScan,
  plan: ScanPlan | undefined,
  limit: () => number | null,
  take: (row: Readonly<Row>) => boolean,
  rowsMax = hasErrors(asked.filter) ? pageErrorRows : pageRows,
): Promise<number | undefined> {
  const { error, message } = asked.filter
  const wanted = error?.toLowerCase()
  return eachPage<RowInPage>(link, asked, plan, { isCounted: false, rowsMax }, limit, (found) => {
    const [, , , ...row] = found
    if (row[0] === null) return undefined
    return hasError(row, wanted, message) && !take(row) ? row[0] : undefined
  })
}

/** Looks at one page after the other, until `take` says a number, the time is over or there are no more; where to go on. */
async function eachPage<Found extends readonly [...Looked, ...unknown[]]>(
  link: Link,
  { isDescending, from }: StoredScan,
  plan: ScanPlan | undefined,
  { isCounted, rowsMax: rowsMaxLast }: Pick<Shape, 'isCounted' | 'rowsMax'>,
  limit: (() => number | null) | undefined,
  take: (found: Found) => number | undefined,
): Promise<number | undefined> {
  const deadline = performance.now() + stepMs
  // Errors may be long: only after some pages it is known that they are not.
  let rowsMax = rowsMaxLast === pageErrorRows ? pageErrorRowsFirst : rowsMaxLast
  let way = plan
  let next: number | undefined = from
  while (way !== undefined && next !== undefined) {
    const statement = scanStatement({ table: way.table, way: way.way, isDescending, isCounted, rowsMax })
    const values: Value[] = [next, ...way.values, ...way.wayValues]
    const foundMax = limit?.()
    if (foundMax !== undefined) values.push(foundMax)
    const { rows } = await link.run<Found>(statement, ...values)
    const [looked, last, isCut] = rows[0] ?? [0, null, false]
    if (isCut) {
      way = { ...way, way: 'numbers', wayValues: [] }
      continue
    }
    for (const found of rows) {
      const end = take(found)
      if (end !== undefined) return end
    }
    const lastFound = rows.length === foundMax ? rows.at(-1)?.[3] : undefined
    if (typeof lastFound === 'number') next = lastFound
    else next = looked < rowsMax || last === null ? undefined : last
    if (performance.now() >= deadline) return next
    rowsMax = Math.min(4 * rowsMax, rowsMaxLast)
  }
  return undefined
}

function toRow(state: StoredFilter['state'], row: Readonly<Row>, members: Members): StoredRow {
  const [, , , , runAt, , , submittedAt, endedAt, word] = row
  const isWaiting = state === 'live' || state === 'ready' || state === 'delayed'
  return {
    ...(isWaiting ? toSummary(row, members) : toPlainSummary(row)),
    state: !isWaiting ? state : runAt > 0 ? 'delayed' : 'ready',
    submittedAt,
    endedAt,
    // Only reasons are written there.
    reason: state === 'dead' ? (word as DeathReason) : undefined,
    error: lastError(row),
  }
}

/** Its last error has to be looked at. */
function hasErrors({ error, message }: StoredFilter): boolean {
  return error !== undefined || message !== undefined
}

/** What its last error says, and what message it has. */
function hasError(row: Readonly<Row>, wanted: string | undefined, message: string | undefined): boolean {
  if (wanted !== undefined && !lastError(row).toLowerCase().includes(wanted)) return false
  return message === undefined || failureMessage(lastError(row)) === message
}

function lastError([, , , , , , , , , , rest]: Readonly<Row>): string {
  return rest === null ? '' : (readNotes(`[{"error":${rest}`)[0]?.error ?? '')
}
