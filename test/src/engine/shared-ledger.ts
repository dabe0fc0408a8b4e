import assert from 'node:assert/strict'
import { assertInvariants, type EngineOptions } from '@geartrain/engine'
import { performShared, SharedRules } from './shared-rules.ts'

/** What is told of a job that is given out. */
const assigned = /^(\w+) < JOB_ASSIGN #(\d+) (\w+)/

const isLeaving = /^(leaves|withdraws|RESET_ABILITIES)$/

/**
 * Plays commands to an engine whose store others use as well, and sees after each that it begins nothing that is
 * another's, that it keeps nothing that it has forgotten, and that no worker waits beside a job that can be had.
 */
export class SharedLedger {
  readonly rules: SharedRules
  /** Jobs that workers here have, by number. */
  readonly #given = new Map<number, string>()
  readonly #woken = new Set<string>()

  constructor(options: Partial<EngineOptions>) {
    this.rules = new SharedRules(options)
  }

  get woken(): string[] {
    return [...this.#woken]
  }

  get running(): { session: string; number: number }[] {
    return Array.from(this.#given, ([number, session]) => ({ session, number }))
  }

  perform(line: string): void {
    const [name = '', word = '', number = ''] = line.split(' ')
    if (word === 'GRAB_JOB' || word === 'leaves' || word === 'RESET_ABILITIES') this.#woken.delete(name)
    if (/^WORK_(COMPLETE|FAIL|EXCEPTION)$/.test(word)) this.#given.delete(Number(number.slice(1)))
    for (const [job, session] of this.#given) {
      const isOfFunction = this.rules.engine.findJob(job)?.function.name === number
      const isGivenBack = word === 'CANT_DO' ? isOfFunction && !isBridge(name) : isLeaving.test(word)
      if (session === name && isGivenBack) this.#given.delete(job)
    }
    performShared(line, this.rules)
    for (const told of this.rules.takeEvents()) this.#hear(told)
    // Whoever has left, given the function back or lost a job has it no more.
    for (const [job, session] of this.#given) {
      const owner = this.rules.engine.findJob(job)?.owner
      if (owner === undefined || owner !== this.rules.findSession(session)) this.#given.delete(job)
    }
    assertInvariants(this.rules.engine, true)
    this.#look()
  }

  /** Everybody is patient, others do what they have, and a worker here does all the rest. */
  rest(): void {
    const { rules } = this
    for (const line of ['policy f', 'policy g', 'maxqueue f Infinity', 'maxqueue g Infinity']) this.perform(line)
    if (rules.journal.isBroken) this.perform('reopen')
    for (const line of ['others finish', 'max CAN_DO f', 'max CAN_DO g']) this.perform(line)
    for (let rounds = 0; rounds < 2000; rounds++) {
      for (const { session, number } of this.running) this.perform(`${session} WORK_COMPLETE #${number} x`)
      this.perform('max GRAB_JOB')
      this.perform('settle')
      if (!rules.journal.isIdle) this.perform('commit')
      if (this.#given.size > 0 || !rules.journal.isIdle) continue
      const { jobs, nextDueAt } = rules.store
      if (jobs.length === 0 && rules.jobs().length === 0) return
      this.perform('recount')
      if (rules.journal.isIdle) this.perform(`at ${Math.max(rules.now + 1000, Math.min(nextDueAt, rules.now + 5000))}`)
    }
    assert.deepEqual([rules.stored(), rules.jobs()], [[], []], 'what nobody has done')
  }

  #hear(told: string): void {
    const woken = /^(\w+) < NOOP$/.exec(told)?.[1]
    if (woken !== undefined) this.#woken.add(woken)
    const [, session = '', digits, name] = assigned.exec(told) ?? []
    if (digits === undefined) return
    const number = Number(digits)
    assert(!this.#given.has(number), `#${number} is given out to ${session}, and ${this.#given.get(number)} has it`)
    this.#given.set(number, session)
    const job = this.rules.engine.findJob(number)
    assert.equal(job?.function.name, name)
    assert(!isBridge(session) || job?.isForwarded === false, `#${number} goes round in circles`)
    const isWaitedFor = job !== undefined && (!job.background || job.waiters.length > 0)
    assert(!isBridge(session) || isWaitedFor, `#${number} is another server's, and nobody here waits for it`)
    if (job?.isStored !== true) return
    const stored = this.rules.store.jobs.find((kept) => kept.number === number)
    assert(stored !== undefined && !stored.isOthers, `#${number} is begun here and is another's`)
    assert(stored.isClaimed, `#${number} is begun here and can be had by others`)
  }

  /** When all has been said and done: what the store says that this server has is what it has. */
  #look(): void {
    const { journal, store, engine, isLeaseOver } = this.rules
    for (const { name, backlog } of engine.functions()) {
      assert(Math.min(...backlog.ready, backlog.delayed) >= 0, `${name}: a count below 0`)
    }
    if (!journal.isIdle || journal.isBroken || isLeaseOver) return
    const own = store.jobs.filter((job) => job.isClaimed && !job.isOthers).map(({ number }) => number)
    const held = engine.durable?.heldNumbers() ?? []
    assert.deepEqual(held.toSorted(byNumber), own.toSorted(byNumber), 'what the server has, and what it holds')
  }
}

function isBridge(session: string): boolean {
  return session.startsWith('server')
}

function byNumber(one: number, other: number): number {
  return one - other
}
