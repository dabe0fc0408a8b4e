import type { Priority } from '@geartrain/engine'
import {
  type Batch,
  type BatchResult,
  nothingWritten,
  type StoreAnswer,
  type StoredFunction,
  type StoredSummary,
  type StoreRequest,
  type StoreState,
} from '@geartrain/server'
import { promotedMax, RecordReader, RecordWriter } from './parts.ts'

interface NaiveJob {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly reducer: string
  readonly priority: Priority
  readonly workload: Uint8Array
  /** 0 when it is ready. */
  runAt: number
  /** Place in the line; 0 while it is delayed. */
  position: number
  isClaimed: boolean
}

type Promoted = BatchResult['promoted'][number]

/** The rules of a store in as few words as possible: every look-up walks over all jobs. */
export class NaiveJobs {
  #jobs: NaiveJob[] = []
  #reservedUntil = 0
  #position = 0

  /** After a crash: nobody has claimed anything. */
  open(atLeast: number): StoreState {
    for (const job of this.#jobs) job.isClaimed = false
    return {
      firstNumber: Math.max(atLeast, this.#reservedUntil, ...this.#jobs.map(({ number }) => number + 1)),
      functions: this.#functions(),
      nextDueAt: this.#nextDueAt,
      nextExpiryAt: Number.POSITIVE_INFINITY,
      nextSweepAt: Number.POSITIVE_INFINITY,
      documents: [],
    }
  }

  copy(): NaiveJobs {
    const copy = new NaiveJobs()
    copy.#jobs = this.#jobs.map((job) => ({ ...job }))
    copy.#reservedUntil = this.#reservedUntil
    copy.#position = this.#position
    return copy
  }

  get workloadBytes(): number {
    return this.#jobs.reduce((sum, { workload }) => sum + workload.length, 0)
  }

  write(batch: Batch): Omit<BatchResult, 'answers'> {
    for (const number of batch.forget) this.#remove(number)
    const cancelled = batch.cancel.map((number) => this.#remove(number)).filter((job) => job !== undefined)
    const joined = this.#add(batch)
    const { promoteUntil, reserveUntil } = batch
    const promoted = promoteUntil === undefined ? [] : this.#promote(promoteUntil)
    const nextDueAt = promoteUntil === undefined ? undefined : this.#nextDueAt
    this.#reservedUntil = Math.max(this.#reservedUntil, reserveUntil ?? 0)
    return { ...nothingWritten, joined, cancelled: cancelled.map(toSummary), promoted, nextDueAt }
  }

  answer(request: StoreRequest): StoreAnswer {
    switch (request.kind) {
      case 'claim':
        return this.#claim(request)
      case 'find':
        return find(this.#jobs.find(({ number }) => number === request.number))
      case 'find unique':
        return find(this.#sorted.find(({ unique }) => unique === request.unique && isName(unique)))
      case 'find same':
        return find(this.#same(request.function, request.unique, request.workload))
      case 'list': {
        const jobs = this.#sorted.filter(({ number }) => number > request.after)
        return { kind: 'list', jobs: jobs.slice(0, request.jobsMax).map(toSummary) }
      }
      default:
        throw new Error(`not modelled: ${request.kind}`)
    }
  }

  get #sorted(): NaiveJob[] {
    return this.#jobs.toSorted((a, b) => a.number - b.number)
  }

  get #nextDueAt(): number {
    return Math.min(...this.#jobs.filter(isDelayed).map(({ runAt }) => runAt))
  }

  #remove(number: number): NaiveJob | undefined {
    const index = this.#jobs.findIndex((job) => job.number === number)
    return index === -1 ? undefined : this.#jobs.splice(index, 1)[0]
  }

  #add({ functions, additions }: Batch): Float64Array {
    const joined: number[] = []
    const reader = new RecordReader(additions)
    for (let index = 0; reader.next(); index++) {
      const { number, unique, reducer, priority, runAt, isClaimed } = reader
      const name = functions[reader.function] ?? ''
      const workload = new Uint8Array(reader.workload)
      const existing = this.#jobs.find((job) => job.number === number) ?? this.#same(name, unique, workload)
      if (existing !== undefined) {
        joined.push(index, existing.number)
        continue
      }
      const position = runAt === 0 ? ++this.#position : 0
      this.#jobs.push({ number, function: name, unique, reducer, priority, workload, runAt, position, isClaimed })
    }
    return Float64Array.from(joined)
  }

  #same(name: string, unique: string, workload: Uint8Array): NaiveJob | undefined {
    if (unique === '' || (unique === '-' && workload.length === 0)) return undefined
    return this.#jobs.find(
      (job) =>
        job.function === name &&
        job.unique === unique &&
        (isName(unique) || Buffer.compare(job.workload, workload) === 0),
    )
  }

  #promote(until: number): Promoted[] {
    const due = this.#jobs.filter((job) => isDelayed(job) && job.runAt <= until)
    due.sort((a, b) => a.runAt - b.runAt || a.number - b.number)
    const promoted = due.slice(0, promotedMax)
    for (const job of promoted) {
      job.runAt = 0
      job.position = ++this.#position
    }
    return countLines(promoted)
  }

  #claim(request: Extract<StoreRequest, { kind: 'claim' }>): StoreAnswer {
    const { function: name, priority, jobsMax, bytesMax } = request
    const line = this.#jobs.filter((job) => job.function === name && job.priority === priority && isWaiting(job))
    line.sort((a, b) => a.position - b.position)
    const writer = new RecordWriter(new Uint8Array(1024))
    let bytes = 0
    for (const job of line.slice(0, jobsMax)) {
      bytes += job.workload.length
      if (writer.count > 0 && bytes > bytesMax) break
      job.isClaimed = true
      writer.add(
        { ...job, function: 0, expireAt: 0, attempts: 0, isThrottled: false },
        { ...job, then: '' },
        job.workload,
      )
    }
    return { kind: 'claim', count: writer.count, jobs: writer.written() }
  }

  #functions(): StoredFunction[] {
    const names = new Set(this.#jobs.map((job) => job.function))
    const ready = countLines(this.#jobs.filter((job) => !isDelayed(job)))
    const delayed = countLines(this.#jobs.filter(isDelayed))
    return [...names].map((name) => {
      const readyOf = (priority: Priority) =>
        ready.find((line) => line.function === name && line.priority === priority)?.count ?? 0
      const delayedHere = delayed.filter((line) => line.function === name)
      return {
        name,
        dead: 0,
        ready: [readyOf(0), readyOf(1), readyOf(2)],
        delayed: delayedHere.reduce((sum, { count }) => sum + count, 0),
      }
    })
  }
}

function isDelayed({ position }: NaiveJob): boolean {
  return position === 0
}

function isWaiting(job: NaiveJob): boolean {
  return !isDelayed(job) && !job.isClaimed
}

/** Not one that stands for the workload, and not none. */
function isName(unique: string): boolean {
  return unique !== '' && unique !== '-'
}

function countLines(jobs: readonly NaiveJob[]): Promoted[] {
  const lines = new Map<string, { function: string; priority: Priority; count: number }>()
  for (const { function: name, priority } of jobs) {
    const key = `${priority} ${name}`
    const line = lines.get(key) ?? { function: name, priority, count: 0 }
    line.count++
    lines.set(key, line)
  }
  return [...lines.values()]
}

function find(job: NaiveJob | undefined): StoreAnswer {
  return { kind: 'find', job: job && toSummary(job) }
}

function toSummary({ number, function: name, unique, priority, runAt }: NaiveJob): StoredSummary {
  return { number, function: name, unique, priority, runAt }
}
