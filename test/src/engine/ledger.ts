import assert from 'node:assert/strict'
import { assertInvariants, type EngineOptions, priorities } from '@geartrain/engine'
import { DurableRules, performDurably } from './durable-rules.ts'
import type { StoredJob } from './naive-store.ts'
import { type Asked, PolicyWatch } from './policy-watch.ts'

/** What a session has said and been told. */
interface Person {
  /** Submissions that were not answered yet, in order. */
  readonly unanswered: { readonly background: boolean; readonly at: number }[]
  /** Jobs that it waits for, each as often as it does. */
  readonly waits: number[]
  /** Jobs that it was given, and where. */
  readonly given: Map<number, { readonly function: string; readonly turn: number }>
  /** It was woken and has said nothing since. */
  isWoken: boolean
}

/** A background submission that was answered with this number. */
interface Acknowledged {
  readonly number: number
  /** When it was submitted. */
  readonly at: number
}

/** Replies to a submission that was not taken. */
const submissionRefusals = ['QUEUE_FULL', 'TOO_MANY_WAITS', 'SHUTTING_DOWN', 'STORE_FAILED', 'FUNCTION_DRAINING']

/**
 * Watches what is said to the engine, what the sessions are told and what is in the store, and throws when a rule is
 * broken:
 *
 * - A background submission that was acknowledged is in the store, or its job has ended since.
 * - A background job is given to nobody before it is in the store; no job to two at a time, when it has ended, or when
 *   nobody wants it.
 * - Each submission is answered once, and nobody hears of a job that it does not wait for.
 * - When all is committed, the engine counts as on disk what is there, and will come back for what is delayed. Of one
 *   function and unique there is one job, unless something failed.
 * - What PolicyWatch says. A job is dead, kept or waiting, and one of these; what is sent on to the next function comes
 *   there.
 */
export class Ledger {
  readonly rules: DurableRules
  readonly #people = new Map<string, Person>()
  #acknowledged: Acknowledged[] = []
  /** When each of them ended. */
  readonly #ended = new Map<number, number>()
  readonly #watch: PolicyWatch
  /** Background submissions of these joined a job that had ended, and those who wait for it have it done. */
  readonly #throttled = new Set<number>()
  /** Results that were sent on, by the function that is to get them. */
  #sentOn: string[] = []
  /** Jobs that the store is to cancel. */
  #cancelling: number[] = []
  /** Jobs that the store was told to make ready. */
  #hastening: number[] = []
  #now = 0
  #turn = 0
  /** Something failed: a job may have a twin that was not known of. */
  #hasFailed = false
  #mayHaveTwins = false
  /** A job may stand in another line in the store than here. */
  #mayHaveMoved = false
  /** Something was kept that was refused: the engine counts it until it asks for it. */
  #isInexact = false

  constructor(options: Partial<EngineOptions>) {
    this.rules = new DurableRules(options)
    this.rules.areTold = true
    this.#watch = new PolicyWatch((name, jobOptions) => this.rules.policyOf(name, jobOptions))
    // One that nobody keeps: the store does not say so.
    this.rules.tally.onSeen = (line) => {
      const expired = /^#(\d+) (?:of \S+ ended on disk|ended), expired$/.exec(line)?.[1]
      if (expired !== undefined) this.#end(Number(expired))
    }
  }

