import type { Addition, Priority, StockedFunction, Submission } from '@geartrain/engine'

/** A job in the store. It is delayed unless `runAt` is 0. */
export interface StoredJob extends Submission {
  readonly number: number
  readonly runAt: number
  isClaimed: boolean
}

export interface ClaimRequest {
  readonly kind: 'claim'
  readonly function: string
  readonly priority: Priority
  readonly jobsMax: number
  readonly bytesMax: number
}

export interface AskRequest {
  readonly kind: 'ask'
  readonly addition: Addition
  readonly submission: Submission
}

/** What the store is told at a time. */
export interface Batch {
  readonly forget: number[]
  readonly cancel: number[]
  readonly additions: { readonly addition: Addition; readonly submission: Submission }[]
  promoteUntil: number | undefined
  readonly requests: (ClaimRequest | AskRequest)[]
}

/** What came of a batch. */
export interface Done {
  /** Undefined: nothing was written. */
  readonly written: Written | undefined
  /** For each request; undefined: it could not be answered. */
  readonly answers: readonly (readonly StoredJob[] | undefined)[]
}

export interface Written {
  readonly cancelled: readonly StoredJob[]
  /** For each addition the number of the job that was there before, if one was: another one, or itself. */
  readonly joined: readonly (number | undefined)[]
  readonly promoted: readonly { readonly function: string; readonly priority: Priority; readonly count: number }[]
  readonly nextDueAt: number
}

/** So many delayed jobs become ready in one batch. */
const promotedMax = 2

/** A store for the tests: one array in the order of the line, searched from the start each time. */
export class NaiveStore {
  /** Ready ones in the order they became ready, among them the delayed ones wherever. */
  jobs: StoredJob[] = []

  /** All that is ready can be claimed anew. */
  open(): { functions: StockedFunction[]; nextDueAt: number } {
    for (const job of this.jobs) job.isClaimed = false
    const names = [...new Set(this.jobs.map((job) => job.function))]
    const functions = names.map((name) => {
      const delayed = this.jobs.filter((job) => job.function === name && job.runAt > 0).length
      return { name, ready: [this.#count(name, 0), this.#count(name, 1), this.#count(name, 2)] as const, delayed }
    })
    return { functions, nextDueAt: this.nextDueAt }
  }

  get nextDueAt(): number {
    return Math.min(...this.jobs.filter((job) => job.runAt > 0).map((job) => job.runAt))
  }

  perform(batch: Batch, canWrite: boolean, canRead: boolean): Done {
    const written = canWrite ? this.write(batch) : undefined
    const answers = batch.requests.map((request) => (canRead ? this.#answer(request) : undefined))
    return { written, answers }
  }

  write({ forget, cancel, additions, promoteUntil }: Batch): Written {
    this.jobs = this.jobs.filter((job) => !forget.includes(job.number))
    const cancelled = this.jobs.filter((job) => cancel.includes(job.number))
    this.jobs = this.jobs.filter((job) => !cancel.includes(job.number))
    const joined = additions.map(({ addition, submission }) => this.#add(addition, submission))
    const promoted = promoteUntil === undefined ? [] : this.#promote(promoteUntil)
    return { cancelled, joined, promoted, nextDueAt: this.nextDueAt }
  }

  #answer(request: ClaimRequest | AskRequest): StoredJob[] {
    return request.kind === 'claim' ? this.#claim(request) : this.jobs.filter((job) => isSame(job, request.submission))
  }

  #claim(request: ClaimRequest): StoredJob[] {
    const { jobsMax, bytesMax } = request
    const claimed: StoredJob[] = []
    let bytes = 0
    for (const job of this.#line(request.function, request.priority).filter((ready) => !ready.isClaimed)) {
      bytes += job.workload.length
      if (claimed.length === jobsMax || (bytes > bytesMax && claimed.length > 0)) break
      job.isClaimed = true
      claimed.push(job)
    }
    return claimed
  }

  #add({ number, job }: Addition, submission: Submission): number | undefined {
    const known =
      this.jobs.find((stored) => stored.number === number) ?? this.jobs.find((stored) => isSame(stored, submission))
    if (known === undefined) this.jobs.push({ ...submission, number, background: true, isClaimed: job !== undefined })
    return known?.number
  }

  #promote(until: number): Written['promoted'] {
    const due = this.jobs.filter((job) => job.runAt > 0 && job.runAt <= until)
    const promoted = due.toSorted((a, b) => a.runAt - b.runAt || a.number - b.number).slice(0, promotedMax)
    this.jobs = [
      ...this.jobs.filter((job) => !promoted.includes(job)),
      ...promoted.map((job) => ({ ...job, runAt: 0 })),
    ]
    return promoted.map((job) => ({ function: job.function, priority: job.priority, count: 1 }))
  }

  #line(name: string, priority: Priority): StoredJob[] {
    return this.jobs.filter((job) => job.function === name && job.priority === priority && job.runAt === 0)
  }

  #count(name: string, priority: Priority): number {
    return this.#line(name, priority).length
  }
}

function isSame(job: Submission, submission: Submission): boolean {
  if (job.function !== submission.function || job.unique !== submission.unique || job.unique === '') return false
  if (job.unique !== '-') return true
  return job.workload.length > 0 && Buffer.compare(job.workload, submission.workload) === 0
}
