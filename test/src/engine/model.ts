import { type EngineOptions, engineDefaults, type GrabForm, type QueueLimits, type Submission } from '@geartrain/engine'
import { assignedWords } from './engine-rules.ts'
import { event, type Rules, type WorkWord } from './rules.ts'

interface ModelJob extends Submission {
  readonly number: number
  background: boolean
  /** When it becomes ready or times out; Infinity if neither is to come. */
  dueAt: number
  owner: ModelSession | undefined
  retries: number
  progress: string
  waiters: ModelSession[]
}

interface ModelSession {
  readonly name: string
  exceptions: boolean
  abilities: { name: string; timeoutMs: number }[]
  /** Names of functions, the next to be served first. */
  turns: string[]
  isAsleep: boolean
  wakeDeadline: number
  form: GrabForm
  revoked: number[]
}

/**
 * The job rules once more, to hold beside the engine: a few arrays in the order things happened, searched from the
 * start each time. A job is delayed unless it stands in `ready` or `running`.
 */
export class Model implements Rules {
  now = 0
  readonly #options: EngineOptions
  #next: number
  #isDraining = false
  #events: string[] = []
  #functions: { readonly name: string; limits: QueueLimits }[] = []
  #sessions: ModelSession[] = []
  #jobs: ModelJob[] = []
  #ready: ModelJob[] = []
  #running: ModelJob[] = []
  #sleepers: { session: ModelSession; name: string }[] = []
  #woken: ModelSession[] = []
  #grabbing: ModelSession[] = []

  constructor(options: Partial<EngineOptions>) {
    this.#options = { ...engineDefaults, ...options }
    this.#next = this.#options.firstNumber
  }

  // Time