  perform(line: string): void {
    this.#now++
    this.#expect(line)
    const answers = performDurably(line, this.rules)
    for (const told of this.rules.takeEvents()) this.#hear(told)
    this.#conclude(line, answers)
    this.#watch.look(this.rules.engine)
    assertInvariants(this.rules.engine, this.#hasFailed || this.#mayHaveTwins)
    this.#checkAcknowledged()
    if (!this.#isInexact) this.#checkTally()
    if (line === 'settle' && this.rules.journal.isIdle && !this.rules.journal.isBroken) this.#checkCommitted()
  }

  /** Jobs that a worker can say something about: it got them in an earlier turn. */
  get running(): { session: string; number: number }[] {
    return [...this.#people].flatMap(([session, { given }]) =>
      [...given].filter(([, { turn }]) => turn < this.#turn).map(([number]) => ({ session, number })),
    )
  }

  get woken(): string[] {
    return [...this.#people].filter(([, { isWoken }]) => isWoken).map(([name]) => name)
  }

  /** What it says now is heard at once. */
  canSpeak(name: string): boolean {
    return this.rules.findSession(name)?.isHeld !== true
  }

  /**
   * All is committed, a worker does all there is, and time passes until nothing more is to come. It grabs when it is
   * woken and not before, as workers do.
   */
  rest(): void {
    for (const line of ['policy f', 'policy g', 'max CAN_DO f', 'max CAN_DO g', 'max PRE_SLEEP']) this.perform(line)
    for (let rounds = 0; rounds < 1000; rounds++) {
      const before = this.#now
      this.#goOn()
      if (this.#now === before) return this.#checkRest()
    }
    assert.fail('it does not come to rest')
  }

  #goOn(): void {
    const { engine, journal } = this.rules
    this.#turn++
    if (journal.isBroken) this.perform('reopen')
    if (!journal.isIdle) {
      this.perform('settle')
      this.perform('commit')
    }
    for (const session of engine.grabbing()) if (!session.isHeld) return this.perform('settle')
    for (const { session, number } of this.running) {
      if (this.canSpeak(session)) this.perform(`${session} WORK_COMPLETE #${number} x`)
    }
    for (const name of this.woken) this.perform(`${name} GRAB_JOB`)
    if (this.rules.findSession('max')?.isSleeping === false && this.canSpeak('max')) {
      this.perform('max GRAB_JOB')
      this.perform('settle')
      if (this.canSpeak('max')) this.perform('max PRE_SLEEP')
    }
    if (engine.nextDeadline < Number.POSITIVE_INFINITY) this.perform(`at ${engine.nextDeadline}`)
  }

  // What is about to happen

  #expect(line: string): void {
    const [name = '', word = '', ...args] = line.split(' ')
    if (line === 'settle') this.#turn++
    if (word.startsWith('SUBMIT_')) {
      this.#person(name).unanswered.push({ background: /_(BG|EPOCH|WITH|AT)$/.test(word), at: this.#now })
    } else if (/^WORK_(COMPLETE|FAIL|EXCEPTION)$/.test(word)) {
      const number = Number(args[0]?.slice(1))
      const given = this.#people.get(name)?.given.get(number)
      this.#people.get(name)?.given.delete(number)
      if (given !== undefined) this.#said(word, number, given.function, args[1] ?? '')
    } else if (word === 'GRAB_JOB') this.#person(name).isWoken = false
    else if (word === 'CANT_DO') this.#takeBack(name, args[0])
    else if (word === 'RESET_ABILITIES') this.#takeBack(name)
    else if (word === 'leaves' || word === 'withdraws') {
      if (word === 'leaves') this.#takeBack(name)
      else for (const number of this.#person(name).given.keys()) this.#watch.givenBack(number)
      this.#people.delete(name)
    }
    if (/fails|not read|dies|crash/.test(line)) this.#hasFailed = true
    const stored = new Set(this.rules.store.jobs.map((job) => job.number))
    if (line.endsWith('late')) this.#cancelling = this.#cancelling.filter((cancelling) => stored.has(cancelling))
    if (line === 'store dies late') this.#isInexact = true
    if (line.startsWith('crash')) {
      this.#people.clear()
      this.#ended.clear()
      this.#isInexact = false
      this.#sentOn = []
      const isKept = line === 'crash late'
      const attempts = this.rules.journal.attemptsAfter(isKept)
      this.#watch.restart((number) => attempts.get(number) ?? 0)
    }
  }

  /** The worker's last word on it. */
  #said(word: string, number: number, functionName: string, text: string): void {
    const { then } = this.rules.policyOf(functionName)
    if (word === 'WORK_COMPLETE' && then !== '') this.#sentOn.push(`${then} ${text}`)
    const reason = word === 'WORK_FAIL' ? 'failed' : 'exception'
    const goesOn = word !== 'WORK_COMPLETE' && this.#watch.failed(number, reason, this.rules.now) === 'again'
    if (!goesOn) this.#end(number)
  }

  #conclude(line: string, answers: readonly string[]): void {
    const [command, number] = line.split(' ')
    if (command === 'prioritize') this.#mayHaveMoved = true
    if (command === 'run' && answers[0] === 'ready') this.#watch.hastened(Number(number?.slice(1)))
    else if (command === 'run') this.#hastening.push(Number(number?.slice(1)))
    if (line.endsWith('late')) for (const hastened of this.#hastening.splice(0)) this.#watch.hastened(hastened)
    if (command === 'policy') this.#watch.policyChanged(number ?? '')
    // It has been written and nobody has said so.
    const isSilent = line.endsWith('late') || line === 'reopen'
    if (isSilent) for (const { number: dead } of this.rules.store.dead) if (!this.#ended.has(dead)) this.#end(dead)
    if (command === 'cancel') {
      if (answers[0] === 'cancelled') this.#cancel(Number(number?.slice(1)))
      else this.#cancelling.push(Number(number?.slice(1)))
    }
    // It may have done so and not said it.
    if (line === 'store dies late' || line === 'crash late') {
      const stored = new Set(this.rules.store.jobs.map((job) => job.number))
      for (const cancelling of this.#cancelling) if (!stored.has(cancelling)) this.#end(cancelling)
    }
  }

  /** It may be one that was sent on. */
  #cancel(number: number): void {
    this.#end(number)
    this.#sentOn = []
  }

  #takeBack(name: string, functionName?: string): void {
    const person = this.#person(name)
    for (const [number, given] of person.given) {
      if (functionName !== undefined && given.function !== functionName) continue
      person.given.delete(number)
      if (this.#watch.failed(number, 'lost', this.rules.now) !== 'again') this.#end(number)
    }
    if (functionName === undefined) person.isWoken = false
  }

  // What is told

  #hear(told: string): void {
    const cancelled = /^store: cancels #(\d+)$/.exec(told)?.[1]
    if (cancelled !== undefined) this.#cancel(Number(cancelled))
    this.#hearStore(told)
    const hastened = /^store: hastens #(\d+)$/.exec(told)?.[1]
    if (hastened !== undefined) this.#watch.hastened(Number(hastened))
    const [, name = '', word = '', first = '', second = ''] = /^(\w+) < (\w+) ?(\S*) ?(\S*)/.exec(told) ?? []
    if (name === '') return
    assert(this.rules.findSession(name) !== undefined, `${told}: it is not there`)
    const person = this.#person(name)
    const number = Number(first.slice(1))
    if (word === 'JOB_CREATED') this.#answered(person, number, told)
    else if (word === 'refused' && submissionRefusals.includes(first)) {
      assert(person.unanswered.shift() !== undefined, `${told}: nothing was submitted`)
    } else if (word === 'NOOP') person.isWoken = true
    else if (word.startsWith('JOB_ASSIGN')) this.#given(person, number, second, told)
    else if (word === 'JOB_CANCEL') this.#takenFrom(person, number)
    else if (word.startsWith('WORK_')) {
      const index = person.waits.indexOf(number)
      assert(index >= 0, `${told}: it does not wait for the job`)
      if (/COMPLETE|FAIL|EXCEPTION/.test(word)) person.waits.splice(index, 1)
    }
  }

  #hearStore(told: string): void {
    const { store } = this.rules
    const [, expired] = /^store: buries #(\d+), expired/.exec(told) ?? []
    if (expired !== undefined) {
      assert(!this.#watch.wasBegun(Number(expired)), `${told}: it has been begun`)
      this.#end(Number(expired))
      this.#sentOn = []
    }
    const [, revived] = /^store: revives #(\d+)$/.exec(told) ?? []
    if (revived !== undefined) {
      this.#ended.delete(Number(revived))
      // A foreground job of its unique is none of the store's business.
      this.#mayHaveTwins = true
      this.#watch.gone(Number(revived))
    }
    const [, joining, joined] = /^store: \w+ #(\d+) joins #(\d+)$/.exec(told) ?? []
    if (store.kept.some(({ number }) => number === Number(joined))) this.#throttled.add(Number(joining))
  }

  /** Its time is over, unless it was cancelled. */
  #takenFrom(person: Person, number: number): void {
    if (!person.given.delete(number)) return
    if (this.#watch.failed(number, 'timeout', this.rules.now) !== 'again') this.#end(number)
  }

  #answered(person: Person, number: number, told: string): void {
    const submission = person.unanswered.shift()
    assert(submission !== undefined, `${told}: nothing was submitted`)
    const isThrottled = this.#throttled.has(number) || this.rules.store.kept.some((kept) => kept.number === number)
    if (submission.background && !isThrottled) this.#acknowledged.push({ number, at: submission.at })
    else if (!submission.background) person.waits.push(number)
  }

  #given(person: Person, number: number, functionName: string, told: string): void {
    for (const { given } of this.#people.values()) assert(!given.has(number), `${told}: somebody has it`)
    assert(this.#isInexact || !this.#ended.has(number), `${told}: it has ended`)
    const { journal, store } = this.rules
    const isKept = store.jobs.some((job) => job.number === number)
    const mustBeKept = journal.durable.has(number) && !this.#throttled.has(number)
    assert(isKept || !mustBeKept, `${told}: it is not in the store`)
    assert(this.#isWanted(number), `${told}: nobody waits for it`)
    const { engine, now } = this.rules
    const workload = /\S*$/.exec(told)?.[0]
    const sent = this.#sentOn.indexOf(`${functionName} ${workload}`)
    if (sent >= 0) this.#sentOn.splice(sent, 1)
    this.#watch.begun(number, functionName, engine.findJob(number) ?? unknown, now, told)
    person.given.set(number, { function: functionName, turn: this.#turn })
  }

  #isWanted(number: number): boolean {
    if (this.rules.engine.findJob(number)?.background === true) return true
    return [...this.#people.values()].some(({ waits, unanswered }) => waits.includes(number) || unanswered.length > 0)
  }

  #end(number: number): void {
    this.#ended.set(number, this.#now)
    this.#watch.gone(number)
    for (const { given } of this.#people.values()) given.delete(number)
  }

  // What must hold

  #checkAcknowledged(): void {
    const stored = new Set(this.rules.store.jobs.map((job) => job.number))
    this.#acknowledged = this.#acknowledged.filter(({ number, at }) => {
      const endedAt = this.#ended.get(number)
      if (endedAt !== undefined && endedAt > at) return false
      assert(stored.has(number), `#${number} was acknowledged, has not been done since, and is not in the store`)
      return true
    })
  }

  /** All that live have been told of, and nothing else. What is on its way to the store, or has just ended, may be there or not. */
  #checkTally(): void {
    const { engine, store, tally } = this.rules
    const onDisk = store.jobs.filter(({ number }) => {
      const job = engine.findJob(number)
      return tally.has(number) && (job === undefined || job.state === 'stored')
    })
    tally.check(engine, onDisk)
  }

  #checkCommitted(): void {
    const { engine, store } = this.rules
    const inMemory = new Set<number>()
    for (const job of engine.jobs()) if (job.state !== 'stored') inMemory.add(job.number)
    const onDisk = store.jobs.filter((job) => !inMemory.has(job.number))
    const isInexact = this.#isInexact || (this.#hasFailed && this.#mayHaveMoved)
    for (const { name, backlog } of isInexact ? [] : engine.functions()) {
      const ofFunction = onDisk.filter((job) => job.function === name)
      const counts = Object.values(priorities).map(
        (priority) => ofFunction.filter((job) => job.runAt === 0 && job.priority === priority).length,
      )
      const delayed = ofFunction.filter((job) => job.runAt > 0).length
      assert.deepEqual([...backlog.ready, backlog.delayed], [...counts, delayed], `what ${name} has on disk`)
    }
    const retryAt = this.#hasFailed ? engine.now + 1000 : 0
    assert(engine.nextDeadline <= Math.max(store.nextDueAt, retryAt), 'a job on disk is due before the next deadline')
    const ended = [...store.dead, ...store.kept, ...store.jobs].map(({ number }) => number)
    assert.equal(new Set(ended).size, ended.length, 'a job is in the store twice')
    if (!this.#hasFailed && !this.#mayHaveTwins) this.#checkUniques(onDisk)
  }

  #checkUniques(onDisk: readonly StoredJob[]): void {
    const numbers = new Map<string, number>()
    const live = Array.from(this.rules.engine.jobs()).filter((job) => job.state !== 'stored')
    const all = [...onDisk, ...live.map(({ number, submission }) => ({ ...submission, number }))]
    for (const { number, function: name, unique, workload } of all) {
      const key = [name, unique, unique === '-' ? Buffer.from(workload).toString() : ''].join(' ')
      if (unique === '' || (unique === '-' && workload.length === 0)) continue
      const other = numbers.get(key)
      assert(other === undefined || other === number, `#${number} and #${other} are of one unique, ${key}`)
      numbers.set(key, number)
    }
  }

  #checkRest(): void {
    assert.deepEqual(this.rules.store.jobs, [], 'what is in the store')
    if (!this.#hasFailed) this.rules.tally.check(this.rules.engine)
    assert.deepEqual(this.#sentOn, [], 'what was sent on and has not come')
    assert.deepEqual(this.rules.jobs(), [], 'what is in memory')
    assert.equal(this.rules.engine.backlogSize, 0)
    assert.deepEqual(this.#acknowledged, [], 'what was acknowledged and not done')
    for (const [name, { unanswered, waits }] of this.#people) {
      assert.deepEqual(unanswered, [], `${name} was not answered`)
      assert.deepEqual(waits, [], `${name} waits`)
    }
  }

  #person(name: string): Person {
    let person = this.#people.get(name)
    if (person === undefined) {
      person = { unanswered: [], waits: [], given: new Map(), isWoken: false }
      this.#people.set(name, person)
    }
    return person
  }
}

/** It has ended before anybody could see what it was. */
const unknown: Asked = { unique: '', options: '' }
