import type { Addition, DeathReason, Ending, Failure, Priority, StockedFunction, Submission } from '@geartrain/engine'

/** A job in the store. It is delayed unless `runAt` is 0. */
export interface StoredJob extends Submission {
  readonly number: number
  readonly runAt: number
  /** 0: never. */
  readonly expireAt: number
  /** Those that have ended. */
  readonly attempts: number
  readonly failures: readonly string[]
  /** Since when it can be begun, once it is ready. */
  readonly readyAt: number
  isClaimed: boolean
  /** It is claimed by another server. */
  isOthers: boolean
}

export interface DeadJob extends StoredJob {
  readonly reason: DeathReason
}

export interface KeptJob extends StoredJob {
  readonly outcome: Ending['outcome']
  readonly keepUntil: number
  readonly uniqueUntil: number
}

/** The engine has said those of the first three kinds, and they are said again until they are kept. */
export type Change =
  | {
      readonly kind: 'retry'
      readonly number: number
      readonly runAt: number
      readonly attempts: number
      readonly failure: Failure
    }
  | {
      readonly kind: 'bury'
      readonly number: number
      readonly reason: DeathReason
      readonly attempts: number
      readonly failure: Failure | undefined
      readonly deadMax: number
    }
  | {
      readonly kind: 'keep'
      readonly number: number
      readonly outcome: Ending['outcome']
      readonly keepUntil: number
      readonly uniqueUntil: number
    }
  | { readonly kind: 'release'; readonly number: number }
  | { readonly kind: 'revive'; readonly number: number }
  | {
      readonly kind: 'prioritize'
      readonly number: number
      readonly priority: Priority
      /** The engine has moved it already. */
      readonly hasMoved?: true
    }
  | { readonly kind: 'hasten'; readonly number: number }

export interface ClaimRequest {
  readonly kind: 'claim'
  readonly function: string
  readonly priority: Priority
  readonly jobsMax: number
  readonly bytesMax: number
}

interface AskRequest {
  readonly kind: 'ask'
  readonly addition: Addition
  readonly submission: Submission
}

interface ExpiredRequest {
  readonly kind: 'expired'
  readonly until: number
  readonly after: StoredJob | undefined
}

/** What the store is told at a time. */
export interface Batch {
  now: number
  readonly forget: number[]
  readonly cancel: number[]
  readonly changes: Change[]
  readonly additions: { readonly addition: Addition; readonly submission: Submission }[]
  promoteUntil: number | undefined
  readonly requests: (ClaimRequest | AskRequest | ExpiredRequest)[]
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
  /** The same for those that joined one that has ended not long ago. */
  readonly throttled: readonly (number | undefined)[]
  /** For each change the job as it was before; undefined: there was none. */
  readonly changed: readonly (StoredJob | undefined)[]
  readonly promoted: readonly { readonly function: string; readonly priority: Priority; readonly count: number }[]
  readonly nextDueAt: number
}

/** So many delayed jobs become ready in one batch. */
const promotedMax = 2
/** So many expired jobs are listed at a time. */
export const expiredMax = 2

/** A store for the tests: one array in the order of the line, searched from the start each time. */
export class NaiveStore {
  /** Ready ones in the order they became ready, among them the delayed ones wherever. */
  jobs: StoredJob[] = []
  /** The latest last. */
  dead: DeadJob[] = []
  kept: KeptJob[] = []

  /** All that is ready can be claimed anew, but for what others have and what is held. */
  open(held: readonly number[] = []): { functions: StockedFunction[]; nextDueAt: number; nextExpiryAt: number } {
    for (const job of this.jobs) job.isClaimed = job.isOthers || (job.isClaimed && held.includes(job.number))
    return { functions: this.count(this.jobs), nextDueAt: this.nextDueAt, nextExpiryAt: this.nextExpiryAt() }
  }

  count(jobs: readonly StoredJob[]): StockedFunction[] {
    return [...new Set(jobs.map((job) => job.function))].map((name) => {
      const own = jobs.filter((job) => job.function === name)
      const lines = [0, 1, 2].map(
        (priority) => own.filter((job) => job.runAt === 0 && job.priority === priority).length,
      )
      const [high = 0, normal = 0, low = 0] = lines
      return { name, ready: [high, normal, low], delayed: own.filter((job) => job.runAt > 0).length }
    })
  }

  get nextDueAt(): number {
    return Math.min(...this.jobs.filter((job) => job.runAt > 0).map((job) => job.runAt))
  }

  /** Of those behind this one. */
  nextExpiryAt(after?: StoredJob): number {
    const times = this.jobs.filter((job) => after === undefined || byExpiry(job, after) > 0).map((job) => job.expireAt)
    return Math.min(...times.filter((time) => time > 0))
  }

