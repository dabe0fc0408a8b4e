import { type Attempt, JobAccount, never, numberOf, type Submission } from './job-account.ts'
import { type IsRetried, judge, judgeEnds, judgeUnique, nameOf, type Verdict } from './judge.ts'
import { Life } from './life.ts'
import type { Rule } from './rules.ts'

export interface Fault {
  readonly rule: Rule
  readonly text: string
  /** Of the jobs that it is about, with what happened to servers and database meanwhile. */
  readonly history: readonly string[]
}

/** A worker hears of a job. */
export interface Assignment {
  readonly worker: string
  readonly life: Life | undefined
  /** Undefined: this worker is not told. */
  readonly handle: string | undefined
  readonly function: string
  readonly workload: string
  /** The job was not given before. */
  readonly givenMin: number
  /** So long it may lie before the worker reads it, if that is not at once. */
  readonly unreadMsMax?: number
  readonly heardAt: number
}

/**
 * What clients, workers and those who break things have seen, whichever server they used, and what must follow from it.
 * What some say comes late (programs print it), so that a job is judged when all is quiet, with the times at which
 * things were done. Only what no order of events within these times would allow counts as wrong.
 */
export class Ledger {
  fault: Fault | undefined
  /** How often what has happened. */
  readonly seen = new Map<string, number>()
  readonly #isRetried: IsRetried
  readonly #submissions = new Map<string, Submission>()
  /** Without a unique by the submission's id, with one by the handle's number. */
  readonly #jobs = new Map<string, JobAccount>()
  readonly #jobOfNumber = new Map<string, JobAccount>()
  readonly #jobOfSubmission = new Map<Submission, JobAccount>()
  readonly #byUnique = new Map<string, Set<JobAccount>>()
  readonly #touched = new Set<JobAccount>()
  /** Ids of jobs that were settled: none of them comes again. */
  readonly #settled = new Set<string>()
  /** Ends that were said and of which it is not known that they are kept, by the server that was told. */
  readonly #unkept = new Map<Life, Set<Attempt>>()
  readonly #events: (readonly [at: number, what: string])[] = []
  #idCount = 0

  /** After a failure of these functions' jobs there is another attempt. */
  constructor(isRetried: IsRetried) {
    this.#isRetried = isRetried
  }

  newId(prefix: string): string {
    return `${prefix}${++this.#idCount}`
  }

