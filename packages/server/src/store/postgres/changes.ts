import type { BatchResult, ChangeOutcome, StoredChange } from '../store.ts'
import { bury, removeDead, revive, sweepDead } from './dead-jobs.ts'
import type { Documents } from './documents.ts'
import type { HistorySteps } from './history-steps.ts'
import { started } from './link.ts'
import { discard, hasten, type Outcomes, prioritize, release, retry } from './live-jobs.ts'
import { keep, removeResults, sweepResults } from './results.ts'
import { nextSweepAt } from './state.ts'
import { LineCounts, type Writing } from './writing.ts'

export interface Changed extends Pick<BatchResult, 'changed' | 'revived' | 'promoted'> {
  /** Asked for; nothing waits for it. */
  readonly nextSweepAt: Promise<BatchResult['nextSweepAt']>
}

/**
 * Does a batch's changes. What comes out is as if they were done one after the other; those next to each other that do
 * not see one another are done in one statement for each kind.
 */
export class Changes {
  readonly #documents: Documents
  readonly #history: HistorySteps

  constructor(documents: Documents, history: HistorySteps) {
    this.#documents = documents
    this.#history = history
  }

  async perform(writing: Writing, changes: readonly StoredChange[]): Promise<Changed> {
    const [revived, promoted] = [new LineCounts(), new LineCounts()]
    const changed: ChangeOutcome[] = []
    for (const run of runs(changes)) {
      const outcomes = await this.#perform(writing, run, revived, promoted)
      for (const change of run) changed.push(outcomes === 'done' ? 'done' : outcomeOf(change, outcomes))
    }
    const sweepAt = changes.length === 0 ? Promise.resolve(undefined) : started(nextSweepAt(writing))
    return { changed, revived: revived.all, promoted: promoted.all, nextSweepAt: sweepAt }
  }

  /** A run. 'done' if nothing of it can be missing. */
  async #perform(
    writing: Writing,
    run: readonly StoredChange[],
    revived: LineCounts,
    promoted: LineCounts,
  ): Promise<Outcomes | 'done'> {
    const [change] = run
    switch (change?.kind) {
      case undefined:
        return 'done'
      case 'retry':
      case 'keep':
      case 'bury':
        return endAttempts(writing, run)
      case 'revive':
        return revive(writing, run.filter(isOf('revive')), revived)
      case 'delete dead':
        return removeDead(writing, run.filter(isOf('delete dead')).map(toNumber))
      case 'delete result':
        return removeResults(writing, run.filter(isOf('delete result')).map(toNumber))
      case 'prioritize':
        return prioritize(writing, run.filter(isOf('prioritize')))
      case 'hasten':
        return hasten(writing, run.filter(isOf('hasten')), promoted)
      case 'release':
        await release(writing, change.numbers)
        return 'done'
      case 'discard':
        return discard(writing, run.filter(isOf('discard')).map(toNumber))
      case 'document':
        return (await this.#documents.change(writing.tx, change.document)) ? 'done' : new Map()
      case 'sweep':
        await Promise.all([sweepDead(writing, change.now), sweepResults(writing, change.now)])
        return 'done'
      case 'history':
        await this.#history.add(writing.tx, change)
        return 'done'
    }
  }
}

async function endAttempts(writing: Writing, run: readonly StoredChange[]): Promise<Outcomes> {
  const [retries, kept, buried] = [run.filter(isOf('retry')), run.filter(isOf('keep')), run.filter(isOf('bury'))]
  const outcomes = await Promise.all([
    retries.length === 0 ? [] : retry(writing, retries),
    kept.length === 0 ? [] : keep(writing, kept),
    buried.length === 0 ? [] : bury(writing, buried),
  ])
  return new Map(outcomes.flatMap((each) => [...each]))
}

/** Kinds that do not see one another, as long as they are of different jobs. */
const endsAttempt: ReadonlySet<StoredChange['kind']> = new Set(['retry', 'keep', 'bury'])
/** Those that are each done by themselves. */
const isAlone: ReadonlySet<StoredChange['kind']> = new Set(['release', 'document', 'sweep', 'history'])

function* runs(changes: readonly StoredChange[]): Iterable<StoredChange[]> {
  let run: StoredChange[] = []
  let numbers = new Set<number>()
  let deadMax: number | undefined
  for (const change of changes) {
    const [first] = run
    const isOther =
      first !== undefined &&
      (isAlone.has(change.kind) ||
        (change.kind !== first.kind && !(endsAttempt.has(change.kind) && endsAttempt.has(first.kind))) ||
        numbers.has(toNumber(change)) ||
        (change.kind === 'bury' && deadMax !== undefined && change.deadMax !== deadMax))
    if (isOther) {
      yield run
      run = []
      numbers = new Set()
      deadMax = undefined
    }
    run.push(change)
    numbers.add(toNumber(change))
    if (change.kind === 'bury') deadMax = change.deadMax
  }
  if (run.length > 0) yield run
}

function outcomeOf(change: StoredChange, outcomes: Outcomes): ChangeOutcome {
  return outcomes.get(toNumber(change)) ?? 'not found'
}

/** Of the job; those without one are alone. */
function toNumber(change: StoredChange): number {
  return 'number' in change ? change.number : 0
}

function isOf<Kind extends StoredChange['kind']>(kind: Kind) {
  return (change: StoredChange): change is Extract<StoredChange, { kind: Kind }> => change.kind === kind
}
