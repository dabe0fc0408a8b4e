import type { Priority } from '@geartrain/engine'
import { RecordWriter } from '../records.ts'
import { type Batch, type BatchResult, type Store, StoreError, type StoreState } from '../store.ts'

const batchJobsMax = 5000
const batchBytesMax = 4 * 1024 * 1024

/** A job as it lies in a store. Names have one byte a character. */
export interface StoredJob {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly reducer: string
  readonly priority: Priority
  /** Milliseconds since 1970 while it is delayed; 0 when it is ready. */
  readonly runAt: number
  readonly workload: Uint8Array
}

/** A job on its way into a store; without a number it gets a new one. */
export type NewJob = Omit<StoredJob, 'number'> & { readonly number: number | undefined }

/**
 * Brings jobs into a store that no server has, many in a commit. What a commit has taken is there for good; whoever
 * starts again from the beginning finds the jobs that have numbers there already.
 */
export class StoreImport {
  /** So many jobs are on disk. */
  added = 0
  /** These were there already, under the same number. */
  present = 0
  /** These have joined a job with the same function and unique. */
  joined = 0
  readonly #store: Store
  /** No job has this number or a higher one. */
  #freeNumber: number
  readonly #newNumbersFrom: number
  #jobs: NewJob[] = []
  #bytes = 0
  #commit: Promise<void> = Promise.resolve()

  constructor(store: Store, { firstNumber }: StoreState, nowMs: number) {
    this.#store = store
    this.#freeNumber = firstNumber
    this.#newNumbersFrom = Math.max(firstNumber, nowMs * 1000)
  }

  /** Waits for the disk if jobs come faster than it takes them. */
  async add(job: NewJob): Promise<void> {
    this.#jobs.push(job)
    this.#bytes += job.workload.length
    if (this.#jobs.length < batchJobsMax && this.#bytes < batchBytesMax) return
    await this.#flush()
  }

  /** When it resolves, every job is on disk. */
  async end(): Promise<void> {
    await this.#flush()
    await this.#commit
  }

  /** The last batch must be on disk before the next one sets out. */
  async #flush(): Promise<void> {
    const jobs = this.#jobs
    this.#jobs = []
    this.#bytes = 0
    await this.#commit
    this.#commit = this.#keep(jobs)
    // Whoever adds or ends next hears of it.
    this.#commit.catch(() => {})
  }

  async #keep(jobs: readonly NewJob[]): Promise<void> {
    const present = await this.#findPresent(jobs)
    const records = new RecordWriter()
    const functions = new Map<string, number>()
    for (const job of jobs) {
      if (job.number !== undefined && present.has(job.number)) {
        this.present++
        continue
      }
      const number = job.number ?? Math.max(this.#freeNumber, this.#newNumbersFrom)
      // Of two with the same number, the first is the one.
      present.add(number)
      this.#freeNumber = Math.max(this.#freeNumber, number + 1)
      let index = functions.get(job.function)
      if (index === undefined) functions.set(job.function, (index = functions.size))
      const { runAt, priority } = job
      records.add({ number, runAt, function: index, priority, isClaimed: false }, job.unique, job.reducer, job.workload)
    }
    if (records.count === 0) return
    const { joined } = await this.#done({
      ...nothing,
      functions: [...functions.keys()],
      additions: records.written(),
      additionCount: records.count,
      reserveUntil: this.#freeNumber,
    })
    this.joined += joined.length / 2
    this.added += records.count - joined.length / 2
  }

  async #findPresent(jobs: readonly NewJob[]): Promise<Set<number>> {
    const numbers = jobs.flatMap(({ number }) => (number !== undefined && number < this.#freeNumber ? [number] : []))
    const present = new Set<number>()
    if (numbers.length === 0) return present
    const requests = numbers.map((number) => ({ kind: 'find', number }) as const)
    const { answers } = await this.#done({ ...nothing, requests })
    for (const answer of answers) {
      if (answer.kind === 'failed') throw new StoreError(answer.failure.code, answer.failure.message)
      if (answer.kind === 'find' && answer.job !== undefined) present.add(answer.job.number)
    }
    return present
  }

  async #done(batch: Batch): Promise<BatchResult> {
    const result = await this.#store.commit(batch)
    if (result.failure !== undefined) throw new StoreError(result.failure.code, result.failure.message)
    return result
  }
}

const nothing: Batch = {
  forget: new Float64Array(0),
  cancel: [],
  functions: [],
  additions: new Uint8Array(0),
  additionCount: 0,
  promoteUntil: undefined,
  reserveUntil: undefined,
  requests: [],
}