  get nextDeadline(): number {
    return Math.min(...this.#jobs.map((job) => job.dueAt), ...this.#woken.map((session) => session.wakeDeadline))
  }

  advance(now: number): void {
    this.now = Math.max(now, this.now)
    for (;;) {
      const soonest = this.#jobs.toSorted((a, b) => a.dueAt - b.dueAt || a.number - b.number)[0]
      if (soonest === undefined || soonest.dueAt > this.now) break
      soonest.dueAt = Number.POSITIVE_INFINITY
      if (this.#running.includes(soonest)) this.#lose(soonest)
      else this.#makeReady(soonest)
    }
    for (const session of this.#woken.filter(({ wakeDeadline }) => wakeDeadline <= this.now)) {
      remove(this.#woken, session)
      this.#wakeInPlaceOf(session)
    }
  }

  settle(): void {
    for (const session of this.#grabbing.slice()) this.settleGrab(session.name)
  }

  settleGrab(name: string): void {
    const session = this.#session(name)
    if (remove(this.#grabbing, session)) this.#say(session, 'NO_JOB')
  }

  drain(): void {
    this.#isDraining = true
  }

  // Sessions

  connect(name: string): void {
    if (this.#sessions.some((session) => session.name === name)) return
    const { exceptions } = this.#options
    this.#sessions.push({
      name,
      exceptions,
      abilities: [],
      turns: [],
      isAsleep: false,
      wakeDeadline: 0,
      form: 'plain',
      revoked: [],
    })
  }

  disconnect(name: string): void {
    const session = this.#session(name)
    remove(this.#sessions, session)
    remove(this.#grabbing, session)
    for (const job of this.#jobs.filter((live) => live.waiters.includes(session))) {
      job.waiters = job.waiters.filter((waiter) => waiter !== session)
      if (isAbandoned(job) && !this.#running.includes(job)) this.#end(job)
    }
    this.#reset(session)
  }

  withdraw(name: string): void {
    const session = this.#session(name)
    remove(this.#grabbing, session)
    this.#awaken(session)
    for (const job of this.#running.filter(({ owner }) => owner === session)) {
      job.owner?.revoked.push(job.number)
      if (isAbandoned(job)) this.#end(job)
      else this.#tryAgain(job)
    }
    this.disconnect(name)
  }

  wantExceptions(name: string): void {
    this.#session(name).exceptions = true
  }

  // Clients

  submit(name: string, submission: Submission): void {
    const session = this.#session(name)
    if (this.#isDraining) return this.#say(session, 'refused', 'SHUTTING_DOWN')
    if (!this.#name(submission.function)) return this.#say(session, 'refused', 'TOO_MANY_FUNCTIONS')
    const same = this.#jobs.find((job) => isSame(job, submission))
    if (same !== undefined) {
      if (submission.background) same.background = true
      else same.waiters.push(session)
      return this.#say(session, 'JOB_CREATED', `#${same.number}`)
    }
    const limits = this.#functions.find((known) => known.name === submission.function)?.limits ?? noLimits
    const limit = [limits.high, limits.normal, limits.low][submission.priority] ?? 0
    const count = this.#jobs.filter((job) => job.function === submission.function).length
    if (count >= limit || count >= this.#options.jobsPerFunctionMax) return this.#say(session, 'refused', 'QUEUE_FULL')

    const waiters = submission.background ? [] : [session]
    const dueAt = submission.runAt > this.now ? submission.runAt : Number.POSITIVE_INFINITY
    const job = { ...submission, number: this.#next++, dueAt, owner: undefined, retries: 0, progress: '0/0', waiters }
    this.#jobs.push(job)
    this.#say(session, 'JOB_CREATED', `#${job.number}`)
    if (dueAt === Number.POSITIVE_INFINITY) this.#makeReady(job)
  }

  // Workers

  canDo(name: string, functionName: string, timeoutMs: number): void {
    const session = this.#session(name)
    if (!this.#name(functionName)) return this.#say(session, 'refused', 'TOO_MANY_FUNCTIONS')
    const known = session.abilities.find((ability) => ability.name === functionName)
    if (known !== undefined) {
      known.timeoutMs = timeoutMs
      return
    }
    session.abilities.push({ name: functionName, timeoutMs })
    session.turns.unshift(functionName)
    if (!session.isAsleep) return
    this.#sleepers.push({ session, name: functionName })
    if (!this.#isDraining && this.#ready.some((job) => job.function === functionName)) this.#wake(session)
  }

  cantDo(name: string, functionName: string): void {
    const session = this.#session(name)
    if (!canDo(session, functionName)) return
    session.abilities = session.abilities.filter((ability) => ability.name !== functionName)
    session.turns = session.turns.filter((turn) => turn !== functionName)
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.session !== session || sleeper.name !== functionName)
    const lost = this.#running.filter((job) => job.owner === session && job.function === functionName)
    for (const job of lost) this.#lose(job)
    this.#wakeForRest(functionName)
  }

  resetAbilities(name: string): void {
    this.#reset(this.#session(name))
  }

  grab(name: string, form: GrabForm): void {
    const session = this.#session(name)
    const wasWoken = this.#awaken(session)
    session.form = form
    const job = this.#isDraining ? undefined : this.#choose(session)
    if (job === undefined) this.#grabbing.push(session)
    else this.#assign(job, session)
    if (wasWoken) this.#wakeInPlaceOf(session)
  }

  preSleep(name: string): void {
    const session = this.#session(name)
    if (session.isAsleep) return
    remove(this.#woken, session)
    session.isAsleep = true
    for (const ability of session.abilities) this.#sleepers.push({ session, name: ability.name })
    if (!this.#isDraining && this.#choose(session) !== undefined) this.#wake(session)
  }

  work(name: string, word: WorkWord, number: number, texts: readonly string[]): void {
    const session = this.#session(name)
    const job = this.#running.find((running) => running.number === number && running.owner === session)
    const isLast = word === 'WORK_COMPLETE' || word === 'WORK_FAIL' || word === 'WORK_EXCEPTION'
    if (job === undefined) {
      if (!session.revoked.includes(number)) this.#say(session, 'refused', notFound[word])
      else if (isLast) remove(session.revoked, number)
      return
    }
    if (word === 'WORK_STATUS') job.progress = `${Number(texts[0])}/${Number(texts[1])}`
    for (const waiter of job.waiters) {
      if (word === 'WORK_EXCEPTION' && !waiter.exceptions) this.#say(waiter, 'WORK_FAIL', `#${number}`)
      else this.#say(waiter, word, `#${number}`, ...texts)
    }
    if (isLast) this.#end(job)
  }

  // Administrators

  cancel(number: number): string {
    const job = this.#jobs.find((live) => live.number === number)
    if (job === undefined) return 'no such job'
    job.owner?.revoked.push(number)
    this.#fail(job)
    return 'cancelled'
  }

  runNow(number: number): string {
    const job = this.#jobs.find((live) => live.number === number)
    if (job === undefined || this.#state(job) !== 'delayed') return 'no such job'
    job.dueAt = Number.POSITIVE_INFINITY
    this.#makeReady(job)
    return 'ready'
  }

  createFunction(name: string): string {
    return this.#name(name) ? 'created' : 'too many functions'
  }

  dropFunction(name: string): string {
    if (!this.#functions.some((known) => known.name === name)) return 'not found'
    if (this.#isUsed(name)) return 'in use'
    this.#functions = this.#functions.filter((known) => known.name !== name)
    return 'dropped'
  }

  limitQueue(name: string, limits: QueueLimits): string {
    if (!this.#name(name)) return 'too many functions'
    for (const known of this.#functions) if (known.name === name) known.limits = limits
    return 'limited'
  }

  // What can be seen

  /** Owner and number of each running job. */
  get running(): { session: string; number: number }[] {
    return this.#running.map(({ owner, number }) => ({ session: owner?.name ?? '', number }))
  }

  get woken(): string[] {
    return this.#woken.map((session) => session.name)
  }

  jobs(): string[] {
    return this.#jobs.map((job) =>
      [
        `#${job.number} ${job.function} ${this.#state(job)}`,
        ...(job.owner === undefined ? [] : [`at ${job.owner.name}`]),
        ...(job.dueAt === Number.POSITIVE_INFINITY ? [] : [`due ${job.dueAt}`]),
        ...(job.retries === 0 ? [] : [`retries ${job.retries}`]),
        ...(job.progress.endsWith('/0') ? [] : [job.progress]),
        ...(job.background ? ['background'] : []),
        ...(job.waiters.length === 0 ? [] : [`for ${job.waiters.map((waiter) => waiter.name).join(' ')}`]),
      ].join(', '),
    )
  }

  functions(): string[] {
    return this.#functions.map(({ name }) => {
      const states = this.#jobs.filter((job) => job.function === name).map((job) => this.#state(job))
      const counts = ['ready', 'delayed', 'running'].map(
        (state) => `${states.filter((one) => one === state).length} ${state}`,
      )
      return `${name}: ${counts.join(', ')}, ${this.#sessions.filter((session) => canDo(session, name)).length} workers`
    })
  }

  takeEvents(): string[] {
    return this.#events.splice(0)
  }

  // From state to state

  #state(job: ModelJob): string {
    return this.#ready.includes(job) ? 'ready' : this.#running.includes(job) ? 'running' : 'delayed'
  }

  #makeReady(job: ModelJob): void {
    this.#ready.push(job)
    const grabber = this.#grabbing.find((session) => canDo(session, job.function))
    if (grabber === undefined) return this.#wakeSleepers(job.function, this.#options.wakeCount)
    if (this.#isDraining) return
    remove(this.#grabbing, grabber)
    this.#assign(job, grabber)
  }

  #assign(job: ModelJob, session: ModelSession): void {
    session.turns = [...session.turns.filter((turn) => turn !== job.function), job.function]
    remove(this.#ready, job)
    this.#running.push(job)
    job.owner = session
    remove(session.revoked, job.number)
    const timeoutMs = session.abilities.find((ability) => ability.name === job.function)?.timeoutMs ?? 0
    if (timeoutMs > 0) job.dueAt = this.now + timeoutMs
    const more = { plain: [], unique: [job.unique], all: [job.unique, job.reducer] }[session.form]
    const workload = Buffer.from(job.workload).toString()
    this.#say(session, assignedWords[session.form], `#${job.number}`, job.function, ...more, workload)
  }

  #lose(job: ModelJob): void {
    job.owner?.revoked.push(job.number)
    if (isAbandoned(job)) return this.#end(job)
    job.retries++
    if (job.retries >= this.#options.attemptsMax) return this.#fail(job)
    this.#tryAgain(job)
  }

  #tryAgain(job: ModelJob): void {
    remove(this.#running, job)
    job.owner = undefined
    job.dueAt = Number.POSITIVE_INFINITY
    job.progress = '0/0'
    this.#makeReady(job)
  }

  #fail(job: ModelJob): void {
    for (const waiter of job.waiters) this.#say(waiter, 'WORK_FAIL', `#${job.number}`)
    this.#end(job)
  }

  #end(job: ModelJob): void {
    for (const list of [this.#jobs, this.#ready, this.#running]) remove(list, job)
  }

  #reset(session: ModelSession): void {
    const { abilities } = session
    session.abilities = []
    session.turns = []
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.session !== session)
    for (const job of this.#running.filter(({ owner }) => owner === session)) this.#lose(job)
    remove(this.#woken, session)
    for (const { name } of abilities) this.#wakeForRest(name)
  }

  #choose(session: ModelSession): ModelJob | undefined {
    for (const priority of [0, 1, 2]) {
      for (const name of session.turns) {
        const job = this.#ready.find((ready) => ready.function === name && ready.priority === priority)
        if (job !== undefined) return job
      }
    }
    return undefined
  }

  // Sleeping and waking

  #awaken(session: ModelSession): boolean {
    session.isAsleep = false
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.session !== session)
    return remove(this.#woken, session)
  }

  #wake(session: ModelSession): void {
    this.#awaken(session)
    session.wakeDeadline = this.now + this.#options.wakeTimeoutMs
    this.#woken.push(session)
    this.#say(session, 'NOOP')
  }

  #wakeSleepers(name: string, count: number): void {
    for (let i = 0; i < count && !this.#isDraining; i++) {
      const sleeper = this.#sleepers.find((one) => one.name === name)
      if (sleeper === undefined) return
      this.#wake(sleeper.session)
    }
  }

  #wakeForRest(name: string): void {
    const coming = this.#woken.filter((session) => canDo(session, name)).length
    if (coming < this.#ready.filter((job) => job.function === name).length) this.#wakeSleepers(name, 1)
  }

  #wakeInPlaceOf(session: ModelSession): void {
    for (const { name } of session.abilities) this.#wakeForRest(name)
  }

  #session(name: string): ModelSession {
    const session = this.#sessions.find((one) => one.name === name)
    if (session === undefined) throw new Error(`${name} is not connected`)
    return session
  }

  /** Makes the function known; false if there are too many. */
  #name(name: string): boolean {
    const isKnown = this.#functions.some((known) => known.name === name)
    if (isKnown) return true
    if (this.#functions.length >= this.#options.functionsMax) {
      const oldest = this.#functions.find(({ name, limits }) => !this.#isUsed(name) && !isLimited(limits))
      if (oldest === undefined) return false
      remove(this.#functions, oldest)
    }
    this.#functions.push({ name, limits: noLimits })
    return true
  }

  #isUsed(name: string): boolean {
    return this.#jobs.some((job) => job.function === name) || this.#sessions.some((one) => canDo(one, name))
  }

  #say(session: ModelSession, ...words: string[]): void {
    this.#events.push(event(session.name, ...words))
  }
}

const noLimits: QueueLimits = {
  high: Number.POSITIVE_INFINITY,
  normal: Number.POSITIVE_INFINITY,
  low: Number.POSITIVE_INFINITY,
}

const notFound: Readonly<Record<WorkWord, string>> = {
  WORK_DATA: 'JOB_NOT_FOUND',
  WORK_WARNING: 'JOB_NOT_FOUND',
  WORK_STATUS: 'RESULT_JOB_NOT_FOUND',
  WORK_COMPLETE: 'RESULT_JOB_NOT_FOUND',
  WORK_FAIL: 'RESULT_JOB_NOT_FOUND',
  WORK_EXCEPTION: 'EXCEPTION_JOB_NOT_FOUND',
}

function canDo(session: ModelSession, name: string): boolean {
  return session.abilities.some((ability) => ability.name === name)
}

function isAbandoned(job: ModelJob): boolean {
  return !job.background && job.waiters.length === 0
}

function isSame(job: ModelJob, submission: Submission): boolean {
  if (job.function !== submission.function || job.unique !== submission.unique || job.unique === '') return false
  if (job.unique !== '-') return true
  return job.workload.length > 0 && Buffer.compare(job.workload, submission.workload) === 0
}

/** True if it was there. */
function remove<T>(list: T[], item: T): boolean {
  const index = list.indexOf(item)
  if (index >= 0) list.splice(index, 1)
  return index >= 0
}

function isLimited({ high, normal, low }: QueueLimits): boolean {
  return [high, normal, low].some((limit) => limit !== Number.POSITIVE_INFINITY)
}
