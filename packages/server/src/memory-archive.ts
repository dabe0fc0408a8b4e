import type { DeathReason, Ending, Engine, Failure, Job, JobFunction, Keeper, Submission } from '@geartrain/engine'
import type { Connections } from './connections.ts'
import { failureNote } from './failure-note.ts'
import type { Handles } from './handles.ts'
import { MemoryHistory } from './history/memory-history.ts'
import { countJobs, groupDead, scanJobs } from './memory-scans.ts'
import { isPattern } from './policies/function-name.ts'
import {
  type ChangeOutcome,
  failuresMax,
  type StoreAnswer,
  type StoredChange,
  type StoredDescription,
  type StoredFailureNote,
  type StoredFilter,
  type StoreFailure,
  type StoreRequest,
} from './store/store.ts'
import type { WallTime } from './wall-time.ts'

/** Results, and uniques of jobs that have ended, are kept in memory up to so many; the oldest go first. */
const keptMax = 100_000
/** Of results, the same. */
const keptBytesMax = 256 * 1024 * 1024

/** A job that has ended, and that a submission of its unique joins for a time. */
interface Recent {
  readonly number: number
  readonly until: number
}

export interface MemoryArchiveContext {
  readonly connections: Connections
  readonly handles: Handles
  readonly wallTime: WallTime
}

/**
 * Dead jobs and results of a server without a store: in memory, and gone with it. It answers what a store would be
 * asked about them.
 */
export class MemoryArchive implements Keeper {
  readonly #context: MemoryArchiveContext
  #engine: Engine | undefined
  /** By function and the number in the handle, the oldest first. */
  readonly #dead = new Map<string, Map<number, StoredDescription>>()
  /** In the order in which they have ended. */
  readonly #kept = new Map<number, StoredDescription>()
  /** Of their results. */
  #keptBytes = 0
  /** By function and unique, the last one. */
  readonly #recent = new Map<string, Recent>()
  readonly #failures = new WeakMap<Job, StoredFailureNote[]>()
  readonly #history = new MemoryHistory()

  constructor(context: MemoryArchiveContext) {
    this.#context = context
  }

  serve(engine: Engine): void {
    this.#engine = engine
  }

  // What the engine says

  retry(job: Job, _runAt: number, failure: Failure): void {
    const notes = this.#failures.get(job) ?? []
    this.#failures.set(job, [...notes, this.#note(job, failure)].slice(-failuresMax))
  }

