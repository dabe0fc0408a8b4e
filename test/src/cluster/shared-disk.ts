import {
  type Batch,
  type BatchResult,
  type ClusterListener,
  type ClusterServer,
  emptyBatch,
  type HeardDocument,
  type LimitDemand,
  nothingWritten,
  type ServerReport,
  type Store,
  type StoreAnswer,
  type StoreCluster,
  type StoredLine,
  type StoredSummary,
  StoreError,
  type StoreRequest,
  type StoreState,
} from '@geartrain/server'
import { NaiveJobs } from '../store-suite/naive-jobs.ts'
import { RecordReader } from '../store-suite/parts.ts'

/** A lease of a server. */
interface Lease {
  readonly id: number
  readonly store: SharedStore
  hasEnded: boolean
}

/**
 * What several servers share: a ledger in memory, with owners of jobs and leases of servers. News goes round when a test
 * says so: `beat`.
 */
export class SharedDisk {
  #jobs = new NaiveJobs()
  readonly #leases: Lease[] = []
  readonly #owners = new Map<number, number>()
  #leader: Lease | undefined
  /** What the database's clock is ahead of the machine's. */
  aheadMs = 0
  /** How a limit is shared: by function and the name of the server. */
  readonly shares = new Map<string, number>()
  /** Numbers that were set aside: by the name of the server. */
  readonly ranges: { readonly server: string; readonly first: number; readonly count: number }[] = []

  /** Of the one that is alive. */
  leaseOf(store: SharedStore): Lease | undefined {
    return this.#leases.find((lease) => lease.store === store && !lease.hasEnded)
  }

  get leader(): string | undefined {
    return this.#leader?.store.serverName
  }

