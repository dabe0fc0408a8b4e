import type { Engine, JobFunction } from '@geartrain/engine'
import type { ControlOperations, FunctionPolicy, FunctionState } from '@geartrain/protocol'
import { functionTotals } from '../cluster/totals.ts'
import { askedFunctions, hasUnknownHead } from '../metrics/oldest-ready.ts'
import { fits, isPattern } from '../policies/function-name.ts'
import { type Policies, policyDocument } from '../policies/policies.ts'
import type { WallTime } from '../wall-time.ts'
import { ControlError, storeError } from './control-error.ts'
import { type Inquiry, isFailure } from './inquiry.ts'
import { type PurgeContext, type Purged, purge, purgeHere } from './purge.ts'

type Operations = ControlOperations

const allPriorities = [0, 1, 2] as const

/** What is asked of functions. */
export class FunctionControl {
  readonly #engine: Engine
  readonly #policies: Policies
  readonly #wallTime: WallTime
  readonly #inquiry: Inquiry
  readonly #purge: PurgeContext
  /** The last change of a policy, with which the next one has to wait. */
  #changing: Promise<unknown> = Promise.resolve()

  constructor(policies: Policies, wallTime: WallTime, purgeContext: PurgeContext) {
    this.#wallTime = wallTime
    this.#engine = purgeContext.engine
    this.#inquiry = purgeContext.inquiry
    this.#policies = policies
    this.#purge = purgeContext
  }

  async list({ names }: Operations['functions']['params']): Promise<Operations['functions']['answer']> {
    const { functions: dead } = await this.#inquiry.ask({ kind: 'count dead' }, 'count dead')
    const deadCounts = new Map(dead.map(({ name, count }) => [name, count]))
    const oldest = await this.#oldestOnDisk(names)
    const functions: FunctionState[] = []
    for (const jobFunction of this.#engine.functions()) {
      const { name } = jobFunction
      functions.push({
        ...stateOf(jobFunction, deadCounts.get(name) ?? 0),
        oldestWaitMs: oldestWaitMs(jobFunction, this.#engine.now, oldest.get(name)),
      })
      deadCounts.delete(name)
    }
    // Nobody has used them for long.
    for (const [name, count] of deadCounts) functions.push({ ...unused, name, dead: count })
    const asked = names && new Set(names)
    return { functions: asked === undefined ? functions : functions.filter(({ name }) => asked.has(name)) }
  }

  /** Since when the first of those on disk alone could have been begun, in the engine's time. */
  async #oldestOnDisk(names: readonly string[] | undefined): Promise<ReadonlyMap<string, number>> {
    const asked = names && new Set(names)
    const unknown: string[] = []
    for (const jobFunction of this.#engine.functions()) {
      if (hasUnknownHead(jobFunction) && asked?.has(jobFunction.name) !== false) unknown.push(jobFunction.name)
    }
    const oldest = new Map<string, number>()
    for (let start = 0; start < unknown.length; start += askedFunctions) {
      const functions = unknown.slice(start, start + askedFunctions)
      const { readyAt } = await this.#inquiry.ask({ kind: 'oldest ready', functions }, 'oldest ready')
      for (const [index, date] of readyAt.entries()) {
        if (date > 0) oldest.set(functions[index] ?? '', date - this.#wallTime.offsetMs)
      }
    }
    return oldest
  }

  show({ name }: Operations['function show']['params']): FunctionPolicy {
    return this.#policies.show(name)
  }

  /** One after the other: each is made of what the one before has left. */
  set(params: Operations['function set']['params']): Promise<FunctionPolicy> {
    const changed = this.#changing.then(() => this.#set(params))
    this.#changing = changed.catch(() => {})
    return changed
  }

  /** It is kept before it is so. */
  async #set({ name, values, dryRun = false }: Operations['function set']['params']): Promise<FunctionPolicy> {
    const change = this.#policies.change(name, values)
    if (dryRun) return change.preview()
    const document = { kind: policyDocument, name, body: change.body }
    const outcome = await this.#inquiry.change({ kind: 'document', document })
    if (isFailure(outcome)) {
      // It may have been kept all the same, if the store is gone; one that others use as well has said that it was not.
      const { journal } = this.#purge
      if (journal?.isShared === false) journal.keepDocument(policyDocument, name, change.previous)
      throw storeError(outcome, 'nothing has changed')
    }
    change.apply()
    this.#engine.applyPolicies()
    return this.#policies.show(name)
  }

  async purge({ name }: Operations['function purge']['params']): Promise<Operations['function purge']['answer']> {
    if (!isPattern(name)) return toAnswer(await purge(this.#purge, name))
    const names = Array.from(this.#engine.functions(), (each) => each.name).filter((each) => fits(name, each))
    let [count, left]: [number, Purged['left']] = [0, []]
    for (const each of names) {
      const purged = await purge(this.#purge, each)
      count += purged.count
      left = [...left, ...purged.left]
    }
    return toAnswer({ count, left })
  }

  /** Of a function, in this server's memory: another server of the cluster asks. Rejects with a ControlError. */
  purgeHere(name: string): Promise<number> {
    return purgeHere(this.#purge, name)
  }

  policies(): Operations['policies']['answer'] {
    return { policies: this.#policies.names().map((name) => ({ name })) }
  }
}

/** Throws a ControlError if servers could not be asked. */
function toAnswer({ count, left }: Purged): Operations['function purge']['answer'] {
  if (left.length === 0) return { purged: count }
  const counts = new Map<string, number>()
  for (const row of left) {
    const where = `in the memory of the server ${row.server} (${row.why})`
    counts.set(where, (counts.get(where) ?? 0) + row.count)
  }
  const places = Array.from(counts, ([where, waiting]) => `about ${waiting} ${where}`).join(', ')
  throw new ControlError(
    'CONFLICT',
    `${count} jobs have ended, but others still wait: ${places}; purge once more at that server, or when it can be reached from here`,
  )
}

function stateOf(jobFunction: JobFunction, dead: number): Omit<FunctionState, 'oldestWaitMs'> {
  const { name, policy } = jobFunction
  const { ready, delayed, running, workers } = functionTotals(jobFunction)
  return {
    name,
    ready: { high: ready[0], normal: ready[1], low: ready[2] },
    delayed,
    running,
    dead,
    workers,
    paused: policy.paused,
    draining: policy.draining,
  }
}

/** 0 if none waits; null if it is not known. `onDisk`: of those that are on disk alone, in the engine's time. */
function oldestWaitMs(jobFunction: JobFunction, now: number, onDisk: number | undefined): number | null {
  let oldest = onDisk ?? Number.POSITIVE_INFINITY
  let waiting = 0
  for (const priority of allPriorities) {
    waiting += jobFunction.queuedCount(priority)
    oldest = Math.min(oldest, jobFunction.ready[priority].first?.readyAt ?? oldest)
  }
  if (waiting === 0) return 0
  return oldest === Number.POSITIVE_INFINITY ? null : Math.max(0, now - oldest)
}

const unused: Omit<FunctionState, 'name' | 'dead'> = {
  ready: { high: 0, normal: 0, low: 0 },
  delayed: 0,
  running: 0,
  workers: 0,
  oldestWaitMs: 0,
  paused: false,
  draining: false,
}
