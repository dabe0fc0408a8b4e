import {
  type Batch,
  type BatchResult,
  nothingWritten,
  type Store,
  type StoreAnswer,
  StoreError,
  type StoreFailure,
  type StoreState,
} from '@geartrain/server'
import { NaiveJobs } from '../store-suite/naive-jobs.ts'

const fullFailure: StoreFailure = { code: 'SQLITE_FULL', message: 'database or disk is full', isBroken: false }
const brokenFailure: StoreFailure = { code: 'SQLITE_IOERR', message: 'disk I/O error', isBroken: true }

type Writes = Omit<BatchResult, 'answers'>

/** What is left of a store when its process has gone: another store can be opened on it. */
export class FakeDisk {
  jobs: NaiveJobs = new NaiveJobs()
  /** Of workloads; there is no room for more. */
  bytesMax: number

  constructor(bytesMax: number = Number.POSITIVE_INFINITY) {
    this.bytesMax = bytesMax
  }

  /** All of it or nothing. */
  write(batch: Batch): Writes {
    if (this.bytesMax === Number.POSITIVE_INFINITY) return this.jobs.write(batch)
    const jobs = this.jobs.copy()
    const writes = jobs.write(batch)
    if (jobs.workloadBytes > this.bytesMax) return { ...nothingWritten, failure: fullFailure }
    this.jobs = jobs
    return writes
  }
}

interface Commit {
  readonly batch: Batch
  readonly resolve: (result: BatchResult) => void
  readonly reject: (error: StoreError) => void
}

/**
 * A store in memory that does what a test says and when it says so, and fails in every way that a store can. Nothing
 * in it depends on time or chance.
 */
export class FakeStore implements Store {
  readonly name = 'fake:'
  readonly disk: FakeDisk
  /** Commits are done at once. Otherwise each one waits for `finish()`. */
  isAuto = true
  /** Why it can't be opened; undefined if it can. */
  openError: StoreError | undefined
  #isOpen = false
  #hasCrashed = false
  #commit: Commit | undefined
  #nextFailure: StoreFailure | undefined

  constructor(disk: FakeDisk = new FakeDisk()) {
    this.disk = disk
  }

  /** A commit is in flight. */
  get isBusy(): boolean {
    return this.#commit !== undefined
  }

  open(atLeast: number): Promise<StoreState> {
    if (this.#hasCrashed) return never
    if (this.openError !== undefined) return Promise.reject(this.openError)
    this.#isOpen = true
    return Promise.resolve(this.disk.jobs.open(atLeast))
  }

  commit(batch: Batch): Promise<BatchResult> {
    if (this.#hasCrashed) return never
    if (!this.#isOpen) return Promise.reject(new StoreError('STORE_NOT_OPEN', 'the fake store is not open'))
    if (this.isBusy) throw new Error('the last commit is not done yet')
    return new Promise((resolve, reject) => {
      // Whoever gave it can't see into it any more, as with a thread.
      const buffers = [batch.forget.buffer, batch.additions.buffer]
      const transfer = buffers.filter((each) => each instanceof ArrayBuffer).filter((each) => each.byteLength > 0)
      this.#commit = { batch: structuredClone(batch, { transfer }), resolve, reject }
      if (this.isAuto) this.finish()
    })
  }

  close(): Promise<void> {
    if (this.#hasCrashed) return never
    this.finish()
    this.#isOpen = false
    return Promise.resolve()
  }

  /** Does the commit that is in flight. False: there is none. */
  finish(): boolean {
    const commit = this.#takeCommit()
    if (commit === undefined) return false
    const { batch, resolve } = commit
    const failure = this.#nextFailure
    this.#nextFailure = undefined
    const writes = failure === undefined ? this.disk.write(batch) : { ...nothingWritten, failure }
    if (writes.failure?.isBroken === true) {
      this.#isOpen = false
      const failed: StoreAnswer = { kind: 'failed', failure: writes.failure }
      resolve({ ...writes, answers: batch.requests.map(() => failed) })
    } else {
      resolve({ ...writes, answers: batch.requests.map((request) => this.disk.jobs.answer(request)) })
    }
    return true
  }

  /** The next commit that is done fails: there is no room, or the store must be opened anew. */
  failNext(how: 'full' | 'broken'): void {
    this.#nextFailure = how === 'full' ? fullFailure : brokenFailure
  }

  /** Its thread ends, and nobody knows whether the commit in flight was kept. */
  die(isKept: boolean): void {
    const commit = this.#takeCommit()
    if (isKept && commit !== undefined) this.disk.write(commit.batch)
    this.#isOpen = false
    commit?.reject(new StoreError('STORE_THREAD_DIED', 'the thread of the fake store has ended'))
  }

  /** The process ends: nothing is answered any more, and another store can be opened on the disk. */
  crash(isKept: boolean): void {
    const commit = this.#takeCommit()
    if (isKept && commit !== undefined) this.disk.write(commit.batch)
    this.#hasCrashed = true
  }

  #takeCommit(): Commit | undefined {
    const commit = this.#commit
    this.#commit = undefined
    return commit
  }
}

/** Of a process that is no more. */
const never: Promise<never> = new Promise(() => {})