  /** Numbers of jobs that a server has. */
  ownedBy(store: SharedStore): number[] {
    const lease = this.leaseOf(store)
    return [...this.#owners].filter(([, owner]) => owner === lease?.id).map(([number]) => number)
  }

  get jobs(): StoredSummary[] {
    const answer = this.#jobs.answer({ kind: 'list', after: 0, jobsMax: 1e6 })
    return answer.kind === 'list' ? [...answer.jobs] : []
  }

  document(kind: string, name: string): string | undefined {
    const { documents } = this.#jobs.copy().open(0)
    return documents.find((document) => document.kind === kind && document.name === name)?.body
  }

  /** What the call that it gives comes back to, as a copy that takes the place of a lost database and was behind. */
  behind(): () => void {
    const jobs = this.#jobs.copy()
    return () => {
      this.#jobs = jobs
    }
  }

  /** The bodies of all of a kind. */
  documents(kind: string): string[] {
    return this.#jobs
      .copy()
      .open(0)
      .documents.flatMap((document) => (document.kind === kind ? [document.body] : []))
  }

  open(store: SharedStore, atLeast: number, held: Float64Array = new Float64Array(0)): StoreState {
    const before = this.#leases.findLast((lease) => lease.store === store)
    const lease: Lease = { id: this.#leases.length + 1, store, hasEnded: false }
    const mine = before?.hasEnded === false ? before.id : -1
    this.#leases.push(lease)
    const resolved = store.resolve((batch) => {
      // Under the new lease.
      return this.write(lease, batch)
    })
    const lost: number[] = []
    for (const number of held) {
      const owner = this.#owners.get(number)
      if (owner === mine || (owner !== undefined && owner === before?.id)) this.#owners.set(number, lease.id)
      else if (owner !== lease.id) lost.push(number)
    }
    if (before !== undefined) this.end(before)
    const state = this.#jobs.copy().open(atLeast)
    return { ...state, shared: { lost: Float64Array.from(lost), resolved } }
  }

  /** For good: what it had is anybody's. */
  end(lease: Lease): void {
    lease.hasEnded = true
    if (this.#leader === lease) this.#leader = undefined
    const numbers = [...this.#owners].filter(([, owner]) => owner === lease.id).map(([number]) => number)
    this.#release(numbers)
  }

  #release(numbers: readonly number[]): void {
    for (const number of numbers) this.#owners.delete(number)
    this.#jobs.write({ ...emptyBatch, changes: [{ kind: 'release', numbers: Float64Array.from(numbers) }] })
  }

  write(lease: Lease, batch: Batch): Omit<BatchResult, 'answers'> {
    const isOthers = (number: number) => (this.#owners.get(number) ?? lease.id) !== lease.id
    const isLeft = ({ kind }: { readonly kind: string }) => kind === 'retry' || kind === 'bury' || kind === 'keep'
    const changes = batch.changes.filter((change) => !(isLeft(change) && 'number' in change && isOthers(change.number)))
    const result = this.#jobs.write({ ...batch, forget: batch.forget.filter((each) => !isOthers(each)), changes })
    if (batch.reserve !== undefined && result.reserved !== undefined) {
      this.ranges.push({ server: lease.store.serverName, first: result.reserved, count: batch.reserve.count })
    }
    const joined = new Set(result.joined.filter((_, index) => index % 2 === 0))
    const reader = new RecordReader(batch.additions)
    for (let index = 0; reader.next(); index++) {
      if (joined.has(index)) continue
      if (reader.isClaimed) this.#owners.set(reader.number, lease.id)
      else if (reader.runAt === 0) {
        this.#ready(lease, { function: batch.functions[reader.function] ?? '', priority: reader.priority })
      }
    }
    for (const { number } of result.cancelled) {
      const owner = this.#leases.find(({ id }) => id === this.#owners.get(number))
      if (owner !== undefined && owner !== lease) owner.store.news.cancelled.push(number)
      this.#owners.delete(number)
    }
    for (const number of batch.forget) if (!isOthers(number)) this.#owners.delete(number)
    for (const change of changes) {
      if (change.kind === 'release') for (const number of change.numbers) this.#owners.delete(number)
      if (change.kind === 'bury' || change.kind === 'keep') this.#owners.delete(change.number)
      if (change.kind === 'retry' && change.runAt > 0) this.#owners.delete(change.number)
      if (change.kind === 'document') {
        for (const other of this.#others(lease)) other.store.news.documents.push(change.document)
      }
    }
    return { ...result, changed: batch.changes.map((change) => (changes.includes(change) ? 'done' : 'not found')) }
  }

  answer(lease: Lease, request: StoreRequest): StoreAnswer {
    const answer = this.#jobs.answer(request)
    if (answer.kind === 'claim') {
      const reader = new RecordReader(answer.jobs)
      while (reader.next()) this.#owners.set(reader.number, lease.id)
      return answer
    }
    const told = <Job extends StoredSummary>(job: Job): Job => {
      const owner = this.#owners.get(job.number)
      return owner === undefined || owner === lease.id ? job : { ...job, claimedBy: owner }
    }
    if (answer.kind === 'find') return { ...answer, job: answer.job && told(answer.job) }
    if (answer.kind === 'describe') return { ...answer, job: answer.job && told(answer.job) }
    if (answer.kind === 'list') return { ...answer, jobs: answer.jobs.map(told) }
    if (answer.kind === 'list expired') return { ...answer, jobs: answer.jobs.map(told) }
    if (answer.kind === 'scan') return { ...answer, jobs: answer.jobs.map(told) }
    return answer
  }

  #others(lease: Lease): Lease[] {
    return this.#leases.filter((other) => other !== lease && !other.hasEnded)
  }

  #ready(lease: Lease, line: StoredLine): void {
    for (const other of this.#others(lease)) other.store.news.ready.push(line)
  }

  /** All that are alive hear of the others. */
  beat(): void {
    const alive = this.#leases.filter(({ hasEnded, store }) => !hasEnded && !store.isCut)
    const ended = this.#leader?.hasEnded !== false
    if (ended) this.#leader = alive[0]
    for (const lease of alive) {
      const { listener, news } = lease.store
      const servers: ClusterServer[] = this.#leases
        .filter(({ hasEnded }) => !hasEnded)
        .map(({ id, store }) => ({
          id,
          name: store.serverName,
          isSelf: store === lease.store,
          isLeader: this.#leader?.store === store,
          seenAt: 0,
          report: store.said,
        }))
      listener?.onClock(this.aheadMs)
      listener?.onServers(servers)
      if (news.documents.length > 0) listener?.onDocuments(news.documents.splice(0))
      if (news.cancelled.length > 0) listener?.onCancelled(news.cancelled.splice(0))
      if (news.ready.length > 0) listener?.onReady(news.ready.splice(0))
      const { functions, nextDueAt, nextExpiryAt } = this.#jobs.copy().open(0)
      listener?.onCounts(functions, nextDueAt, nextExpiryAt)
      const highest = this.jobs.at(-1)?.number
      if (highest !== undefined) listener?.onNumber(highest)
      listener?.onLead(this.#leader === lease)
    }
  }
}

/** A commit that is not answered. */
interface Hanging {
  readonly batch: Batch
  readonly resolve: (result: BatchResult) => void
  readonly reject: (error: StoreError) => void
}

/** One server's way to the ledger. */
export class SharedStore implements Store, StoreCluster {
  readonly name = 'shared:'
  readonly cluster: StoreCluster = this
  readonly disk: SharedDisk
  readonly serverName: string
  listener: ClusterListener | undefined
  said: ServerReport | undefined
  demands: readonly LimitDemand[] = []
  readonly news: { documents: HeardDocument[]; cancelled: number[]; ready: StoredLine[] } = {
    documents: [],
    cancelled: [],
    ready: [],
  }
  /** What the server has said to hold when it was opened last. */
  held: readonly number[] = []
  /** It can't be reached: nothing is committed, and it can't be opened. */
  isCut = false
  /** It takes no writes. */
  isFull = false
  /** What it does is answered when it goes on. */
  isLate = false
  #late: (() => void)[] = []
  #hanging: Hanging | undefined
  /** It is being asked for what became of this one. */
  #unresolved: { readonly batch: Batch; readonly result: Omit<BatchResult, 'answers'> | undefined } | undefined

  constructor(disk: SharedDisk, serverName: string) {
    this.disk = disk
    this.serverName = serverName
  }

  serve(listener: ClusterListener): void {
    this.listener = listener
  }

  report(report: ServerReport): void {
    this.said = report
  }

  checkLease(): void {}

  async whenDropped(): Promise<void> {}

  demand(demands: readonly LimitDemand[]): void {
    this.demands = demands
    this.listener?.onShares(
      demands.map(({ function: name, rate }) => {
        return { function: name, concurrency: this.disk.shares.get(`${name} ${this.serverName}`) ?? 0, rate }
      }),
    )
  }

  open(atLeast: number, held: Float64Array = new Float64Array(0)): Promise<StoreState> {
    this.held = [...held]
    if (this.isCut) return Promise.reject(cutOff())
    return Promise.resolve(this.disk.open(this, atLeast, held))
  }

  commit(batch: Batch): Promise<BatchResult> {
    if (this.isCut) return new Promise((resolve, reject) => (this.#hanging = { batch, resolve, reject }))
    const lease = this.disk.leaseOf(this)
    if (lease === undefined) {
      this.#unresolved = { batch, result: undefined }
      return Promise.reject(new StoreError('LEASE_LOST', 'the lease is lost'))
    }
    const writes = this.isFull ? { ...nothingWritten, failure: full } : this.disk.write(lease, batch)
    const result = { ...writes, answers: batch.requests.map((each) => this.disk.answer(lease, each)) }
    return new Promise((resolve) => {
      if (this.isLate) this.#late.push(() => resolve(result))
      else resolve(result)
    })
  }

  /** It can be reached again, and a commit that hangs is done, or answered. */
  async goOn(): Promise<void> {
    this.isLate = false
    for (const answer of this.#late.splice(0)) answer()
    const hanging = this.#hanging
    this.#hanging = undefined
    this.isCut = false
    if (hanging !== undefined) hanging.resolve(await this.commit(hanging.batch))
  }

  /** The connection is lost; a commit that hangs was kept, or was not. */
  lose(isKept: boolean): void {
    const hanging = this.#hanging
    this.#hanging = undefined
    const lease = this.disk.leaseOf(this)
    if (hanging === undefined) return this.listener?.onBroken('CUT_OFF', 'the connection is lost')
    const isWritten = isKept && lease !== undefined
    this.#unresolved = { batch: hanging.batch, result: isWritten ? this.disk.write(lease, hanging.batch) : undefined }
    hanging.reject(cutOff())
  }

  /** Others have ended its lease. */
  expire(): void {
    const lease = this.disk.leaseOf(this)
    if (lease !== undefined) this.disk.end(lease)
  }

  resolve(write: (batch: Batch) => Omit<BatchResult, 'answers'>): BatchResult | undefined {
    const unresolved = this.#unresolved
    this.#unresolved = undefined
    if (unresolved === undefined) return undefined
    const { batch, result } = unresolved
    const lapsed = { code: 'LEASE_LOST', message: 'another server does that by now', isBroken: false }
    if (result === undefined && batch.isOfLease === true) return { ...nothingWritten, failure: lapsed, answers: [] }
    return { ...(result ?? write(batch)), answers: [] }
  }

  close(): Promise<void> {
    this.expire()
    return Promise.resolve()
  }
}

const full = { code: 'FULL', message: 'it is full', isBroken: false }

function cutOff(): StoreError {
  return new StoreError('CUT_OFF', 'the connection is lost')
}