  perform(batch: Batch, canWrite: boolean, canRead: boolean): Done {
    const written = canWrite ? this.write(batch) : undefined
    const answers = batch.requests.map((request) => (canRead ? this.#answer(request) : undefined))
    return { written, answers }
  }

  write({ now, forget, cancel, changes, additions, promoteUntil }: Batch): Written {
    this.jobs = this.jobs.filter((job) => job.isOthers || !forget.includes(job.number))
    const cancelled = this.jobs.filter((job) => cancel.includes(job.number))
    this.jobs = this.jobs.filter((job) => !cancel.includes(job.number))
    const changed = changes.map((change) => this.#change(change, now))
    const outcomes = additions.map(({ addition, submission }) => this.#add(addition, submission, now))
    const joined = outcomes.map((outcome) => outcome.joined)
    const throttled = outcomes.map((outcome) => outcome.throttled)
    const promoted = promoteUntil === undefined ? [] : this.#promote(promoteUntil)
    return { cancelled, changed, joined, throttled, promoted, nextDueAt: this.nextDueAt }
  }

  #answer(request: Batch['requests'][number]): StoredJob[] {
    if (request.kind === 'claim') return this.#claim(request)
    if (request.kind === 'ask') return this.jobs.filter((job) => isSame(job, request.submission))
    const { until, after } = request
    const expired = this.jobs.filter((job) => job.expireAt > 0 && job.expireAt <= until)
    const rest = expired.toSorted(byExpiry).filter((job) => after === undefined || byExpiry(job, after) > 0)
    return rest.slice(0, expiredMax)
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

  #add({ number, job, expiresAt: expireAt, function: jobFunction }: Addition, submission: Submission, now: number) {
    const policy = jobFunction.policyOf(submission.options)
    const isKnown = [...this.jobs, ...this.dead, ...this.kept].some((stored) => stored.number === number)
    if (isKnown) return { joined: number, throttled: undefined }
    const isAsked = policy.uniqueForMs > 0 && submission.unique !== '-'
    const recent = this.kept.findLast((ended) => isAsked && ended.uniqueUntil > now && isSame(ended, submission))
    if (recent !== undefined) return { joined: undefined, throttled: recent.number }
    const same = this.jobs.find((stored) => isSame(stored, submission))
    if (same !== undefined) return { joined: same.number, throttled: undefined }
    const isClaimed = job !== undefined
    const anew = { background: true, attempts: 0, failures: [], readyAt: now }
    this.jobs.push({ ...submission, ...anew, number, isClaimed, isOthers: false, expireAt })
    return { joined: undefined, throttled: undefined }
  }

  #change(change: Change, now: number): StoredJob | undefined {
    const { kind, number } = change
    if (kind === 'revive') return this.#revive(number, now)
    const job = this.jobs.find((stored) => stored.number === number)
    if (job === undefined || job.isOthers || (kind === 'hasten' && job.runAt === 0)) return undefined
    if (kind === 'release') {
      job.isClaimed = false
      return job
    }
    if (kind === 'retry') {
      const { attempts, runAt, failure } = change
      if (attempts <= job.attempts) return job
      const failures = [...job.failures, noted(failure)]
      const retried = { ...job, attempts, failures, expireAt: 0, runAt, isClaimed: runAt === 0 && job.isClaimed }
      this.jobs = this.jobs.map((stored) => (stored === job ? retried : stored))
      return job
    }
    this.jobs = this.jobs.filter((stored) => stored !== job)
    if (kind === 'prioritize') this.jobs.push({ ...job, priority: change.priority })
    else if (kind === 'hasten') this.jobs.push({ ...job, runAt: 0, readyAt: now })
    else if (kind === 'bury') {
      const { attempts, failure, reason, deadMax } = change
      const isNew = failure !== undefined && attempts > job.attempts
      const failures = [...job.failures, ...(isNew ? [noted(failure)] : [])]
      this.dead.push({ ...job, reason, attempts: Math.max(attempts, job.attempts), failures })
      const ofFunction = this.dead.filter((dead) => dead.function === job.function)
      const gone = ofFunction.slice(0, Math.max(0, ofFunction.length - deadMax))
      this.dead = this.dead.filter((dead) => !gone.includes(dead))
    } else {
      const { outcome, keepUntil, uniqueUntil } = change
      this.kept.push({ ...job, outcome, keepUntil, uniqueUntil })
    }
    return job
  }

  /** It joins none that waits already. */
  #revive(number: number, now: number): StoredJob | undefined {
    const dead = this.dead.find((job) => job.number === number)
    if (dead === undefined || this.jobs.some((job) => isSame(job, dead))) return undefined
    this.dead = this.dead.filter((job) => job !== dead)
    const { reason: _, ...job } = dead
    this.jobs.push({ ...job, attempts: 0, failures: [], expireAt: 0, runAt: 0, readyAt: now, isClaimed: false })
    return dead
  }

  #promote(until: number): Written['promoted'] {
    const due = this.jobs.filter((job) => job.runAt > 0 && job.runAt <= until)
    const promoted = due.toSorted((a, b) => a.runAt - b.runAt || a.number - b.number).slice(0, promotedMax)
    this.jobs = [
      ...this.jobs.filter((job) => !promoted.includes(job)),
      ...promoted.map((job) => ({ ...job, runAt: 0, readyAt: job.runAt })),
    ]
    return promoted.map((job) => ({ function: job.function, priority: job.priority, count: 1 }))
  }

  #line(name: string, priority: Priority): StoredJob[] {
    return this.jobs.filter((job) => job.function === name && job.priority === priority && job.runAt === 0)
  }
}

function byExpiry(one: StoredJob, other: StoredJob): number {
  return one.expireAt - other.expireAt || one.number - other.number
}

function noted({ reason, error }: Failure): string {
  return [reason, Buffer.from(error ?? []).toString()].filter((word) => word !== '').join(' ')
}

function isSame(job: Submission, submission: Submission): boolean {
  if (job.function !== submission.function || job.unique !== submission.unique || job.unique === '') return false
  if (job.unique !== '-') return true
  return job.workload.length > 0 && Buffer.compare(job.workload, submission.workload) === 0
}
