import type { Addition, JobFunction, Submission } from '@geartrain/engine'
import type { Connection } from '../connection.ts'
import { emptyHead, RecordWriter } from './records.ts'
import type {
  Batch,
  ChangeOutcome,
  StoreAnswer,
  StoredChange,
  StoredSummary,
  StoreFailure,
  StoreRequest,
} from './store.ts'

/** JOB_CREATED that lies in a connection's output, at this position, and may not leave before its batch is kept. */
export interface PromisedReply {
  readonly addition: Addition
  readonly connection: Connection
  position: number
}

/** What the batch's result is told to. A failure: nobody knows. */
export type OnAnswer = (answer: StoreAnswer) => void
export type OnCancelled = (job: StoredSummary | undefined, failure: StoreFailure | undefined) => void
export type OnChanged = (outcome: ChangeOutcome | undefined, failure: StoreFailure | undefined) => void
export type OnKept = (failure: StoreFailure | undefined) => void

/** A batch that is being collected, and who waits for it. */
export class OpenBatch {
  readonly additions: Addition[] = []
  /** Those of the server's own, to be added again if the batch is not kept. */
  readonly own = new Map<Addition, Submission>()
  /** Additions and changes of this server's own that it makes for all that use the store. */
  readonly leading = new Set<Addition | StoredChange>()
  readonly promises: PromisedReply[] = []
  /** Numbers of live jobs among the additions: a batch forgets before it adds, so these can't be forgotten in it. */
  readonly live = new Set<number>()
  /** Connections whose output it holds back. */
  readonly held = new Set<Connection>()
  readonly forget: number[] = []
  readonly cancel: number[] = []
  readonly onCancelled: OnCancelled[] = []
  readonly changes: StoredChange[] = []
  /** One for each of them. Without one it is the engine's: it has happened, and is said again until it is kept. */
  readonly onChanged: (OnChanged | undefined)[] = []
  /** Numbers of jobs that are dead or kept for their result when the batch is kept. */
  readonly gone = new Set<number>()
  /** The same of jobs that wait for their next attempt. */
  readonly putOff = new Set<number>()
  readonly onKept: OnKept[] = []
  readonly requests: StoreRequest[] = []
  readonly onAnswer: OnAnswer[] = []
  promoteUntil: number | undefined
  reserve: Batch['reserve']
  #promisesOf: Map<Addition, PromisedReply[]> | undefined
  #awaitedChanges = 0
  #changeBytes = 0
  /** Where among the changes the last one of each document stands. */
  readonly #documents = new Map<string, number>()
  /** Changes that are in no hurry. */
  #keptCount = 0
  readonly #records = new RecordWriter()
  readonly #functions: string[] = []
  readonly #indexes = new Map<JobFunction, number>()
  readonly #head = emptyHead()

  /** Bytes that it takes in memory. */
  get bytes(): number {
    return this.#records.length + this.#changeBytes
  }

  get isEmpty(): boolean {
    return this.forget.length + this.changes.length + this.additions.length === 0 && !this.isAwaited
  }

  /** There is something in it that somebody waits for. */
  get isAwaited(): boolean {
    const hasWrites = this.additions.length > this.own.size || this.cancel.length > 0 || this.promoteUntil !== undefined
    return (
      hasWrites ||
      this.requests.length > 0 ||
      this.#awaitedChanges > 0 ||
      this.onKept.length > 0 ||
      this.held.size > 0 ||
      this.reserve !== undefined
    )
  }

  /** What this server does for all that use the store is in it. */
  get isOfLease(): boolean {
    return this.leading.size > 0
  }

  /** Nobody waits for it, but it is not to wait for more of its kind either. */
  get isPressing(): boolean {
    return this.own.size > 0 || this.changes.length > this.#keptCount
  }

  /** It is the last one that came, as it is when its reply is promised at once. */
  isLast(addition: Addition): boolean {
    return this.additions.at(-1) === addition
  }

  /** `runAt` and `expireAt` are dates; 0 is none. */
  add(addition: Addition, number: number, runAt: number, expireAt: number, submission: Submission): void {
    this.additions.push(addition)
    if (addition.kind === 'live') this.live.add(addition.number)
    if (addition.isOwn) this.own.set(addition, kept(submission))
    const head = this.#head
    head.number = number
    head.runAt = runAt
    head.function = this.#indexOf(addition.function)
    head.priority = addition.priority
    head.expireAt = expireAt
    head.isClaimed = addition.job !== undefined
    head.isThrottled = addition.function.policyOf(submission.options).uniqueForMs > 0
    this.#records.add(head, submission, submission.workload)
  }