  bury(job: Job, reason: DeathReason, failure: Failure | undefined): void {
    const { deadMax, deadForMs } = job.policy
    const endedAt = this.#context.wallTime.now
    const failures = [...(this.#failures.get(job) ?? []), ...(failure === undefined ? [] : [this.#note(job, failure)])]
    const ending = { state: 'dead', reason, endedAt, keepUntil: endedAt + deadForMs } as const
    const description = { ...this.#describe(job, failures), ...ending, workload: new Uint8Array(job.workload) }
    const { name } = job.function
    const dead = this.#dead.get(name) ?? new Map<number, StoredDescription>()
    this.#dead.set(name, dead.set(description.number, description))
    for (const [oldest, { keepUntil }] of dead) {
      if (keepUntil > endedAt && dead.size <= deadMax) break
      dead.delete(oldest)
    }
  }

  keep(job: Job, { outcome, data, keepMs, uniqueForMs }: Ending): void {
    const endedAt = this.#context.wallTime.now
    const number = this.#context.handles.total(job.number)
    if (uniqueForMs > 0 && isName(job.unique)) {
      const key = recentKey(job.function.name, job.unique)
      this.#recent.delete(key)
      this.#recent.set(key, { number, until: endedAt + uniqueForMs })
      for (const [oldest, { until }] of this.#recent) {
        if (until > endedAt && this.#recent.size <= keptMax) break
        this.#recent.delete(oldest)
      }
    }
    if (keepMs === 0) return
    this.#kept.set(number, {
      ...this.#describe(job, this.#failures.get(job) ?? []),
      state: outcome,
      endedAt,
      keepUntil: endedAt + keepMs,
      result: new Uint8Array(data),
    })
    this.#keptBytes += data.length
    for (const [oldest, { keepUntil }] of this.#kept) {
      if (keepUntil > endedAt && this.#kept.size <= keptMax && this.#keptBytes <= keptBytesMax) break
      this.#dropKept(oldest)
    }
  }

  recent({ name }: JobFunction, unique: string): number | undefined {
    const key = recentKey(name, unique)
    const recent = this.#recent.get(key)
    if (recent === undefined) return undefined
    if (recent.until > this.#context.wallTime.now) return this.#context.handles.numberOf(recent.number)
    this.#recent.delete(key)
    return undefined
  }

  // What a store would be asked

  lookUp(request: StoreRequest, onAnswer: (answer: StoreAnswer) => void): void {
    this.#sweep()
    onAnswer(this.#answer(request))
  }

  change(
    change: StoredChange,
    onChanged: (outcome: ChangeOutcome | undefined, failure: StoreFailure | undefined) => void,
  ): void {
    this.#sweep()
    onChanged(this.#perform(change), undefined)
  }

  #answer(request: StoreRequest): StoreAnswer {
    switch (request.kind) {
      case 'count dead': {
        const functions = Array.from(this.#dead, ([name, jobs]) => ({ name, count: jobs.size }))
        return { kind: 'count dead', functions: functions.filter(({ count }) => count > 0) }
      }
      case 'describe':
        return { kind: 'describe', job: this.#find(request.number) ?? this.#findLive(request.number) }
      case 'describe unique': {
        const { unique, function: name } = request
        const jobs = [...this.#allDead(name), ...this.#kept.values()].filter(
          (job) => job.unique === unique && (name === undefined || job.function === name),
        )
        return { kind: 'describe', job: jobs.toSorted(latestFirst)[0] }
      }
      case 'claim':
        return { kind: 'claim', count: 0, jobs: new Uint8Array(0) }
      case 'find':
      case 'find unique':
      case 'find same':
        return { kind: 'find', job: undefined }
      case 'list':
      case 'list function':
        return { kind: 'list', jobs: [] }
      case 'list expired':
        return { kind: 'list expired', jobs: [], nextExpiryAt: Number.POSITIVE_INFINITY }
      case 'oldest ready':
        return { kind: 'oldest ready', readyAt: request.functions.map(() => 0) }
      case 'scan':
        return scanJobs(this.#among(request.filter), request)
      case 'count':
        return countJobs(this.#among(request.filter), request)
      case 'group dead':
        return groupDead(this.#among(request.filter), request)
      case 'history':
        return { kind: 'history', slices: this.#history.read(request.stepMs, request.from, request.functions) }
    }
  }

  #perform(change: StoredChange): ChangeOutcome {
    switch (change.kind) {
      case 'revive':
        return this.#revive(change.number, change.workload)
      case 'delete dead':
        return this.#deleteDead(change.number) ? 'done' : 'not found'
      case 'delete result':
        return this.#dropKept(change.number) ? 'done' : 'not found'
      case 'document':
      case 'sweep':
        return 'done'
      case 'history':
        this.#history.add(change.samples, change.functionsMax)
        return 'done'
      // The engine has those jobs, or nobody has.
      case 'retry':
      case 'bury':
      case 'keep':
      case 'prioritize':
      case 'hasten':
      case 'release':
      case 'discard':
        return 'not found'
    }
  }

  /** It is a job of its own from now on, with a handle of its own. */
  #revive(number: number, workload: Uint8Array | undefined): ChangeOutcome {
    const dead = this.#findDead(number)
    if (dead === undefined || this.#engine === undefined) return 'not found'
    const { function: name, unique, priority, reducer, then, options, trace } = dead
    const submission: Submission = {
      function: name,
      unique,
      workload: workload ?? dead.workload ?? new Uint8Array(0),
      priority,
      background: true,
      runAt: 0,
      reducer,
      then,
      options,
      trace,
    }
    if (this.#engine.findFunction(name)?.find(unique, submission.workload) !== undefined) return 'joined'
    this.#deleteDead(number)
    // It is to be done, though one of its unique has been not long ago.
    this.#recent.delete(recentKey(name, unique))
    this.#engine.submitOwn(submission)
    return 'done'
  }

  #find(number: number): StoredDescription | undefined {
    return this.#findDead(number) ?? this.#kept.get(number)
  }

  #findDead(number: number): StoredDescription | undefined {
    for (const dead of this.#dead.values()) {
      const job = dead.get(number)
      if (job !== undefined) return job
    }
    return undefined
  }

  #deleteDead(number: number): boolean {
    for (const dead of this.#dead.values()) if (dead.delete(number)) return true
    return false
  }

  #dropKept(number: number): boolean {
    this.#keptBytes -= this.#kept.get(number)?.result?.length ?? 0
    return this.#kept.delete(number)
  }

  /** Those that a filter may let through, and others. Of those that wait, the ones that have failed before. */
  *#among({ state, function: name }: StoredFilter): Generator<StoredDescription, void> {
    if (state === 'dead') yield* this.#allDead(name === undefined || isPattern(name) ? undefined : name)
    else if (state !== 'live' && state !== 'ready' && state !== 'delayed') yield* this.#kept.values()
    else {
      for (const job of this.#engine?.jobs() ?? []) {
        const failures = this.#failures.get(job)
        if (failures === undefined || (job.state !== 'ready' && job.state !== 'delayed')) continue
        yield { ...this.#describe(job, failures), state: job.state }
      }
    }
  }

  *#allDead(name: string | undefined): Generator<StoredDescription, void> {
    for (const [owner, dead] of this.#dead) if (name === undefined || owner === name) yield* dead.values()
  }

  /** The engine knows all but how its attempts have ended. */
  #findLive(number: number): StoredDescription | undefined {
    const job = this.#engine?.findJob(this.#context.handles.numberOf(number))
    if (job === undefined) return undefined
    return {
      ...this.#describe(job, this.#failures.get(job) ?? []),
      state: job.state === 'delayed' ? 'delayed' : 'ready',
    }
  }

  #describe(job: Job, failures: readonly StoredFailureNote[]): Omit<StoredDescription, 'state'> {
    const { number, unique, priority, reducer, then, options, trace, retries, numerator, denominator } = job
    return {
      number: this.#context.handles.total(number),
      function: job.function.name,
      unique,
      priority,
      runAt: 0,
      reducer,
      then,
      options,
      trace,
      workload: undefined,
      submittedAt: 0,
      expireAt: 0,
      attempts: retries,
      failures,
      endedAt: 0,
      keepUntil: 0,
      reason: undefined,
      result: undefined,
      numerator,
      denominator,
    }
  }

  #note(job: Job, failure: Failure): StoredFailureNote {
    return failureNote(job, failure, this.#context.connections, this.#context.wallTime)
  }

  /** What has been kept long enough. */
  #sweep(): void {
    const { now } = this.#context.wallTime
    for (const [name, dead] of this.#dead) {
      for (const [number, { keepUntil }] of dead) if (keepUntil <= now) dead.delete(number)
      if (dead.size === 0) this.#dead.delete(name)
    }
    for (const [number, { keepUntil }] of this.#kept) if (keepUntil <= now) this.#dropKept(number)
  }
}

function recentKey(functionName: string, unique: string): string {
  return `${functionName}\0${unique}`
}

/** Jobs are the same by such a unique, whatever their workloads. */
function isName(unique: string): boolean {
  return unique !== '' && unique !== '-'
}

function latestFirst(one: StoredDescription, other: StoredDescription): number {
  return other.number - one.number
}
