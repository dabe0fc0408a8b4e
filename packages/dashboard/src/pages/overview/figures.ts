import type { LiveFlow, LiveFunction, Percentiles } from '@geartrain/protocol'
import { addedRates } from '../../live/added-rates.ts'
import { readyCount } from '../../live/ready-count.ts'
import { sum } from '../../rows.ts'

/** All functions together, as far as one may view them. */
export interface Sums {
  readonly ready: number
  readonly delayed: number
  readonly running: number
  readonly dead: number
  /** One that does jobs of two functions counts twice. */
  readonly workers: number
  /** Since when the one that waits longest does. */
  readonly oldestReadyAt: number | undefined
  readonly rates: LiveFlow['rates']
  readonly wait: Percentiles | undefined
  readonly run: Percentiles | undefined
  /** The times are those of the slowest function: of some together they can't be told. */
  readonly isOfSlowest: boolean
}

/** `all` is what the server tells of all functions to those who may view them. */
export function sumsOf(functions: Iterable<LiveFunction>, all: LiveFlow | undefined): Sums {
  const each = Array.from(functions)
  return {
    ready: sum(each, readyCount),
    delayed: sum(each, ({ delayed }) => delayed),
    running: sum(each, ({ running }) => running),
    dead: sum(each, ({ dead }) => dead),
    workers: sum(each, ({ workers }) => workers),
    oldestReadyAt: least(each.map(({ oldestReadyAt }) => oldestReadyAt)),
    rates: all?.rates ?? addedRates(each),
    wait: all === undefined ? slowest(each.map(({ wait }) => wait)) : all.wait,
    run: all === undefined ? slowest(each.map(({ run }) => run)) : all.run,
    isOfSlowest: all === undefined,
  }
}

function least(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce(
    (one, other) => (one === undefined || (other !== undefined && other < one) ? other : one),
    undefined,
  )
}

function slowest(times: readonly (Percentiles | undefined)[]): Percentiles | undefined {
  return times.reduce(
    (one, other) => (one === undefined || (other !== undefined && other.p95Ms > one.p95Ms) ? other : one),
    undefined,
  )
}

/** How much goes on: jobs that wait or run, and what comes and goes in ten seconds. */
function activityOf(each: LiveFunction): number {
  const [, submitted] = each.rates.submitted
  const [, done] = each.rates.done
  const [, failed] = each.rates.failed
  return readyCount(each) + each.running + 10 * (submitted + done + failed)
}

/** Those in which most goes on, that first. Of equal ones the order does not change from second to second. */
export function busiest(functions: Iterable<LiveFunction>, most: number): LiveFunction[] {
  return Array.from(functions, (each) => ({ each, activity: activityOf(each) }))
    .filter(({ activity }) => activity > 0)
    .sort((one, other) => other.activity - one.activity || (one.each.name < other.each.name ? -1 : 1))
    .slice(0, most)
    .map(({ each }) => each)
}
