import type { LiveFunction, Percentiles } from '@geartrain/protocol'
import { addedRates } from '../../live/added-rates.ts'
import { readyCount } from '../../live/ready-count.ts'
import { groupsBy, sum } from '../../rows.ts'
import { fits } from '../../session/fits.ts'

/** A function, or several of them with their sums, by a pattern that fits them. */
export interface FunctionRow extends LiveFunction {
  /** Undefined: it is one function. */
  readonly members?: readonly LiveFunction[]
}

/** It stands for all functions that it fits. */
export function isPattern(name: string): boolean {
  return name.includes('*')
}

/** Those whose names have the text in them, in capital or small letters; or, with a `*` in it, that it fits. */
export function filtered(functions: Iterable<LiveFunction>, text: string): LiveFunction[] {
  const small = text.toLowerCase()
  const isAsked = isPattern(text)
    ? (name: string) => fits(text, name)
    : (name: string) => name.toLowerCase().includes(small)
  return Array.from(functions).filter(({ name }) => isAsked(name))
}

/** `mail.*` for `mail.send`: all that begins alike, up to the first separator. Undefined: there is none in the name. */
export function patternFor(name: string): string | undefined {
  const at = name.slice(1).search(/[.:/\\_-]/)
  return at < 0 ? undefined : `${name.slice(0, at + 2)}*`
}

/** Functions that begin alike become one row; those that stand alone stay as they are. */
export function grouped(functions: readonly LiveFunction[]): FunctionRow[] {
  const groups = groupsBy(functions, ({ name }) => patternFor(name) ?? name)
  return Array.from(groups, ([pattern, members]) => {
    const [only] = members
    return only !== undefined && members.length === 1 ? only : sumOf(pattern, members)
  })
}

/** All of them together. A worker counts once for each function that it can do, and a percentile is the largest one. */
export function sumOf(name: string, members: readonly LiveFunction[]): FunctionRow {
  const total = (key: keyof LiveFunction['totals']) => sum(members, ({ totals }) => totals[key])
  const oldest = Math.min(...members.map(({ oldestReadyAt }) => oldestReadyAt ?? Number.POSITIVE_INFINITY))
  const wait = largest(members.map((each) => each.wait))
  const run = largest(members.map((each) => each.run))
  return {
    name,
    ready: {
      high: sum(members, ({ ready }) => ready.high),
      normal: sum(members, ({ ready }) => ready.normal),
      low: sum(members, ({ ready }) => ready.low),
    },
    ...(oldest === Number.POSITIVE_INFINITY ? {} : { oldestReadyAt: oldest }),
    delayed: sum(members, ({ delayed }) => delayed),
    running: sum(members, ({ running }) => running),
    dead: sum(members, ({ dead }) => dead),
    workers: sum(members, ({ workers }) => workers),
    paused: members.length > 0 && members.every(({ paused }) => paused),
    draining: members.length > 0 && members.every(({ draining }) => draining),
    totals: {
      submitted: total('submitted'),
      joined: total('joined'),
      done: total('done'),
      failed: total('failed'),
      retried: total('retried'),
      died: total('died'),
      expired: total('expired'),
      cancelled: total('cancelled'),
      abandoned: total('abandoned'),
    },
    rates: addedRates(members),
    ...(wait === undefined ? {} : { wait }),
    ...(run === undefined ? {} : { run }),
    members,
  }
}

function largest(times: readonly (Percentiles | undefined)[]): Percentiles | undefined {
  const known = times.filter((each) => each !== undefined)
  if (known.length === 0) return undefined
  const most = (key: keyof Percentiles) => Math.max(...known.map((each) => each[key]))
  return { p50Ms: most('p50Ms'), p95Ms: most('p95Ms') }
}

/** Attempts that fail, for good or to be tried again: over the last 10 s. */
export function failureRate({ rates }: LiveFunction): number {
  return rates.failed[0] + rates.retried[0]
}

/** Its jobs could be begun, if there were a worker. */
export function lacksWorker(each: LiveFunction): boolean {
  return readyCount(each) > 0 && each.workers === 0 && !each.paused
}

/**
 * What is selected after someone has changed that: with a row of several functions all of these are, and it is while all
 * of these are.
 */
export function spreadSelection(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  rows: readonly FunctionRow[],
): ReadonlySet<string> {
  const selected = new Set(after)
  for (const { name, members } of rows) {
    if (members === undefined) continue
    if (after.has(name) !== before.has(name)) {
      for (const member of members) {
        if (after.has(name)) selected.add(member.name)
        else selected.delete(member.name)
      }
    }
    if (members.every((member) => selected.has(member.name))) selected.add(name)
    else selected.delete(name)
  }
  return selected
}
