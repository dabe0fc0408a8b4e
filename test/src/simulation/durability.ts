import { mayAskStore, mayAwaitDisk } from './command.ts'
import type { DiskWitness, StoredJob } from './disk.ts'
import { handleOf, JobRecord } from './job-record.ts'
import type { Ledger } from './ledger.ts'
import { Entry, Line } from './line.ts'
import type { StoreWitness } from './store.ts'
import { keyOf, type Submission } from './submission.ts'

/** A job that is on the disk. */
interface Kept {
  readonly job: StoredJob
  /** The moment it was written. */
  readonly at: number
  /** Counts up with the jobs as they were written. */
  readonly place: number
}

/** A worker's last word on a job that was on the disk by then. */
interface End {
  readonly job: JobRecord
  readonly entry: Entry
  /** By this moment the server had stepped it. */
  readonly passedAt: number
}

/** A batch of so much may be full, and what a job takes in it beside its workload. */
const batchBytesMin = 16 * 1024 * 1024
const batchJobsMin = 20_000
const headBytesMax = 200

/**
 * What the server has promised of jobs that outlive it, and what is on its disk. Each promise is held against the
 * disk when it is made, as if the server crashed at that moment; and when it does crash or end, what is on the disk is
 * what there is.
 */
export class Durability implements DiskWitness, StoreWitness {
  readonly #ledger: Ledger
  readonly #kept = new Map<number, Kept>()
  /** Numbers of all that were ever there. */
  readonly #everKept = new Set<number>()
  /** What submissions that have not been answered have made. */
  readonly #made = new Map<Entry, number>()
  /** Removals that are not promised yet. */
  #ends: End[] = []
  #places = 0
  /** The store has failed, and the server has not said since that it works again. */
  isFailing = false
  #failedAt = -1
  #recoveredAt = -1

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  get size(): number {
    return this.#kept.size
  }

  has(job: JobRecord): boolean {
    return this.#kept.has(job.number)
  }

  /** The number of the job that the submission made on the disk, if it did. */
  madeBy(entry: Entry): number | undefined {
    return this.#made.get(entry)
  }

  /** It was another one that said the same. */
  notMadeBy(entry: Entry): void {
    const number = this.#made.get(entry)
    const kept = number === undefined ? undefined : this.#kept.get(number)
    const other = kept && this.#find(kept.job)
    this.#made.delete(entry)
    if (other !== undefined && number !== undefined) this.#made.set(other.entry, number)
  }

