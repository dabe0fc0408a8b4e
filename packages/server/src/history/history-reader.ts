import { setImmediate as nextIteration } from 'node:timers/promises'
import type { History, HistoryOverview, HistoryRange } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Archive } from '../archive.ts'
import type { Clock } from '../clock.ts'
import { storeError } from '../control/control-error.ts'
import { textOfName } from '../http/names.ts'
import { Steps } from './columns.ts'
import { type FunctionSteps, OverviewSteps } from './overview.ts'
import type { Sampler } from './sampler.ts'
import type { HistorySlice } from './slice.ts'
import { ranges, sampleMs, stepAt } from './tiers.ts'

const overviewStepMs = 30_000
const overviewSteps = 30
/** So many rows are read before others have their turn. */
const rowsPerTurn = 2000

export interface HistoryReaderContext {
  readonly archive: Archive
  readonly sampler: Sampler
  readonly clock: Clock
}

interface Overview {
  readonly from: number
  readonly functions: readonly FunctionSteps[]
}

/** Makes charts of what is kept, and of the samples that are not kept yet. */
export class HistoryReader {
  readonly #context: HistoryReaderContext
  /** What somebody waits for, by what it is of. */
  readonly #underWay = new Map<string, Promise<History>>()
  /** Settles when no sum is under way or waits for its turn. Never rejects. */
  #lastSum: Promise<unknown> = Promise.resolve()
  /** The last one, and how many samples there were then. */
  #overview: Promise<Overview> | undefined
  #overviewSamples = -1

  constructor(context: HistoryReaderContext) {
    this.#context = context
  }

  /**
   * Of one function, or without a name of all together; who may not view all of them gets the sum of those that it may
   * view. Rejects with a ControlError if the store can't say. Those who ask for the same meanwhile get the same one.
   */
  range(range: HistoryRange, actor: Actor, name: string | undefined): Promise<History> {
    const isSum = name === undefined && !actor.mayEverywhere('view')
    const key = JSON.stringify([range, name, isSum ? actor.name : undefined])
    const known = this.#underWay.get(key)
    if (known !== undefined) return known
    const make = () => this.#makeRange(range, actor, name)
    const made = (isSum ? this.#lastSum.then(make) : make()).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, made)
    // For a sum all rows of all functions are in memory, which only one of them may have at a time.
    if (isSum) this.#lastSum = made.catch(() => {})
    return made
  }

  /** Of all functions that the actor may view. Rejects in the same way. */
  async overview(actor: Actor): Promise<HistoryOverview> {
    const { sampleCount } = this.#context.sampler
    if (this.#overview === undefined || this.#overviewSamples !== sampleCount) {
      this.#overviewSamples = sampleCount
      const overview = this.#makeOverview()
      // One that failed is made again.
      overview.catch(() => {
        if (this.#overview === overview) this.#overview = undefined
      })
      this.#overview = overview
    }
    const { from, functions } = await this.#overview
    const isWhole = actor.mayEverywhere('view')
    return {
      from,
      stepMs: overviewStepMs,
      functions: functions
        .filter(({ name }) => isWhole || actor.may('view', name))
        .map((each) => ({ ...each, name: textOfName(each.name) })),
    }
  }

  async #makeRange(range: HistoryRange, actor: Actor, name: string | undefined): Promise<History> {
    const { stepMs, steps: count } = ranges[range]
    const from = this.#firstOf(stepMs, count)
    const steps = new Steps(from, stepMs, count)
    const { names, isWanted } = wishOf(actor, name)
    const slices = await this.#slices(stepMs, from, names)
    await inPieces(slices, ({ at, rows }) => steps.add(at, rows, isWanted))
    return { range, from, stepMs, columns: steps.columns }
  }

  async #makeOverview(): Promise<Overview> {
    const from = this.#firstOf(overviewStepMs, overviewSteps)
    const steps = new OverviewSteps(from, overviewStepMs, overviewSteps)
    await inPieces(await this.#slices(sampleMs, from, undefined), ({ at, rows }) => steps.add(at, rows))
    return { from, functions: steps.functions }
  }

  /** The last step is the one in which the last sample lies: it may not be over. */
  #firstOf(stepMs: number, steps: number): number {
    return stepAt(this.#context.clock.wallNow() - sampleMs, stepMs) - (steps - 1) * stepMs
  }

  #slices(stepMs: number, from: number, functions: readonly string[] | undefined): Promise<HistorySlice[]> {
    const { archive, sampler } = this.#context
    return new Promise((resolve, reject) => {
      archive.lookUp({ kind: 'history', stepMs, from, functions }, (answer) => {
        // At this moment, what is not in the answer has not been kept.
        if (answer.kind === 'history') resolve([...answer.slices, ...sampler.unkept])
        else if (answer.kind === 'failed') reject(storeError(answer.failure))
        else reject(new Error(`the store answers history with ${answer.kind}`))
      })
    })
  }
}

function wishOf(
  actor: Actor,
  name: string | undefined,
): { readonly names: readonly string[] | undefined; readonly isWanted: (name: string | undefined) => boolean } {
  if (name !== undefined) return { names: [name], isWanted: (each) => each === name }
  if (actor.mayEverywhere('view')) return { names: [], isWanted: (each) => each === undefined }
  const known = new Map<string, boolean>()
  const isWanted = (each: string | undefined) => {
    if (each === undefined) return false
    let may = known.get(each)
    if (may === undefined) known.set(each, (may = actor.may('view', each)))
    return may
  }
  return { names: undefined, isWanted }
}

/** Others have their turn in between. `add` gives how many rows it has read. */
async function inPieces(slices: readonly HistorySlice[], add: (slice: HistorySlice) => number): Promise<void> {
  let rows = 0
  for (const slice of slices) {
    rows += add(slice)
    if (rows < rowsPerTurn) continue
    rows = 0
    await nextIteration()
  }
}
