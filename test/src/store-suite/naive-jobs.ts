import type { DeathReason, Ending, Priority } from '@geartrain/engine'
import {
  type Batch,
  type BatchResult,
  type ChangeOutcome,
  failureMessage,
  nothingWritten,
  type StoreAnswer,
  type StoredChange,
  type StoredDescription,
  type StoredDocument,
  type StoredFailureNote,
  type StoredFunction,
  type StoredGroup,
  type StoredRow,
  type StoredScan,
  type StoredSummary,
  type StoreRequest,
  type StoreState,
} from '@geartrain/server'
import { NaiveHistory } from './naive-history.ts'
import { failuresMax, promotedMax, RecordReader, RecordWriter, sweptMax } from './parts.ts'

/** What is known of a job wherever it is. */
interface Known {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly reducer: string
  readonly then: string
  readonly options: string
  readonly trace: string
  readonly submittedAt: number
  priority: Priority
  attempts: number
  failures: readonly StoredFailureNote[]
}

interface NaiveJob extends Known {
  readonly workload: Uint8Array
  /** 0 when it is ready. */
  runAt: number
  /** 0: never. */
  expireAt: number
  /** Since when it can be begun, once it is ready. */
  readyAt: number
  /** Place in the line; 0 while it is delayed. */
  position: number
  isClaimed: boolean
}

interface NaiveDead extends Known {
  readonly workload: Uint8Array
  readonly reason: DeathReason
  readonly diedAt: number
  readonly keepUntil: number
}

interface NaiveResult extends Known {
  readonly outcome: Ending['outcome']
  readonly numerator: number
  readonly denominator: number
  readonly endedAt: number
  readonly uniqueUntil: number
  keepUntil: number
  data: Uint8Array
}

type Promoted = BatchResult['promoted'][number]
type Change<Kind extends StoredChange['kind']> = Extract<StoredChange, { kind: Kind }>
type Request<Kind extends StoreRequest['kind']> = Extract<StoreRequest, { kind: Kind }>

const infinity = Number.POSITIVE_INFINITY

/** The rules of a store in as few words as possible: every look-up walks over all jobs. */
export class NaiveJobs {
  #jobs: NaiveJob[] = []
  #dead: NaiveDead[] = []
  #results: NaiveResult[] = []
  #documents: StoredDocument[] = []
  #history = new NaiveHistory()
  #reservedUntil = 0
  #position = 0

