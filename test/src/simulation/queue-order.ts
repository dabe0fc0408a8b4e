import type { Assignment, JobRecord } from './job-record.ts'
import type { Ledger } from './ledger.ts'
import type { Entry } from './line.ts'

/**
 * Who comes first: a job that was there when another was given out in its stead, or when a worker was told that there
 * is none, must have had a reason to wait. A job's own assignment shows that it had been there until then; so the
 * check comes with it.
 */
export class QueueOrder {
  readonly #ledger: Ledger
  /** All that were made, in the order they were seen. */
  readonly #assignments: Assignment[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** The server is another one. */
  forget(): void {
    this.#assignments.length = 0
  }

  /** A worker was given a job. */
  given(assignment: Assignment): void {
    if (assignment.job.assignments[0] === assignment && !assignment.isStale) this.#check(assignment)
    this.#assignments.push(assignment)
  }

  /** A worker was told that there is no job. */
  denied({ line, deliveredAt }: Entry): void {
    const ledger = this.#ledger
    ledger.count('NO_JOB')
    if (ledger.isShuttingDown || ledger.durability.isTroubledSince(deliveredAt)) return
    for (const name of line.abilities.keys()) {
      for (const job of ledger.live.get(name) ?? []) {
        const isThere = job.createdAt < deliveredAt && job.mayEndAt === Infinity && job.last === undefined
        if (isThere && ledger.isPlain(job)) job.deniedAt = Math.min(job.deniedAt, ledger.moment)
      }
    }
  }

  #check({ job, line, grabbedAt, grabIndex }: Assignment): void {
    const ledger = this.#ledger
    if (!ledger.isPlain(job)) return
    if (job.deniedAt < grabbedAt) ledger.fail(`${job.handle} was there when a worker was told that there is no job`)
    const { entry } = job.submission
    for (let i = this.#assignments.length - 1; i >= 0; i--) {
      const other = this.#assignments[i]
      if (other === undefined || other.givenAt < entry.deliveredAt) break
      const isBefore = other.line === line ? other.grabIndex < grabIndex : other.givenAt < grabbedAt
      if (!isBefore || other.isStale || !other.turns.has(job.function)) continue
      const rival = other.job
      const wasThere = job.place < rival.place || job.createdAt < other.grabbedAt
      if (!wasThere || !ledger.areInOrder(job, rival) || !ledger.isPlain(rival) || rival.assignments[0] !== other)
        continue
      const reason = reasonToComeFirst(other, job)
      if (reason !== undefined) ledger.fail(`${rival.handle} was given out before ${job.handle}, which ${reason}`)
    }
  }
}

/** Why the other job, which was there as well, should have been given in place of the one that was. */
function reasonToComeFirst({ job: given, turns }: Assignment, other: JobRecord): string | undefined {
  const { priority } = given.submission
  if (other.submission.priority !== priority) {
    return other.submission.priority < priority ? 'has a higher priority' : undefined
  }
  if (other.function === given.function) return other.place < given.place ? 'is older' : undefined
  const turn = turns.get(given.function)?.lastTurn ?? -1
  const otherTurn = turns.get(other.function)?.lastTurn ?? -1
  return otherTurn < turn ? 'is of a function whose turn it was' : undefined
}
