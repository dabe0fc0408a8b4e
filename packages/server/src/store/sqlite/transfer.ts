import type { Priority } from '@geartrain/engine'
import { RecordWriter } from '../records.ts'
import {
  type Batch,
  type BatchResult,
  emptyBatch,
  type Store,
  StoreError,
  type StoreFailure,
  type StoreState,
} from '../store.ts'

const batchJobsMax = 5000
const batchBytesMax = 4 * 1024 * 1024

/** A job as it lies in a store. Names have one byte a character. */
export interface StoredJob {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly reducer: string
  /** The function that its result goes to; empty: none. */
  readonly then: string
  /** What its policy says differently from its function's; empty: nothing. */
  readonly options: string
  readonly trace: string
  readonly priority: Priority
  /** Milliseconds since 1970 while it is delayed; 0 when it is ready. */
  readonly runAt: number
  /** When it should have begun, in the same way; 0: whenever. */
  readonly expireAt: number
  /** Those that have ended. */
  readonly attempts: number
  readonly workload: Uint8Array
}

/** A job on its way into a store; without a number it gets a new one. */
export type NewJob = Omit<StoredJob, 'number'> & { readonly number: number | undefined }

/**
 * Brings jobs into a store that no server has, many in a commit. What a commit has taken is there for good; whoever
 * starts again from the beginning finds the jobs that have numbers there already.
 */
export class StoreImport<Job extends NewJob = NewJob> {
  /** So many jobs are on disk that were not there before. */
  added = 0
  /** These were there already, under the same number. */
  present = 0
  /** These have joined a job with the same function and unique. */
  joined = 0
  /** This one and all before it are done with. */
  last: Job | undefined
  readonly #store: Store
  /** No job has this number or a higher one. */
  #freeNumber: number
  readonly #nowMs: number
  /** Of jobs without one. */
  readonly #newNumberMin: number
  #hasGivenNumbers = false
  #jobs: Job[] = []
  #bytes = 0
  #commit: Promise<void> = Promise.resolve()

  constructor(store: Store, { firstNumber }: StoreState, nowMs: number) {
    this.#store = store
    this.#nowMs = nowMs
    this.#freeNumber = firstNumber
    this.#newNumberMin = Math.max(firstNumber, nowMs * 1000)
  }

  /** It is time to flush. */
  get isFull(): boolean {
    return this.#jobs.length >= batchJobsMax || this.#bytes >= batchBytesMax
  }

  add(job: Job): void {
    this.#jobs.push(job)
    this.#bytes += job.workload.length
  }

  /** Sends what was added on its way, which begins when what is on its way is on disk. */
  async flush(): Promise<void> {
    const jobs = this.#jobs
    this.#jobs = []
    this.#bytes = 0
    await this.#commit
    this.#commit = this.#keep(jobs)
    // Whoever flushes or ends next hears of it.
    this.#commit.catch(() => {})
  }

  /** When it resolves, every job is on disk. */
  async end(): Promise<void> {
    await this.flush()
    await this.#commit
  }

  async #keep(jobs: readonly Job[]): Promise<void> {
    const present = await this.#findPresent(jobs)
    const records = new RecordWriter()
    const functions = new Map<string, number>()
    for (const job of jobs) {
      this.#assertOwn(job)
      if (job.number !== undefined && present.has(job.number)) continue
      const number = job.number ?? this.#newNumber()
      // Of two with the same number, the first is the one.
      present.add(number)
      this.#freeNumber = Math.max(this.#freeNumber, number + 1)
      let index = functions.get(job.function)
      if (index === undefined) functions.set(job.function, (index = functions.size))
      const { runAt, expireAt, attempts, priority } = job
      const head = {
        number,
        runAt,
        expireAt,
        readyAt: 0,
        function: index,
        attempts,
        priority,
        isClaimed: false,
        isThrottled: false,
      }
      records.add(head, job, job.workload)
    }
    if (records.count > 0) {
      const { joined } = await this.#done({
        ...emptyBatch,
        now: this.#nowMs,
        functions: [...functions.keys()],
        additions: records.written(),
        additionCount: records.count,
        reserve: { from: this.#freeNumber, count: 0 },
      })
      this.joined += joined.length / 2
      this.added += records.count - joined.length / 2
    }
    this.present += jobs.length - records.count
    this.last = jobs.at(-1)
  }

  #newNumber(): number {
    this.#hasGivenNumbers = true
    return Math.max(this.#freeNumber, this.#newNumberMin)
  }

  /** It would be taken for one that is there already, and lost. */
  #assertOwn({ number }: NewJob): void {
    if (number === undefined || number < this.#newNumberMin || !this.#hasGivenNumbers) return
    throw new StoreError(
      'NUMBER_TAKEN',
      `the number ${number} may have been given to a job that came without one; import jobs with and without numbers by themselves`,
    )
  }

  async #findPresent(jobs: readonly NewJob[]): Promise<Set<number>> {
    const numbers = jobs.flatMap(({ number }) => (number !== undefined && number < this.#freeNumber ? [number] : []))
    const present = new Set<number>()
    if (numbers.length === 0) return present
    const requests = numbers.map((number) => ({ kind: 'find', number }) as const)
    const { answers } = await this.#done({ ...emptyBatch, requests })
    for (const answer of answers) {
      if (answer.kind === 'failed') throw this.#error(answer.failure)
      if (answer.kind === 'find' && answer.job !== undefined) present.add(answer.job.number)
    }
    return present
  }

  async #done(batch: Batch): Promise<BatchResult> {
    const result = await this.#store.commit(batch)
    if (result.failure !== undefined) throw this.#error(result.failure)
    return result
  }

  #error({ code, message }: StoreFailure): StoreError {
    return new StoreError(code, `${this.#store.name} can't be written (${code}: ${message})`)
  }
}