  count(what: string, by = 1): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + by)
  }

  fail(rule: Rule, text: string, ...jobs: readonly JobAccount[]): void {
    if (this.fault !== undefined) return
    const notes = jobs.flatMap((job) => job.notes)
    const first = Math.min(...notes.map(([at]) => at), never)
    const events = jobs.length === 0 ? this.#events.slice(-20) : this.#events.filter(([at]) => at > first - 10_000)
    const history = [...notes, ...events].sort(([one], [other]) => one - other)
    this.fault = {
      rule,
      text,
      history: history.map(([at, what]) => `${new Date(at).toISOString().slice(11, 23)} ${what}`),
    }
  }

  // Servers

  /** For histories. */
  event(what: string): void {
    this.#events.push([Date.now(), what])
    if (this.#events.length > 1000) this.#events.splice(0, 500)
  }

  began(server: string): Life {
    const life = new Life(server)
    this.#unkept.set(life, new Set())
    return life
  }

  died(life: Life): void {
    life.diedAt = Date.now()
    this.#unkept.delete(life)
  }

  // Clients

  submitted(asked: {
    readonly id: string
    readonly client: string
    readonly function: string
    readonly unique?: string
    readonly isBackground?: boolean
    readonly runAt?: number
    readonly mayRepeat?: boolean
    readonly sentAt?: number
  }): Submission {
    const submission: Submission = {
      unique: '',
      isBackground: true,
      runAt: 0,
      mayRepeat: false,
      sentAt: Date.now(),
      ...asked,
      ackedAt: never,
      end: undefined,
      result: '',
      isAbandoned: false,
    }
    this.#submissions.set(submission.id, submission)
    this.count(submission.isBackground ? 'background submissions' : 'foreground submissions')
    if (submission.unique === '') this.#jobOf(submission, undefined).note(submission.sentAt, shown(submission))
    return submission
  }

  /** `at` is when it was answered, at the latest. */
  acknowledged(submission: Submission, handle: string, life: Life | undefined, at: number = Date.now()): void {
    submission.ackedAt = at
    this.count(submission.isBackground ? 'acknowledged' : 'foreground jobs')
    const isKnown = this.#jobOfNumber.has(numberOf(handle))
    if (submission.unique !== '' && isKnown) this.count('joined')
    const job = this.#jobOf(submission, handle)
    if (submission.unique !== '') job.note(submission.sentAt, shown(submission))
    job.note(at, `${submission.client} is answered with ${handle} for ${submission.id}`)
    if (life === undefined || !submission.isBackground) return
    life.acknowledges(submission.sentAt, at)
    this.#keep(life, submission.sentAt)
  }

  refused(submission: Submission, why: string): void {
    this.count('refused')
    submission.isAbandoned = true
    if (submission.unique === '') this.#jobOf(submission, undefined).note(Date.now(), `refused: ${why}`)
  }

  /** Its connection is gone. */
  abandoned(submission: Submission): void {
    submission.isAbandoned = true
    if (submission.end !== undefined) return
    this.count(submission.ackedAt < never ? 'foreground jobs without a client' : 'never answered')
  }

  /** A client that waits is told. */
  ended(submission: Submission, how: 'complete' | 'fail', result: string): void {
    this.count('ends told')
    const job = this.#jobOf(submission, undefined)
    job.note(Date.now(), `${submission.client} is told ${how} ${result}`)
    if (submission.end !== undefined)
      return this.fail('f', `${submission.client} is told twice that ${submission.id} has ended`, job)
    submission.end = how
    submission.result = result
  }

  cancelSaid(handle: string): JobAccount | undefined {
    const job = this.#jobOfNumber.get(numberOf(handle))
    if (job === undefined) return undefined
    job.cancelSaidAt = Math.min(job.cancelSaidAt, Date.now())
    job.cancels++
    job.note(Date.now(), `to be cancelled as ${handle}`)
    return job
  }

  /** Unless the server does not know the job it may have been cancelled all the same, or still will be. */
  cancelRefused(job: JobAccount, why: string): void {
    job.note(Date.now(), `which is refused: ${why}`)
    if (why === 'NOT_FOUND') job.cancels--
    this.count('cancellations refused')
  }

  cancelled(job: JobAccount): void {
    this.count('cancelled')
    job.cancelledAt = Math.min(job.cancelledAt, Date.now())
    job.note(Date.now(), 'that is acknowledged')
  }

  // Workers

  /** Undefined: something is wrong. */
  assigned(seen: Assignment): { readonly job: JobAccount; readonly attempt: Attempt } | undefined {
    const { workload, worker, life, givenMin, unreadMsMax = deliveryMsMax, heardAt, handle } = seen
    this.count('assigned')
    const submission = this.#submissions.get(workload)
    const what = `${worker} is given ${handle ?? 'a job'} of ${seen.function} with "${workload}"`
    if (submission === undefined) {
      if (this.#settled.has(workload)) this.fail('b', `${what}, which was over when all was done`)
      else this.fail('a', `${what}, which nobody has submitted`)
      return undefined
    }
    const job = this.#jobOf(submission, handle)
    job.note(heardAt, `given to ${worker}${life === undefined ? '' : ` at ${life.server}`} as ${handle ?? '?'}`)
    if (seen.function !== submission.function) this.fail('a', `${what}, and it is of ${submission.function}`, job)
    const attempt: Attempt = {
      worker,
      life,
      givenMin: Math.min(heardAt, Math.max(givenMin, heardAt - unreadMsMax, life?.thawedAt ?? 0)),
      heardAt,
      how: 'open',
      endedAt: never,
      result: '',
      takenAt: never,
      keptAt: never,
    }
    if (job.attempts.length > 0) this.count('assigned again')
    job.attempts.push(attempt)
    return { job, attempt }
  }

  /** Call it before the server can hear of it, or with the time before. */
  said(attempt: Attempt, how: 'complete' | 'fail', result: string, at: number = Date.now()): void {
    attempt.how = how
    attempt.endedAt = at
    attempt.result = result
    this.count(how)
  }

  /** The worker is gone, with the job. */
  lost(attempt: Attempt): void {
    if (attempt.how !== 'open') return
    attempt.how = 'lost'
    attempt.endedAt = Date.now()
    this.count('workers lost')
  }

  /** The server has answered what came behind the word. */
  taken(attempt: Attempt): void {
    attempt.takenAt = Math.min(attempt.takenAt, Date.now())
    if (attempt.life !== undefined) this.#unkept.get(attempt.life)?.add(attempt)
  }

  /** A submission that came behind the word, on the same connection, is acknowledged. */
  kept(attempt: Attempt): void {
    this.taken(attempt)
    attempt.keptAt = Date.now()
    this.count('ends kept')
    if (attempt.life !== undefined) this.#unkept.get(attempt.life)?.delete(attempt)
  }

  /** What the server had heard before it was asked for something that it has acknowledged since. */
  #keep(life: Life, askedAt: number): void {
    for (const attempt of this.#unkept.get(life) ?? []) if (attempt.takenAt < askedAt) this.kept(attempt)
  }

  // Judgement

  /** `isQuiet`: all is done, and all that was printed has been read. */
  judge(isQuiet: boolean): void {
    const uniques = new Set<string>()
    for (const job of this.#touched) {
      this.#report(judge(job, this.#isRetried))
      if (isQuiet) this.#report(judgeEnds(job))
      if (job.numbers.size > 1 && !job.isVague && job.isBackground) {
        this.fail('c', `${nameOf(job)} is several jobs: ${[...job.numbers].join(', ')}`, job)
      }
      if (job.unique !== '') uniques.add(uniqueKey(job))
    }
    for (const key of uniques) this.#report(judgeUnique([...(this.#byUnique.get(key) ?? [])]))
    if (isQuiet) this.#touched.clear()
  }

  /** Something acknowledged that is not done yet. */
  owed(): JobAccount | undefined {
    for (const job of this.#jobs.values()) {
      if (job.isBackground && job.isOwed && !this.#isOver(job)) return job
      if (!job.isBackground && job.submissions.some(isWaiting)) return job
    }
    return undefined
  }

  /** Nobody works, nothing is left at any server: what is done is forgotten, but not that it is over. */
  settle(): void {
    for (const { id } of this.#submissions.values()) this.#settled.add(id)
    this.#submissions.clear()
    this.#jobs.clear()
    this.#jobOfNumber.clear()
    this.#jobOfSubmission.clear()
    this.#byUnique.clear()
    this.#touched.clear()
    for (const attempts of this.#unkept.values()) attempts.clear()
  }

  #isOver(job: JobAccount): boolean {
    if (job.cancels > 0) return true
    return job.attempts.some(({ how }) => how === 'complete' || (how === 'fail' && !this.#isRetried(job.function)))
  }

  #report(verdict: Verdict | undefined): void {
    if (verdict !== undefined) this.fail(verdict.rule, verdict.text, ...verdict.jobs)
  }

  /** The job that the submission has made or joined, and is known by that handle. */
  #jobOf(submission: Submission, handle: string | undefined): JobAccount {
    const { unique, id } = submission
    // What waits is another job at each server that it comes to.
    const number = handle === undefined || !submission.isBackground ? undefined : numberOf(handle)
    const key = unique === '' ? id : (number ?? id)
    let job = this.#jobs.get(key)
    if (job === undefined) {
      job = new JobAccount(submission)
      this.#jobs.set(key, job)
      if (unique !== '') {
        const same = this.#byUnique.get(uniqueKey(job))
        if (same === undefined) this.#byUnique.set(uniqueKey(job), new Set([job]))
        else same.add(job)
      }
    }
    if (!job.submissions.includes(submission)) job.submissions.push(submission)
    this.#touched.add(job)
    if (number === undefined) return job
    const before = this.#jobOfSubmission.get(submission)
    if (before !== undefined && before !== job && !submission.mayRepeat) {
      this.fail('c', `${id} is ${nameOf(before)} and ${number}`, before, job)
    }
    this.#jobOfSubmission.set(submission, job)
    const other = this.#jobOfNumber.get(number)
    if (other !== undefined && other !== job)
      this.fail('c', `${number} is ${nameOf(other)} and ${nameOf(job)}`, other, job)
    job.numbers.add(number)
    this.#jobOfNumber.set(number, job)
    const { function: name } = job
    if (name !== submission.function || job.unique !== unique) {
      this.fail('c', `${number} is of ${name} "${job.unique}", and answers ${shown(submission)}`, job)
    }
    return job
  }
}

/** What a server writes a worker reads at once, as long as this process runs. */
const deliveryMsMax = 2000

function uniqueKey({ function: name, unique }: JobAccount): string {
  return `${name} ${unique}`
}

function isWaiting({ ackedAt, end, isAbandoned }: Submission): boolean {
  return ackedAt < never && end === undefined && !isAbandoned
}

function shown({ client, id, function: name, unique, runAt, isBackground }: Submission): string {
  const kind = isBackground ? '' : ' and waits'
  return `${client} submits ${id} to ${name}${unique === '' ? '' : ` (${unique})`}${runAt === 0 ? '' : ` for ${runAt}`}${kind}`
}
