import {
  type Addition,
  type Changes,
  Engine,
  type EngineOptions,
  type GrabForm,
  type Job,
  type Outbox,
  type Policy,
  type Priority,
  plainPolicy,
  type QueueLimits,
  type Refusal,
  type Session,
  type Submission,
} from '@geartrain/engine'
import { NaiveKeeper } from './naive-keeper.ts'
import { parsePolicy } from './policy-words.ts'
import { Replies } from './replies.ts'
import { event, type Rules, type WorkWord } from './rules.ts'
import { Tally } from './tally.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** The engine, with an outbox that writes down its events. */
export class EngineRules implements Rules {
  readonly #options: Partial<EngineOptions>
  readonly #policies = new Map<string, Policy>()
  readonly #replies: Replies
  readonly #changes: Changes | undefined
  readonly #sessions = new Map<string, Session>()
  readonly #names: string[] = []
  readonly tally: Tally = new Tally(() => this.now)
  #engine: Engine
  /** Whoever connects is told when a job is its own no longer. */
  areTold = false

  constructor(options: Partial<EngineOptions>, replies: Replies = new Replies(), changes?: Changes) {
    this.#options = { policyOf: (name, jobOptions) => this.policyOf(name, jobOptions), ...options }
    this.#replies = replies
    this.#changes = changes
    this.#engine = this.#newEngine(this.#options)
  }

  #newEngine(options: Partial<EngineOptions>): Engine {
    const nameOf = (id: number): string => this.#names[id] ?? 'nobody'
    const keeper = new NaiveKeeper(
      (line) => this.#replies.note(line),
      nameOf,
      () => this.now,
    )
    return new Engine(this.#outbox(), options, this.#changes, keeper, this.tally)
  }

  get engine(): Engine {
    return this.#engine
  }