  change(change: StoredChange, onChanged?: OnChanged): void {
    if (change.kind === 'document' && this.#isReplaced(change, onChanged)) return
    this.#changeBytes += bytesOf(change)
    this.changes.push(change)
    this.onChanged.push(onChanged)
    if (onChanged !== undefined) this.#awaitedChanges++
    if (change.kind === 'keep') this.#keptCount++
    if (change.kind === 'keep' || change.kind === 'bury') this.gone.add(change.number)
    if (change.kind === 'retry' && change.runAt > 0) this.putOff.add(change.number)
  }

  /** A document that is said again before it is kept takes the place of the first one: only the last body counts. */
  #isReplaced(change: Extract<StoredChange, { kind: 'document' }>, onChanged: OnChanged | undefined): boolean {
    const { kind, name } = change.document
    const key = `${kind} ${name}`
    const index = this.#documents.get(key)
    if (index === undefined || onChanged !== undefined) {
      this.#documents.set(key, this.changes.length)
      return false
    }
    const before = this.changes[index]
    this.#changeBytes += bytesOf(change) - (before === undefined ? 0 : bytesOf(before))
    this.changes[index] = change
    return true
  }

  /** All changes, and who waits for them; the batch has none then. */
  takeChanges(): (readonly [StoredChange, OnChanged | undefined])[] {
    const taken = this.changes.map((change, index) => [change, this.onChanged[index]] as const)
    this.changes.length = 0
    this.onChanged.length = 0
    this.gone.clear()
    this.putOff.clear()
    this.#documents.clear()
    this.#awaitedChanges = 0
    this.#keptCount = 0
    this.#changeBytes = 0
    return taken
  }

  request(request: StoreRequest, onAnswer: OnAnswer): void {
    this.requests.push(request)
    this.onAnswer.push(onAnswer)
  }

  /** Replies that wait for this one: more than one if others have joined it meanwhile. */
  promisesOf(addition: Addition): readonly PromisedReply[] {
    this.#promisesOf ??= groupByAddition(this.promises)
    return this.#promisesOf.get(addition) ?? []
  }

  /** What is handed to the store; nothing is added from now on. */
  written(now: number): Batch {
    return {
      now,
      forget: Float64Array.from(this.forget),
      cancel: this.cancel,
      changes: this.changes,
      functions: this.#functions,
      additions: this.#records.written(),
      additionCount: this.additions.length,
      promoteUntil: this.promoteUntil,
      reserve: this.reserve,
      requests: this.requests,
      ...(this.isOfLease ? { isOfLease: true } : {}),
    }
  }

  #indexOf(jobFunction: JobFunction): number {
    let index = this.#indexes.get(jobFunction)
    if (index === undefined) {
      index = this.#functions.push(jobFunction.name) - 1
      this.#indexes.set(jobFunction, index)
    }
    return index
  }
}

/** What is in it of any length. */
function bytesOf(change: StoredChange): number {
  switch (change.kind) {
    case 'document':
      return change.document.body?.length ?? 0
    case 'keep':
      return change.data.length
    case 'retry':
    case 'bury':
      return change.failure?.error.length ?? 0
    case 'revive':
      return change.workload?.length ?? 0
    case 'release':
      return change.numbers.byteLength
    case 'history':
      return change.samples.reduce((sum, { rows }) => sum + rows.length, 0)
    case 'delete dead':
    case 'delete result':
    case 'discard':
    case 'prioritize':
    case 'hasten':
    case 'sweep':
      return 0
  }
}

/** The bytes may lie in a buffer for the next input. A literal is made several times as fast as a spread. */
function kept(submission: Submission): Submission {
  const { function: name, unique, priority, background, runAt, reducer, then, options, trace } = submission
  const workload = new Uint8Array(submission.workload)
  return { function: name, unique, workload, priority, background, runAt, reducer, then, options, trace }
}

function groupByAddition(promises: readonly PromisedReply[]): Map<Addition, PromisedReply[]> {
  const groups = new Map<Addition, PromisedReply[]>()
  for (const promise of promises) {
    const group = groups.get(promise.addition)
    if (group === undefined) groups.set(promise.addition, [promise])
    else group.push(promise)
  }
  return groups
}