  /** After a crash: nobody has claimed anything. */
  open(atLeast: number): StoreState {
    for (const job of this.#jobs) job.isClaimed = false
    const known = [...this.#jobs, ...this.#dead, ...this.#results]
    return {
      firstNumber: Math.max(atLeast, this.#reservedUntil, ...known.map(({ number }) => number + 1)),
      functions: this.#functions(),
      nextDueAt: this.#nextDueAt,
      nextExpiryAt: Math.min(infinity, ...this.#expiring.map(({ expireAt }) => expireAt)),
      nextSweepAt: this.#nextSweepAt,
      documents: this.#documents.toSorted((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name)),
    }
  }

  copy(): NaiveJobs {
    const copy = new NaiveJobs()
    copy.#jobs = this.#jobs.map((job) => ({ ...job }))
    copy.#dead = this.#dead.map((job) => ({ ...job }))
    copy.#results = this.#results.map((job) => ({ ...job }))
    copy.#documents = [...this.#documents]
    copy.#history = this.#history.copy()
    copy.#reservedUntil = this.#reservedUntil
    copy.#position = this.#position
    return copy
  }

  get workloadBytes(): number {
    const ofJobs = [...this.#jobs, ...this.#dead].reduce((sum, { workload }) => sum + workload.length, 0)
    return this.#results.reduce((sum, { data }) => sum + data.length, ofJobs)
  }

  write(batch: Batch): Omit<BatchResult, 'answers'> {
    for (const number of batch.forget) this.#remove(number)
    const cancelled = batch.cancel.map((number) => this.#remove(number)).filter((job) => job !== undefined)
    const revived: NaiveJob[] = []
    const hastened: NaiveJob[] = []
    const changed = batch.changes.map((change) => this.#change(change, batch.now, revived, hastened))
    const nextSweepAt = changed.length === 0 ? undefined : this.#nextSweepAt
    const { joined, throttled } = this.#add(batch)
    const { promoteUntil, reserve } = batch
    const due = promoteUntil === undefined ? [] : this.#promote(promoteUntil)
    const promoted = [...countLines(hastened), ...due]
    const nextDueAt = promoteUntil === undefined ? undefined : this.#nextDueAt
    const reserved = reserve && Math.max(this.#reservedUntil, reserve.from)
    if (reserve !== undefined && reserved !== undefined) this.#reservedUntil = reserved + reserve.count
    return {
      ...nothingWritten,
      joined,
      throttled,
      changed,
      revived: countLines(revived),
      cancelled: cancelled.map(toSummary),
      promoted,
      nextDueAt,
      nextSweepAt,
      reserved,
    }
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
      case 'list function':
        return this.#listFunction(request)
      case 'list expired':
        return this.#listExpired(request)
      case 'count dead': {
        const functions = this.#functions().filter(({ dead }) => dead > 0)
        return { kind: 'count dead', functions: functions.map(({ name, dead }) => ({ name, count: dead })) }
      }
      case 'describe':
        return { kind: 'describe', job: this.#describe(({ number }) => number === request.number) }
      case 'describe unique': {
        const { unique, function: name } = request
        const isIt = (job: Known) => job.unique === unique && (name === undefined || job.function === name)
        return { kind: 'describe', job: isName(unique) ? this.#describe(isIt) : undefined }
      }
      case 'oldest ready':
        return { kind: 'oldest ready', readyAt: request.functions.map((name) => this.#oldestReady(name)) }
      case 'scan': {
        const jobs = this.#scan(request).slice(0, request.jobsMax)
        return { kind: 'scan', jobs, next: jobs.length === request.jobsMax ? jobs.at(-1)?.number : undefined }
      }
      case 'count': {
        const names = this.#scan(request).map((row) => row.function)
        const functions = [...new Set(names)].map((name) => ({
          name,
          count: names.filter((each) => each === name).length,
        }))
        return { kind: 'count', functions, next: undefined }
      }
      case 'group dead':
        return { kind: 'group dead', groups: groupRows(this.#scan(request)), next: undefined }
      case 'history':
        return { kind: 'history', slices: this.#history.read(request.stepMs, request.from, request.functions) }
    }
  }

  get #sorted(): NaiveJob[] {
    return this.#jobs.toSorted(byNumber)
  }

  get #nextDueAt(): number {
    return Math.min(...this.#jobs.filter(isDelayed).map(({ runAt }) => runAt))
  }

  get #expiring(): NaiveJob[] {
    const expiring = this.#jobs.filter(({ expireAt }) => expireAt > 0)
    return expiring.sort((a, b) => a.expireAt - b.expireAt || byNumber(a, b))
  }

  get #nextSweepAt(): number {
    return Math.min(infinity, ...this.#dead.map(({ keepUntil }) => keepUntil), ...this.#results.map(sweepAt))
  }

  #remove(number: number): NaiveJob | undefined {
    return take(this.#jobs, number)
  }

  #add({ functions, additions, now }: Batch): Pick<BatchResult, 'joined' | 'throttled'> {
    const joined: number[] = []
    const throttled: number[] = []
    const reader = new RecordReader(additions)
    for (let index = 0; reader.next(); index++) {
      const { number, unique, reducer, then, options, trace, priority } = reader
      const { runAt, expireAt, attempts, isClaimed, isThrottled } = reader
      const name = functions[reader.function] ?? ''
      const workload = new Uint8Array(reader.workload)
      const known = [...this.#jobs, ...this.#dead, ...this.#results].find((job) => job.number === number)
      const recent = isThrottled && known === undefined ? this.#recent(name, unique, now) : undefined
      if (recent !== undefined) {
        throttled.push(index, recent.number)
        continue
      }
      const existing = known ?? this.#same(name, unique, workload)
      if (existing !== undefined) {
        joined.push(index, existing.number)
        continue
      }
      this.#jobs.push({
        number,
        function: name,
        unique,
        reducer,
        then,
        options,
        trace,
        priority,
        workload,
        runAt,
        expireAt,
        attempts,
        isClaimed,
        failures: [],
        submittedAt: now,
        readyAt: now,
        position: runAt === 0 ? ++this.#position : 0,
      })
    }
    return { joined: Float64Array.from(joined), throttled: Float64Array.from(throttled) }
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

  #recent(name: string, unique: string, now: number): NaiveResult | undefined {
    return this.#results
      .filter((job) => job.function === name && job.unique === unique && job.uniqueUntil > now)
      .sort((a, b) => b.uniqueUntil - a.uniqueUntil || b.number - a.number)[0]
  }

  // Changes

  #change(change: StoredChange, now: number, revived: NaiveJob[], hastened: NaiveJob[]): ChangeOutcome {
    switch (change.kind) {
      case 'retry':
        return this.#retry(change)
      case 'bury':
        return this.#bury(change)
      case 'keep':
        return this.#keep(change)
      case 'revive':
        return this.#revive(change, now, revived)
      case 'delete dead':
        return take(this.#dead, change.number) === undefined ? 'not found' : 'done'
      case 'delete result': {
        const result = this.#results.find((job) => job.number === change.number && job.keepUntil > 0)
        if (result === undefined) return 'not found'
        if (result.uniqueUntil === 0) take(this.#results, change.number)
        result.keepUntil = 0
        result.data = new Uint8Array(0)
        return 'done'
      }
      case 'prioritize':
        return this.#prioritize(change)
      case 'hasten':
        return this.#hasten(change, now, hastened)
      case 'discard':
        if (this.#jobs.some(({ number, isClaimed }) => number === change.number && isClaimed)) return 'not found'
        return this.#remove(change.number) === undefined ? 'not found' : 'done'
      case 'release':
        for (const job of this.#jobs) if (change.numbers.includes(job.number)) job.isClaimed = false
        return 'done'
      case 'document': {
        const { kind, name, body } = change.document
        const others = this.#documents.filter((each) => each.kind !== kind || each.name !== name)
        const wasThere = others.length < this.#documents.length
        this.#documents = body === undefined ? others : [...others, { kind, name, body }]
        return body === undefined && !wasThere ? 'not found' : 'done'
      }
      case 'sweep':
        this.#sweep(change.now)
        return 'done'
      case 'history':
        this.#history.add(change.samples, change.functionsMax)
        return 'done'
    }
  }

  #retry({ number, runAt, attempts, failure }: Change<'retry'>): ChangeOutcome {
    const job = this.#jobs.find((each) => each.number === number)
    if (job === undefined) return 'not found'
    if (attempts <= job.attempts) return 'done'
    job.failures = [...job.failures, failure].slice(-failuresMax)
    job.attempts = attempts
    job.expireAt = 0
    if (runAt > 0) Object.assign(job, { runAt, position: 0, isClaimed: false })
    else job.readyAt = failure.at
    return 'done'
  }

  #bury({ number, reason, diedAt, attempts, failure, keepUntil, deadMax }: Change<'bury'>): ChangeOutcome {
    const job = this.#remove(number)
    if (job === undefined) return 'not found'
    const isNew = failure !== undefined && attempts > job.attempts
    this.#dead.push({
      ...known(job),
      workload: job.workload,
      attempts: Math.max(attempts, job.attempts),
      failures: isNew ? [...job.failures, failure].slice(-failuresMax) : job.failures,
      reason,
      diedAt,
      keepUntil,
    })
    const others = this.#dead.filter((each) => each.function === job.function)
    others.sort((a, b) => a.diedAt - b.diedAt || byNumber(a, b))
    for (const { number: oldest } of others.slice(0, Math.max(0, others.length - deadMax))) take(this.#dead, oldest)
    return 'done'
  }

  #keep(change: Change<'keep'>): ChangeOutcome {
    const job = this.#remove(change.number)
    if (job === undefined) return 'not found'
    const { outcome, numerator, denominator, endedAt, keepUntil } = change
    const uniqueUntil = isName(job.unique) ? change.uniqueUntil : 0
    const data = keepUntil > 0 ? change.data : new Uint8Array(0)
    if (keepUntil === 0 && uniqueUntil === 0) return 'done'
    this.#results.push({ ...known(job), outcome, data, numerator, denominator, endedAt, keepUntil, uniqueUntil })
    return 'done'
  }

  #revive({ number, workload }: Change<'revive'>, now: number, revived: NaiveJob[]): ChangeOutcome {
    const dead = this.#dead.find((each) => each.number === number)
    if (dead === undefined) return 'not found'
    const bytes = workload ?? dead.workload
    if (this.#same(dead.function, dead.unique, bytes) !== undefined) return 'joined'
    take(this.#dead, number)
    const anew = { attempts: 0, failures: [], runAt: 0, expireAt: 0, readyAt: now, isClaimed: false }
    const job = { ...known(dead), ...anew, workload: bytes, position: ++this.#position }
    this.#jobs.push(job)
    // It may stand in another line when the batch is done.
    revived.push({ ...job })
    return 'done'
  }

  #prioritize({ number, priority }: Change<'prioritize'>): ChangeOutcome {
    const job = this.#jobs.find((each) => each.number === number)
    if (job === undefined) return 'not found'
    if (job.priority === priority) return 'done'
    job.priority = priority
    if (!isDelayed(job)) job.position = ++this.#position
    return 'done'
  }

  #hasten({ number }: Change<'hasten'>, now: number, hastened: NaiveJob[]): ChangeOutcome {
    const job = this.#jobs.find((each) => each.number === number)
    if (job === undefined || !isDelayed(job)) return 'not found'
    Object.assign(job, { runAt: 0, readyAt: now, position: ++this.#position })
    hastened.push({ ...job })
    return 'done'
  }

  #sweep(now: number): void {
    const dead = this.#dead.filter(({ keepUntil }) => keepUntil <= now)
    dead.sort((a, b) => a.keepUntil - b.keepUntil || byNumber(a, b))
    for (const { number } of dead.slice(0, sweptMax)) take(this.#dead, number)
    const over = this.#results.filter((each) => sweepAt(each) <= now)
    over.sort((a, b) => sweepAt(a) - sweepAt(b) || byNumber(a, b))
    for (const result of over.slice(0, sweptMax)) {
      if (result.uniqueUntil > now) Object.assign(result, { keepUntil: 0, data: new Uint8Array(0) })
      else take(this.#results, result.number)
    }
  }

  #promote(until: number): Promoted[] {
    const due = this.#jobs.filter((job) => isDelayed(job) && job.runAt <= until)
    due.sort((a, b) => a.runAt - b.runAt || a.number - b.number)
    const promoted = due.slice(0, promotedMax)
    for (const job of promoted) {
      job.readyAt = job.runAt
      job.runAt = 0
      job.position = ++this.#position
    }
    return countLines(promoted)
  }

  // Requests

  #claim(request: Request<'claim'>): StoreAnswer {
    const { function: name, priority, jobsMax, bytesMax } = request
    const line = this.#jobs.filter((job) => job.function === name && job.priority === priority && isWaiting(job))
    line.sort((a, b) => a.position - b.position)
    const writer = new RecordWriter(new Uint8Array(1024))
    let bytes = 0
    for (const job of line.slice(0, jobsMax)) {
      bytes += job.workload.length
      if (writer.count > 0 && bytes > bytesMax) break
      job.isClaimed = true
      writer.add({ ...job, function: 0, isThrottled: false }, job, job.workload)
    }
    return { kind: 'claim', count: writer.count, jobs: writer.written() }
  }

  #listFunction({ function: name, state, after, jobsMax }: Request<'list function'>): StoreAnswer {
    const jobs = this.#sorted.filter(
      (job) => job.function === name && job.number > after && isDelayed(job) === (state === 'delayed'),
    )
    return { kind: 'list', jobs: jobs.slice(0, jobsMax).map(toSummary) }
  }

  #listExpired({ until, after, jobsMax }: Request<'list expired'>): StoreAnswer {
    const isBehind = (job: NaiveJob, mark: { expireAt: number; number: number } | undefined) =>
      mark === undefined || job.expireAt > mark.expireAt || (job.expireAt === mark.expireAt && job.number > mark.number)
    const jobs = this.#expiring.filter((job) => job.expireAt <= until && isBehind(job, after)).slice(0, jobsMax)
    const next = this.#expiring.find((job) => isBehind(job, jobs.at(-1) ?? after))
    return {
      kind: 'list expired',
      jobs: jobs.map((job) => ({ ...toSummary(job), expireAt: job.expireAt, options: job.options })),
      nextExpiryAt: next?.expireAt ?? infinity,
    }
  }

  #oldestReady(name: string): number {
    const heads = ([0, 1, 2] as const).flatMap((priority) =>
      this.#jobs
        .filter((job) => job.function === name && job.priority === priority && isWaiting(job))
        .sort((a, b) => a.position - b.position)
        .slice(0, 1),
    )
    return heads.length === 0 ? 0 : Math.min(...heads.map(({ readyAt }) => readyAt))
  }

  #scan({ filter, isDescending, from }: StoredScan): StoredRow[] {
    const { state, function: name, priority, unique, submittedFrom = 0, submittedUntil = infinity } = filter
    const never = { runAt: 0, endedAt: 0, reason: undefined }
    const rows = [
      ...this.#jobs.map((job) => ({
        ...never,
        ...job,
        state: isDelayed(job) ? ('delayed' as const) : ('ready' as const),
      })),
      ...this.#dead.map((job) => ({ ...never, ...job, state: 'dead' as const, endedAt: job.diedAt })),
      ...this.#results
        .filter(({ keepUntil }) => keepUntil > 0)
        .map((job) => ({ ...never, ...job, state: job.outcome })),
    ].filter(({ failures, ...row }) => {
      const said = failures.at(-1)?.error ?? ''
      return (
        (row.state === state || (state === 'live' && (row.state === 'ready' || row.state === 'delayed'))) &&
        (name === undefined || new RegExp(`^${name.replaceAll('*', '[^]*')}$`).test(row.function)) &&
        (priority === undefined || row.priority === priority) &&
        (unique === undefined || row.unique === unique) &&
        row.submittedAt >= submittedFrom &&
        row.submittedAt <= submittedUntil &&
        (filter.error === undefined ||
          (failures.length > 0 && said.toLowerCase().includes(filter.error.toLowerCase()))) &&
        (filter.message === undefined || failureMessage(said) === filter.message) &&
        (filter.reason === undefined || row.reason === filter.reason) &&
        (isDescending ? row.number < from : row.number > from)
      )
    })
    rows.sort((a, b) => (isDescending ? b.number - a.number : a.number - b.number))
    return rows.map((row) => {
      const { number, function: owner, unique: word, priority: line, runAt, attempts, submittedAt } = row
      const { state: where, endedAt, reason, failures } = row
      const summary = { number, function: owner, unique: word, priority: line, runAt, attempts, submittedAt }
      return { ...summary, state: where, endedAt, reason, error: failures.at(-1)?.error ?? '' }
    })
  }

  /** The last one of those, but one that has not ended goes before those that have. */
  #describe(isIt: (job: Known) => boolean): StoredDescription | undefined {
    const last = <Job extends Known>(jobs: readonly Job[]) => jobs.filter(isIt).sort(byNumber).at(-1)
    const [job, dead, result] = [last(this.#jobs), last(this.#dead), last(this.#results)]
    const never = { runAt: 0, expireAt: 0, endedAt: 0, keepUntil: 0, numerator: 0, denominator: 0 }
    const nothing = { ...never, reason: undefined, result: undefined, workload: undefined }
    if (job !== undefined) {
      const { runAt, expireAt, workload } = job
      return { ...nothing, ...known(job), state: isDelayed(job) ? 'delayed' : 'ready', runAt, expireAt, workload }
    }
    if (dead !== undefined && (result === undefined || dead.number > result.number)) {
      const { diedAt, keepUntil, reason, workload } = dead
      return { ...nothing, ...known(dead), state: 'dead', endedAt: diedAt, keepUntil, reason, workload }
    }
    if (result === undefined) return undefined
    const { outcome, data, numerator, denominator, endedAt, keepUntil } = result
    const rest = { numerator, denominator, endedAt, keepUntil, result: keepUntil > 0 ? data : undefined }
    return { ...nothing, ...known(result), ...rest, options: '', trace: '', state: outcome }
  }

  #functions(): StoredFunction[] {
    const names = new Set([...this.#jobs, ...this.#dead].map((job) => job.function))
    const ready = countLines(this.#jobs.filter((job) => !isDelayed(job)))
    const delayed = countLines(this.#jobs.filter(isDelayed))
    return [...names].map((name) => {
      const readyOf = (priority: Priority) =>
        ready.find((line) => line.function === name && line.priority === priority)?.count ?? 0
      const delayedHere = delayed.filter((line) => line.function === name)
      return {
        name,
        ready: [readyOf(0), readyOf(1), readyOf(2)],
        delayed: delayedHere.reduce((sum, { count }) => sum + count, 0),
        dead: this.#dead.filter((job) => job.function === name).length,
      }
    })
  }
}

function groupRows(rows: readonly StoredRow[]): StoredGroup[] {
  const groups = new Map<string, StoredRow[]>()
  for (const row of rows) {
    const key = `${row.function} ${row.reason} ${failureMessage(row.error)}`
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()].map((alike) => ({
    function: alike[0]?.function ?? '',
    reason: alike[0]?.reason ?? 'failed',
    message: failureMessage(alike[0]?.error ?? ''),
    count: alike.length,
    firstAt: Math.min(...alike.map(({ endedAt }) => endedAt)),
    lastAt: Math.max(...alike.map(({ endedAt }) => endedAt)),
    number: Math.max(...alike.map(({ number }) => number)),
  }))
}

function take<Job extends Known>(jobs: Job[], number: number): Job | undefined {
  const index = jobs.findIndex((job) => job.number === number)
  return index === -1 ? undefined : jobs.splice(index, 1)[0]
}

function known(job: Known): Known {
  const { number, function: name, unique, reducer, then, options, trace, submittedAt, priority } = job
  const { attempts, failures } = job
  return { number, function: name, unique, reducer, then, options, trace, submittedAt, priority, attempts, failures }
}

function byNumber(a: Known, b: Known): number {
  return a.number - b.number
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** When something of it goes. */
function sweepAt({ keepUntil, uniqueUntil }: NaiveResult): number {
  return keepUntil > 0 ? keepUntil : uniqueUntil
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

function toSummary({ number, function: name, unique, priority, runAt, attempts }: NaiveJob): StoredSummary {
  return { number, function: name, unique, priority, runAt, attempts }
}