  /** Another engine takes over, which knows nobody and continues the numbers. */
  restart(): void {
    for (const { id } of this.#sessions.values()) this.#replies.drop(id)
    this.#sessions.clear()
    const { now, nextNumber: firstNumber } = this.#engine
    this.#engine = this.#newEngine({ ...this.#options, firstNumber })
    this.#engine.advance(now)
  }

  get now(): number {
    return this.engine.now
  }

  get nextDeadline(): number {
    return this.engine.nextDeadline
  }

  advance(now: number): void {
    this.engine.advance(now)
  }

  settle(): void {
    this.engine.settle()
  }

  drain(): void {
    this.engine.drain()
  }

  connect(name: string): void {
    if (this.#sessions.has(name)) return
    const session = this.engine.connect(this.#names.push(name) - 1, { isBridge: name.startsWith('server') })
    session.cancellation = this.areTold
    this.#sessions.set(name, session)
  }

  disconnect(name: string): void {
    const session = this.#session(name)
    this.engine.disconnect(session)
    this.#replies.drop(session.id)
    this.#sessions.delete(name)
  }

  withdraw(name: string): void {
    const session = this.#session(name)
    for (const { number } of session.running) this.tally.withdrawn(number)
    this.engine.withdraw(session)
    this.#replies.drop(session.id)
    this.#sessions.delete(name)
  }

  settleGrab(name: string): void {
    this.engine.settleGrab(this.#session(name))
  }

  wantExceptions(name: string): void {
    this.#session(name).exceptions = true
  }

  wantCancellation(name: string): void {
    this.#session(name).cancellation = true
  }

  submit(name: string, submission: Submission): void {
    this.engine.submit(this.#session(name), submission)
  }

  canDo(name: string, functionName: string, timeoutMs: number): void {
    this.engine.canDo(this.#session(name), functionName, timeoutMs)
  }

  cantDo(name: string, functionName: string): void {
    this.engine.cantDo(this.#session(name), functionName)
  }

  resetAbilities(name: string): void {
    this.engine.resetAbilities(this.#session(name))
  }

  grab(name: string, form: GrabForm): void {
    this.engine.grab(this.#session(name), form)
  }

  preSleep(name: string): void {
    this.engine.preSleep(this.#session(name))
  }

  work(name: string, word: WorkWord, number: number, [first = '', second = '']: readonly string[]): void {
    const { engine } = this
    const session = this.#session(name)
    const bytes = Buffer.from(first)
    switch (word) {
      case 'WORK_DATA':
        return engine.workData(session, number, bytes)
      case 'WORK_WARNING':
        return engine.workWarning(session, number, bytes)
      case 'WORK_STATUS':
        return engine.workStatus(session, number, first, second)
      case 'WORK_COMPLETE':
        return engine.workComplete(session, number, bytes)
      case 'WORK_FAIL':
        return engine.workFail(session, number)
      case 'WORK_EXCEPTION':
        return engine.workException(session, number, bytes)
    }
  }

  cancel(number: number): string {
    return this.engine.cancel(number) ? 'cancelled' : 'no such job'
  }

  prioritize(number: number, priority: Priority): string {
    return this.engine.prioritize(number, priority) ? 'moved' : 'no such job'
  }

  runNow(number: number): string {
    return this.engine.runNow(number) ? 'ready' : 'no such job'
  }

  /** The options of a job are words of a policy. */
  policyOf(name: string, options = ''): Policy {
    const policy = this.#policies.get(name) ?? plainPolicy
    return options === '' ? policy : parsePolicy(options.split(' '), policy)
  }

  /** Without words it is gearmand's. */
  setPolicy(name: string, words: readonly string[]): void {
    this.#policies.set(name, words.length === 0 ? plainPolicy : parsePolicy(words))
    this.engine.applyPolicies()
  }

  createFunction(name: string): string {
    return this.engine.createFunction(name) ? 'created' : 'too many functions'
  }

  dropFunction(name: string): string {
    return this.engine.dropFunction(name)
  }

  limitQueue(name: string, limits: QueueLimits): string {
    return this.engine.limitQueue(name, limits) ? 'limited' : 'too many functions'
  }

  jobs(): string[] {
    return Array.from(this.engine.jobs(), (job) => {
      const waiters = job.waiters.map((waiter) => this.#names[waiter.session.id])
      return [
        `#${job.number} ${job.function.name} ${job.state}`,
        ...(job.function.flow?.isParked(job) === true ? ['parked'] : []),
        ...(job.owner === undefined ? [] : [`at ${this.#names[job.owner.id]}`]),
        ...(job.index < 0 ? [] : [`due ${job.dueAt}`]),
        ...(job.retries === 0 ? [] : [`retries ${job.retries}`]),
        ...(job.denominator === 0 ? [] : [`${job.numerator}/${job.denominator}`]),
        ...(job.background ? ['background'] : []),
        ...(waiters.length === 0 ? [] : [`for ${waiters.join(' ')}`]),
      ].join(', ')
    })
  }

  functions(): string[] {
    return Array.from(this.engine.functions(), (jobFunction) => {
      const { name, readyCount, delayedCount, runningCount, workerCount, flow, room } = jobFunction
      const line = `${name}: ${readyCount} ready, ${delayedCount} delayed, ${runningCount} running, ${workerCount} workers`
      return flow === undefined ? line : `${line}, ${flow.parkedCount} parked, room for ${room}`
    })
  }

  takeEvents(): string[] {
    return this.#replies.take()
  }

  /** Undefined: it is not connected. */
  findSession(name: string): Session | undefined {
    return this.#sessions.get(name)
  }

  #session(name: string): Session {
    const session = this.findSession(name)
    if (session === undefined) throw new Error(`${name} is not connected`)
    return session
  }

  #outbox(): Outbox {
    const line = (id: number, ...words: string[]): string => event(this.#names[id] ?? '?', ...words)
    const say = (id: number, ...words: string[]): void => this.#replies.tell(id, line(id, ...words))
    const of = (job: Job): string => `#${job.number}`
    return {
      // Of the server's own submissions nobody is told.
      jobCreated: (id, job) => id >= 0 && say(id, 'JOB_CREATED', of(job)),
      jobPromised: (id, addition: Addition) =>
        id >= 0 &&
        this.#replies.promise(id, addition, (kept) =>
          typeof kept === 'number' ? line(id, 'JOB_CREATED', `#${kept}`) : line(id, 'refused', kept),
        ),
      jobThrottled: (id, number) => say(id, 'JOB_CREATED', `#${number}`),
      jobCancelled: (id, number, reason) => say(id, 'JOB_CANCEL', `#${number}`, reason),
      refused: (id, refusal: Refusal) => say(id, 'refused', refusal),
      jobAssigned: (id, job, form) => {
        const { function: jobFunction, unique, reducer } = job
        const more = { plain: [], unique: [unique], all: [unique, reducer] }[form]
        say(id, assignedWords[form], of(job), jobFunction.name, ...more, text(job.workload))
      },
      noJob: (id) => say(id, 'NO_JOB'),
      noop: (id) => say(id, 'NOOP'),
      workData: (id, job, data) => say(id, 'WORK_DATA', of(job), text(data)),
      workWarning: (id, job, data) => say(id, 'WORK_WARNING', of(job), text(data)),
      workStatus: (id, job, numerator, denominator) => say(id, 'WORK_STATUS', of(job), numerator, denominator),
      workComplete: (id, job, result) => say(id, 'WORK_COMPLETE', of(job), text(result)),
      workFail: (id, job) => say(id, 'WORK_FAIL', of(job)),
      workException: (id, job, exception) => say(id, 'WORK_EXCEPTION', of(job), text(exception)),
    }
  }
}

export const assignedWords: Readonly<Record<GrabForm, string>> = {
  plain: 'JOB_ASSIGN',
  unique: 'JOB_ASSIGN_UNIQ',
  all: 'JOB_ASSIGN_ALL',
}
