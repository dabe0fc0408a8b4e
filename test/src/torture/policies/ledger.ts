import type { DeadJob, JobDescription } from '@geartrain/protocol'
import { backoffMsMin, rulesOf } from './functions.ts'
import { type Attempt, JobAccount, toleranceMs } from './job-account.ts'
import type { Rule } from './rules.ts'
import { Ticks } from './ticks.ts'

const never = Number.POSITIVE_INFINITY

export interface Fault {
  readonly rule: Rule
  readonly text: string
  readonly history: readonly string[]
}

/** A worker hears of a job. */
export interface Assignment {
  readonly worker: string
  readonly handle: string
  readonly function: string
  readonly workload: string
  readonly grabbedAt: number
  readonly heardAt: number
}

/** Where the server says that the handles are; asked in this order, while nobody works. */
export interface Whereabouts {
  readonly deadBefore: readonly DeadJob[]
  readonly live: ReadonlySet<string>
  readonly deadAfter: readonly DeadJob[]
}

/** What clients, workers and the operator have seen, and what must follow from it. Times are dates. */
export class Ledger {
  readonly ticks = new Ticks()
  readonly jobs = new Map<string, JobAccount>()
  /** How often what has happened. */
  readonly seen = new Map<string, number>()
  fault: Fault | undefined
  life = 0
  /** Sees each of these as it happens. */
  onCount: (what: string) => void = () => {}
  readonly #byHandle = new Map<string, JobAccount>()
  /** Those that a worker of this life has had. */
  #touched = new Set<JobAccount>()
  /** What this server has heard, and may not have kept. */
  #unkept = new Set<Attempt>()
  #gate: { readonly state: 'open' | 'pausing' | 'paused' | 'resuming' | 'unknown'; readonly at: number } = {
    state: 'open',
    at: 0,
  }
  #idCount = 0

  newId(prefix: string): string {
    return `${prefix}${++this.#idCount}`
  }

  count(what: string, by = 1): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + by)
    this.onCount(what)
  }

  fail(rule: Rule, text: string, job?: JobAccount): void {
    this.fault ??= { rule, text, history: job?.notes ?? [] }
  }

  ofHandle(handle: string): JobAccount | undefined {
    return this.#byHandle.get(handle)
  }

  // Servers

  ready(): void {
    this.life++
    for (const job of this.jobs.values()) if (job.attempts.length > 0) job.note(Date.now(), 'a server is ready')
  }

  killed(): void {
    this.count('kills')
    for (const job of this.#touched) {
      job.note(Date.now(), 'killed')
      const last = job.attempts.at(-1)
      if (last?.life === this.life && !last.isKept) {
        job.losses++
        this.count('attempts that a kill may have undone')
      }
    }
    this.#touched = new Set()
    this.#unkept = new Set()
    if (this.#gate.state === 'pausing' || this.#gate.state === 'resuming') this.#gate = { state: 'unknown', at: 0 }
  }

  // Clients

  submitted(functionName: string, runAt: number): JobAccount {
    const job = new JobAccount(this.newId('j'), functionName, Date.now(), runAt)
    job.note(job.sentAt, `submitted to ${functionName}${runAt === 0 ? '' : `, for ${runAt}`}`)
    this.jobs.set(job.id, job)
    this.count('submitted')
    return job
  }

  acknowledged(job: JobAccount, handle: string): void {
    job.ackedAt = Date.now()
    job.note(job.ackedAt, `acknowledged as ${handle}`)
    this.count('acknowledged')
    this.#identify(job, handle)
  }

  // Workers

  /** Undefined: it is of a schedule, or something is wrong. */
  assigned(seen: Assignment): { job: JobAccount; attempt: Attempt } | undefined {
    const { workload, handle, worker, grabbedAt, heardAt } = seen
    this.count('assigned')
    const job = this.jobs.get(workload)
    if (job === undefined) {
      this.fail('b', `${worker} is given ${handle} of ${seen.function} with "${workload}": that is over, or never was`)
      return undefined
    }
    job.note(heardAt, `given to ${worker} as ${handle}, which asked at ${grabbedAt}`)
    if (seen.function !== job.rules.name) this.fail('a', `${job.id} is of ${job.rules.name}, not ${seen.function}`, job)
    this.#identify(job, handle)
    this.#checkStart(job, grabbedAt, heardAt)
    const attempt: Attempt = {
      worker,
      life: this.life,
      grabbedAt,
      heardAt,
      how: 'open',
      endedAt: never,
      text: '',
      receivedAt: never,
      isKept: false,
    }
    job.attempts.push(attempt)
    this.#touched.add(job)
    if (job.tries.length > 1) this.count('tried again')
    this.#checkCount(job)
    this.#checkConcurrency(job, attempt)
    return { job, attempt }
  }

  /** The worker says its last word on it; it is on its way. */
  said(job: JobAccount, attempt: Attempt, how: 'complete' | 'fail' | 'exception', text: string): void {
    attempt.how = how
    attempt.endedAt = Date.now()
    attempt.text = text
    job.note(attempt.endedAt, `${attempt.worker} says ${how} ${text}`)
    this.count(how)
    const { next } = job.rules
    if (how !== 'complete' || next === '') return
    const following = new JobAccount(text, next, attempt.endedAt, 0, attempt)
    following.note(attempt.endedAt, `to follow on ${job.id}`)
    this.jobs.set(text, following)
  }

  left(job: JobAccount, attempt: Attempt): void {
    attempt.how = 'left'
    attempt.endedAt = Date.now()
    job.note(attempt.endedAt, `${attempt.worker} leaves with it`)
    this.count('left')
  }

  /** The server has answered what came behind the word. */
  received(attempt: Attempt): void {
    attempt.receivedAt = Math.min(attempt.receivedAt, Date.now())
    if (attempt.life === this.life && !attempt.isKept) this.#unkept.add(attempt)
  }

  kept(attempt: Attempt): void {
    this.received(attempt)
    attempt.isKept = true
    this.#unkept.delete(attempt)
  }

  /** Something asked for at that time is on disk, and so is all that the server had heard before. */
  allKept(askedAt: number): void {
    for (const attempt of this.#unkept) {
      if (attempt.receivedAt >= askedAt) continue
      attempt.isKept = true
      this.#unkept.delete(attempt)
    }
  }

  // The operator

  gateSaid(state: 'pausing' | 'resuming'): void {
    this.#gate = { state, at: Date.now() }
  }

  /** It is known how it stands: acknowledged, or looked up. */
  gateIs(isPaused: boolean): void {
    this.#gate = { state: isPaused ? 'paused' : 'open', at: Date.now() }
    if (isPaused) this.count('paused')
  }

  /** What a restart must have kept; undefined: either. */
  get gateKept(): boolean | undefined {
    const { state } = this.#gate
    return state === 'unknown' ? undefined : state === 'paused'
  }

  /** A job that the server has listed as dead. */
  listedDead(job: JobAccount): void {
    job.dead = 'yes'
    job.deadAt = Date.now()
  }

  retrySaid(job: JobAccount): void {
    job.note(Date.now(), 'is to be tried again')
    job.dead = 'maybe'
    job.cycleStart = job.attempts.length
    job.losses = 0
    job.revivals++
  }

  retryKept(job: JobAccount): void {
    job.note(Date.now(), 'that is acknowledged')
    job.dead = 'no'
    this.count('dead and tried again')
  }

  deleteSaid(job: JobAccount): void {
    job.note(Date.now(), 'is to be deleted')
    job.deleted = 'maybe'
  }

  deleteKept(job: JobAccount): void {
    job.note(Date.now(), 'that is acknowledged')
    job.deleted = 'yes'
    this.count('dead and deleted')
  }

  // Looking through

  /** A handle of the tables that nobody was told. */
  discovered(handle: string, workload: string): void {
    const job = this.jobs.get(workload)
    if (job === undefined) this.fail('b', `the server has ${handle} with "${workload}": that is over, or never was`)
    else this.#identify(job, handle)
  }

  check({ deadBefore, live, deadAfter }: Whereabouts): void {
    this.count('inspections')
    const before = new Set<string>()
    for (const { handle } of deadBefore) {
      const job = this.#byHandle.get(handle)
      if (before.has(handle)) return this.fail('a', `${handle} is listed twice as dead`, job)
      before.add(handle)
      if (live.has(handle)) return this.fail('a', `${handle} is dead, and still in the list of jobs`, job)
    }
    const isListed = new Set(before)
    for (const handle of live) {
      const job = this.#byHandle.get(handle)
      if (job === undefined) continue
      isListed.add(handle)
      this.#checkGone(job)
      if (job.dead === 'yes') this.fail('a', `${job.id} was dead, and is a job again`, job)
    }
    for (const dead of deadAfter) {
      isListed.add(dead.handle)
      this.#checkDead(dead)
    }
    for (const job of this.jobs.values()) {
      if (job.handle !== undefined && isListed.has(job.handle)) continue
      // Of these, others may have taken its place.
      if (job.deleted !== 'no' || job.rules.deadMax < 1000) continue
      if (job.dead === 'yes') return this.fail('a', `${job.id} (${job.handle}) was dead, and is nowhere`, job)
      if (!job.isOwed || job.mayBeDone) continue
      this.fail('a', `${job.id} (${job.handle ?? 'no handle'}) is nowhere: it is not done, not dead and no job`, job)
    }
  }

  /** What the server tells of a dead job. */
  checkTale(job: JobAccount, { reason, attempts, failures, workload }: JobDescription): void {
    const { rules } = job
    const text = workload !== undefined && 'text' in workload ? workload.text : undefined
    if (text !== job.id) this.fail('i', `${job.id} has the workload ${text} now that it is dead`, job)
    if (failures.length !== Math.min(attempts, 20)) {
      this.fail('i', `${job.id} is dead after ${attempts} attempts, and tells of ${failures.length}`, job)
    }
    if (reason !== 'expired' && failures.at(-1)?.reason !== reason) {
      this.fail('i', `${job.id} is dead because of ${reason}, and its last attempt of ${failures.at(-1)?.reason}`, job)
    }
    for (const failure of failures) {
      if (failure.reason !== 'exception') continue
      const isSaid = job.attempts.some(({ how, text }) => how === 'exception' && text === failure.error)
      if (!isSaid) this.fail('i', `${job.id} tells of an exception "${failure.error}" that nobody threw`, job)
    }
    this.count(`dead: ${reason}`)
    if (reason !== 'expired' && attempts < rules.attempts) this.count('dead before its last attempt')
  }

  /** The result of a job that is done for certain. */
  checkResult(job: JobAccount, described: JobDescription | undefined): void {
    const expected = job.done(this.life)?.text
    const result = described?.result
    const text = result !== undefined && 'text' in result ? result.text : undefined
    this.count('results looked up')
    if (described?.state === 'complete' && text === expected) return
    this.fail('a', `${job.id} is done with ${expected}, and the server has ${described?.state} with ${text}`, job)
  }

  /** All is done or dead: what is done is forgotten. */
  settle(): void {
    for (const job of this.jobs.values()) {
      if (job.dead === 'yes' && job.deleted === 'no') continue
      this.jobs.delete(job.id)
      if (job.handle !== undefined) this.#byHandle.delete(job.handle)
    }
  }

  #identify(job: JobAccount, handle: string): void {
    if (job.handle === handle) return
    if (job.handle !== undefined) return this.fail('f', `${job.id} is both ${job.handle} and ${handle}`, job)
    const other = this.#byHandle.get(handle)
    if (other !== undefined) return this.fail('a', `${handle} is ${other.id} and ${job.id}`, job)
    job.handle = handle
    this.#byHandle.set(handle, job)
    if (job.origin !== undefined) this.count('followed')
  }

  #checkStart(job: JobAccount, grabbedAt: number, heardAt: number): void {
    const { rules } = job
    this.#checkGone(job)
    if (job.dead === 'yes' && grabbedAt > job.deadAt) this.fail('a', `${job.id} is dead, and given out`, job)
    if (rules.name === 'gate' && this.#gate.state === 'paused' && grabbedAt > this.#gate.at) {
      this.fail('h', `gate is paused since ${this.#gate.at}, and ${job.id} is given out`, job)
    }
    const previous = job.tries.at(-1)
    if (previous !== undefined) return this.#checkBackoff(job, previous, grabbedAt, heardAt)
    if (job.revivals > 0) return
    if (heardAt + toleranceMs < job.runAt) this.fail('d', `${job.id} runs ${job.runAt - heardAt} ms early`, job)
    if (rules.ttlMs === 0) return
    const expiresAtMax = job.runAt > 0 ? Math.max(job.runAt, job.ackedAt) + rules.expireMs : job.ackedAt + rules.ttlMs
    const isDelayed = job.runAt > job.ackedAt
    const until = job.runAt > 0 && !isDelayed ? Math.max(expiresAtMax, job.ackedAt + rules.ttlMs) : expiresAtMax
    if (grabbedAt > until + toleranceMs) {
      this.fail('j', `${job.id} is begun ${grabbedAt - until} ms after its time`, job)
    }
  }

  /** It must not be anywhere any more. */
  #checkGone(job: JobAccount): void {
    if (job.isForbidden) this.fail('b', `${job.id} follows on what a worker has said too late`, job)
    if (job.deleted === 'yes') this.fail('i', `${job.id} was deleted, and is there`, job)
    const done = job.done(this.life)
    if (done !== undefined) this.fail('b', `${job.id} was done by ${done.worker}, and is there`, job)
  }

  #checkBackoff(job: JobAccount, previous: Attempt, grabbedAt: number, heardAt: number): void {
    // Heard in another order than they were said, perhaps.
    if (grabbedAt < previous.heardAt) return
    // The server does not know that there was one.
    if (previous.life !== this.life && !previous.isKept) return
    const ended = job.tries.length - job.losses
    const startMin = job.endMin(previous) + backoffMsMin(job.rules, ended)
    if (previous.how === 'open' && heardAt + toleranceMs < job.endMin(previous)) {
      return this.fail('e', `${job.id} is given out while ${previous.worker} has it`, job)
    }
    this.count(previous.life === this.life ? 'waits checked' : 'waits checked across a kill')
    if (heardAt + toleranceMs < startMin) {
      this.fail('d', `${job.id} is tried again ${startMin - heardAt} ms too early, after ${ended} attempts`, job)
    }
  }

  #checkCount(job: JobAccount): void {
    const { tries, losses, rules } = job
    if (tries.length > rules.attempts + losses) {
      const text = `${job.id} is tried for the ${tries.length}th time; it may be ${rules.attempts} times, and kills have undone ${losses} at most`
      this.fail('c', text, job)
    }
    const [final] = tries.slice(0, -1).filter(({ how, isKept, life }) => {
      return rules.finalReasons.includes(how) && (isKept || life === this.life)
    })
    if (final !== undefined && final.receivedAt - final.grabbedAt < rules.timeoutMs) {
      this.fail('c', `${job.id} is tried again after ${final.how}, which is final`, job)
    }
  }

  #checkConcurrency(job: JobAccount, attempt: Attempt): void {
    const { concurrency, name } = job.rules
    if (concurrency === never) return
    const { grabbedAt, heardAt } = attempt
    const held = [...this.#touched].filter((other) => {
      if (other.rules.name !== name || other === job) return false
      return other.attempts.some((each) => other.isHeldSince(each, this.life, grabbedAt, heardAt))
    })
    if (held.length >= concurrency - 1) this.count('limits reached')
    if (held.length < concurrency) return
    const others = held.map(({ id }) => id).join(', ')
    this.fail('e', `${job.id} of ${name} runs beside ${others}: ${concurrency} may`, job)
  }

  #checkDead({ handle, function: functionName, reason, attempts, diedAt }: DeadJob): void {
    const job = this.#byHandle.get(handle)
    if (job === undefined) return
    const rules = rulesOf(functionName)
    this.#checkGone(job)
    if (job.dead === 'no' || job.dead === 'maybe') job.note(Date.now(), `is dead: ${reason} after ${attempts} attempts`)
    this.listedDead(job)
    if (reason === 'expired') {
      if (rules.ttlMs === 0) this.fail('j', `${job.id} of ${functionName} has expired`, job)
      if (job.revivals > 0) return
      const began = job.tries.find(({ life }) => life === this.life)
      if (job.hasKeptFailure() || (began !== undefined && began.heardAt < diedAt)) {
        this.fail('j', `${job.id} was begun, and has expired`, job)
      }
      if (diedAt + toleranceMs < Math.max(job.sentAt, job.runAt) + Math.min(rules.ttlMs, rules.expireMs)) {
        this.fail('j', `${job.id} has expired at ${diedAt}, which is too early`, job)
      }
      return
    }
    const isRight = rules.finalReasons.includes(reason) ? attempts <= rules.attempts : attempts === rules.attempts
    if (!isRight) this.fail('c', `${job.id} is dead after ${attempts} attempts, and has ${rules.attempts}`, job)
  }
}