  submissionOf(number: number): Submission | undefined {
    for (const submission of this.#ledger.unanswered()) {
      if (this.#made.get(submission.entry) === number) return submission
    }
    return undefined
  }

  /** Something may have gone wrong with the store at or after the moment. */
  isTroubledSince(moment: number): boolean {
    return this.isFailing || this.#failedAt >= moment || this.#recoveredAt >= moment
  }

  // What happens to the store

  removed(number: number): void {
    if (!this.#kept.delete(number)) return
    const job = this.#ledger.jobs.get(handleOf(number))
    if (job?.isBackground === true && job.mayEndAt === Infinity) {
      this.#ledger.fail(`${job.handle} is removed from the disk and has not ended`)
    }
  }

  added(job: StoredJob): void {
    const ledger = this.#ledger
    const handle = handleOf(job.number)
    this.#kept.set(job.number, { job, at: ledger.moment, place: ++this.#places })
    this.#everKept.add(job.number)
    ledger.count('kept')
    const known = ledger.jobs.get(handle)
    if (known !== undefined) {
      if (known.goneAt !== Infinity) ledger.fail(`${handle} is written, and was ${known.goneBecause}`)
      return
    }
    const submission = this.#find(job)
    if (submission === undefined) return ledger.fail(`${handle} is written, which nobody has submitted`)
    this.#made.set(submission.entry, job.number)
    if (ledger.ghosts.has(submission.entry)) ledger.adopt(handle, submission)
  }

  /** Of those who had gone before they were answered, nothing more will come of what was not written. */
  settled(jobs: readonly StoredJob[]): void {
    const { ghosts } = this.#ledger
    for (const job of jobs) {
      if (this.#everKept.has(job.number)) continue
      for (const [entry, submission] of ghosts) {
        if (submission.background && isSame(submission, job)) ghosts.delete(entry)
      }
    }
  }

  failed(what: string): void {
    this.#ledger.note(`the store fails: ${what}`)
    this.#ledger.count('store failures')
    this.isFailing = true
    this.#failedAt = this.#ledger.moment
  }

  recovered(): void {
    this.#ledger.note('the store works again')
    this.#ledger.count('store recoveries')
    this.isFailing = false
    this.#recoveredAt = this.#ledger.moment
  }

  note(event: string): void {
    this.#ledger.note(event)
  }

  fail(fault: string): void {
    this.#ledger.fail(fault)
  }

  // What the server promises

  /** A background submission is answered with the job. */
  acknowledged(job: JobRecord, entry: Entry): void {
    if (!this.#everKept.has(job.number)) {
      return this.#ledger.fail(`${entry.line.name} is told of ${job.handle}, which is not on the disk`)
    }
    // One that it only joins need not be waited for.
    if (job.submission.entry === entry) this.#keep(entry)
  }

  /** A worker has said the last of the job. */
  ended(job: JobRecord, entry: Entry): void {
    const kept = this.#kept.get(job.number)
    // It may have ended before it was on the disk.
    if (kept === undefined || kept.at >= entry.deliveredAt) return
    this.#ends.push({ job, entry, passedAt: this.#ledger.moment })
  }

  /** Who waits for it learns that it has ended. */
  told(job: JobRecord, line: Line): void {
    const kept = this.#kept.get(job.number)
    if (kept === undefined || kept.at >= job.mayEndAt || this.isTroubledSince(job.mayEndAt)) return
    this.#goes(job, `ended, as ${line.name} was told`)
  }

  /** The answer was OK. */
  cancelled(job: JobRecord, line: Line): void {
    this.#goes(job, `cancelled by ${line.name}`)
  }

  /** It is given to a worker. One that is cancelled at that moment may have gone before the server hears of it. */
  given(job: JobRecord): void {
    if (!job.submission.background || job.mayBeCancelled || this.#kept.has(job.number)) return
    this.#ledger.fail(`${job.handle} is given out and not on the disk`)
  }

  /** Nothing may have to wait for a store that does nothing, nor one connection for another's reply. */
  checkHeldBack(line: Line): void {
    const { isStoreBusy } = this.#ledger.options
    this.#ledger.count('held back')
    if (!isStoreBusy()) return this.#ledger.fail(`${line.name} is held back, and the store does nothing`)
    for (const { job, joinedAt, ends } of line.waits.values()) {
      if (ends < joinedAt.length && job.mayEndAt !== Infinity) return
    }
    for (const { command } of line.pending()) if (mayAwaitDisk(command)) return
    this.#ledger.fail(`${line.name} is held back, and waits for nothing on the disk`)
  }

  /** The same for one that is not read from. */
  checkPaused(line: Line): void {
    this.#ledger.count('waits for the store')
    for (const { command } of line.pending()) if (mayAskStore(command)) return
    if (this.#mayBatchBeFull()) return this.#ledger.count('a full batch')
    this.#ledger.fail(`${line.name} is not read from, and has asked nothing that the store must answer`)
  }

  /** While so much waits for the store, those who send more are not read from. */
  #mayBatchBeFull(): boolean {
    let bytes = 0
    let jobs = 0
    for (const { background, workload } of this.#ledger.unanswered()) {
      if (!background) continue
      bytes += workload.length + headBytesMax
      jobs++
    }
    return bytes >= batchBytesMin || jobs >= batchJobsMin
  }

  // When the server has ended

  /** All that it knew is lost; what is on the disk is there. */
  restart(how: 'crash' | 'close'): void {
    const ledger = this.#ledger
    const isGivenUp = this.isTroubledSince(ledger.shutDownAt) || ledger.options.isStoreBusy()
    const mustBeDone = how === 'close' && !isGivenUp
    for (const job of ledger.jobs.values()) {
      if (!this.#kept.has(job.number)) {
        if (job.isBackground && job.mayEndAt === Infinity)
          ledger.fail(`${job.handle} is not on the disk, and was to last`)
        ledger.end(job)
      } else if (job.goneAt !== Infinity) ledger.fail(`${job.handle} comes back, and was ${job.goneBecause}`)
      else if (mustBeDone && job.endedAt !== Infinity) {
        ledger.fail(`${job.handle} had ended, and comes back although the server was closed`)
      }
    }
    for (const kept of this.#kept.values()) ledger.restore(this.#restored(kept))
    this.#made.clear()
    this.#ends = []
    this.isFailing = false
    this.#recoveredAt = ledger.moment
  }

  #restored({ job, place }: Kept): JobRecord {
    const ledger = this.#ledger
    const handle = handleOf(job.number)
    const old = ledger.jobs.get(handle)
    const made = this.submissionOf(job.number) ?? old?.submission
    if (made === undefined) throw new Error(`${handle} is on the disk and was never submitted`)
    const entry = new Entry(this.#nobody, made.entry.command, 0, 0)
    entry.deliveredAt = ledger.moment
    const { function: name, unique, workload } = job
    const submission = { ...made, ...job, entry, key: keyOf(name, unique, workload), background: true }
    const record = new JobRecord({ handle, submission, isSure: true, createdAt: ledger.moment, place })
    record.isBackground = true
    record.hasRun = old?.hasRun ?? false
    if (record.hasRun) ledger.count('ran and came back')
    return record
  }

  get #nobody(): Line {
    const line = new Line('disk', this.#ledger)
    line.state = 'gone'
    return line
  }

  /** An answer that waited for the disk: all that had ended before is gone for good. */
  #keep(entry: Entry): void {
    const { line, index, deliveredAt } = entry
    const isBefore = (end: End) => end.passedAt < deliveredAt || (end.entry.line === line && end.entry.index < index)
    for (const end of this.#ends) {
      if (isBefore(end)) this.#goes(end.job, `ended before a job of ${line.name} was acknowledged`)
    }
    this.#ends = this.#ends.filter((end) => !isBefore(end))
  }

  /** From now on it never comes back. */
  #goes(job: JobRecord, because: string): void {
    const ledger = this.#ledger
    if (job.goneAt !== Infinity) return
    job.goneAt = ledger.moment
    job.goneBecause = because
    ledger.count('gone for good')
    if (this.#kept.has(job.number)) ledger.fail(`${job.handle} has ${because}, and is still on the disk`)
  }

  #find(job: StoredJob): Submission | undefined {
    for (const submission of this.#ledger.unanswered()) {
      if (!this.#made.has(submission.entry) && isSame(submission, job)) return submission
    }
    return undefined
  }
}

function isSame(submission: Submission, job: StoredJob): boolean {
  return (
    submission.function === job.function &&
    submission.unique === job.unique &&
    submission.workload === job.workload &&
    submission.reducer === job.reducer &&
    submission.priority === job.priority
  )
}
