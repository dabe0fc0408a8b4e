import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertInvariants, type EngineOptions } from '@geartrain/engine'
import fc from 'fast-check'
import { jobOptions, policyCommand } from './drawn-policies.ts'
import { EngineRules } from './engine-rules.ts'
import { performWithPolicies } from './policy-rules.ts'
import { type Asked, PolicyWatch } from './policy-watch.ts'

/*
 * Any commands, in any order, to an engine without a store whose functions have policies that change at any time.
 * PolicyWatch says what may be begun when; here it is seen that whatever was acknowledged is done, or dead once and for
 * a reason. A failure prints the commands as a scenario has them, with the seed and path that bring them back: put both
 * into the fc.assert below.
 */

class Witness {
  readonly rules: EngineRules
  /** Jobs that workers have, by number. */
  readonly given = new Map<number, { readonly session: string; readonly function: string }>()
  readonly #watch: PolicyWatch
  /** Background jobs that were acknowledged, when their time to begin was over by their policy; 0: never. */
  readonly #acknowledged = new Set<number>()
  readonly #ended = new Set<number>()
  readonly #woken = new Set<string>()
  /** Those that must be dead by what was said just now. */
  #dying = new Set<number>()

  constructor(options: Partial<EngineOptions>) {
    this.rules = new EngineRules(options)
    this.rules.areTold = true
    this.#watch = new PolicyWatch((name, jobOptions) => this.rules.policyOf(name, jobOptions))
    // Nobody keeps it, and so nobody else says so.
    this.rules.tally.onSeen = (line) => {
      const expired = /^#(\d+) ended, expired$/.exec(line)?.[1]
      if (expired !== undefined) this.#end(Number(expired))
    }
  }

  get woken(): string[] {
    return [...this.#woken]
  }

  get running(): { session: string; number: number }[] {
    return Array.from(this.given, ([number, { session }]) => ({ session, number }))
  }

  perform(line: string): void {
    const [name = '', word = '', ...args] = line.split(' ')
    this.#expect(name, word, args)
    const answers = performWithPolicies(line, this.rules)
    if (name === 'policy') this.#watch.policyChanged(word)
    if (answers[0] === 'cancelled') this.#end(Number(word.slice(1)))
    if (answers[0] === 'ready') this.#watch.hastened(Number(word.slice(1)))
    for (const told of this.rules.takeEvents()) this.#hear(told, /_(BG|EPOCH|WITH|AT)$/.test(word))
    assert.deepEqual([...this.#dying], [], 'jobs that must be dead and are not')
    this.#watch.look(this.rules.engine)
    assertInvariants(this.rules.engine)
    this.rules.tally.check(this.rules.engine)
  }

  /** All policies go, and a worker does all there is. */
  rest(): void {
    const { rules } = this
    for (const line of ['policy f', 'policy g', 'max CAN_DO f', 'max CAN_DO g']) this.perform(line)
    for (let rounds = 0; rounds < 1000; rounds++) {
      for (const { session, number } of this.running) this.perform(`${session} WORK_COMPLETE #${number} x`)
      this.perform('max GRAB_JOB')
      this.perform('settle')
      if (this.given.size > 0) continue
      if (rules.nextDeadline === Number.POSITIVE_INFINITY) break
      this.perform(`at ${rules.nextDeadline}`)
    }
    assert.deepEqual(rules.jobs(), [], 'what is in memory')
    const lost = [...this.#acknowledged].filter((number) => !this.#ended.has(number))
    assert.deepEqual(lost, [], 'what was acknowledged and not done')
  }

  #expect(name: string, word: string, args: readonly string[]): void {
    const number = Number(args[0]?.slice(1))
    if (word === 'GRAB_JOB') this.#woken.delete(name)
    if (word === 'WORK_COMPLETE') {
      if (this.given.delete(number)) this.#end(number)
    } else if (word === 'WORK_FAIL') this.#fail(number, 'failed')
    else if (word === 'WORK_EXCEPTION') this.#fail(number, 'exception')
    if (word === 'withdraws') this.#withdraw(name)
    if (word !== 'leaves' && word !== 'CANT_DO' && word !== 'RESET_ABILITIES') return
    if (word !== 'CANT_DO') this.#woken.delete(name)
    for (const [held, { session, function: jobFunction }] of this.given) {
      if (session === name && (word !== 'CANT_DO' || args[0] === jobFunction)) this.#fail(held, 'lost')
    }
  }

  #withdraw(name: string): void {
    this.#woken.delete(name)
    for (const [held, { session }] of this.given) {
      if (session !== name) continue
      this.given.delete(held)
      this.#watch.givenBack(held)
    }
  }

  #fail(number: number, reason: 'failed' | 'exception' | 'lost' | 'timeout'): void {
    if (!this.given.delete(number)) return
    const course = this.#watch.failed(number, reason, this.rules.now)
    if (course === 'dead') this.#dying.add(number)
    if (course === 'over') this.#end(number)
  }

  #end(number: number): void {
    this.#ended.add(number)
    this.given.delete(number)
    this.#watch.gone(number)
  }

  #hear(told: string, isBackground: boolean): void {
    const [, dead, reason] = /^keeper: #(\d+) (\w+).*, dead$/.exec(told) ?? []
    if (dead !== undefined) this.#bury(Number(dead), reason === 'expired', told)
    const [, name = '', word = '', first = '', second = ''] = /^(\w+) < (\w+) ?(\S*) ?(\S*)/.exec(told) ?? []
    const number = Number(first.slice(1))
    if (word === 'NOOP') this.#woken.add(name)
    else if (word === 'JOB_CANCEL') this.#fail(number, 'timeout')
    else if (word === 'JOB_CREATED' && isBackground) this.#acknowledged.add(number)
    else if (word === 'JOB_ASSIGN') {
      assert(!this.#ended.has(number), `${told}: it has ended`)
      const { engine, now } = this.rules
      this.#watch.begun(number, second, engine.findJob(number) ?? unknown, now, told)
      this.given.set(number, { session: name, function: second })
    }
  }

  #bury(number: number, isExpired: boolean, told: string): void {
    assert(!this.#ended.has(number), `${told}: it has ended before`)
    if (isExpired) assert(!this.#watch.wasBegun(number), `${told}: it has been begun`)
    else assert(this.#dying.delete(number), `${told}: it may have another attempt, or runs`)
    this.#end(number)
  }
}

const unknown: Asked = { unique: '', options: '' }

type Make = (witness: Witness) => string | undefined

/** A command that is made when its turn comes. */
class Step implements fc.Command<Witness, Witness> {
  #line = ''
  readonly #make: Make

  constructor(make: Make) {
    this.#make = make
  }

  check(witness: Witness): boolean {
    const line = this.#make(witness)
    this.#line = line ?? ''
    return line !== undefined
  }

  run(_: Witness, witness: Witness): void {
    witness.perform(this.#line)
  }

  toString(): string {
    return this.#line
  }
}

const client = fc.constantFrom('ann', 'bob')
const worker = fc.constantFrom('wes', 'yan', 'zoe')
const name = fc.constantFrom('f', 'f', 'g')
const unique = fc.constantFrom("''", 'u', 'a:1', 'a:2', 'a:3', 'b:1')
const any = fc.nat({ max: 1000 })
const submitWord = fc.constantFrom('SUBMIT_JOB', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH_BG')
const submit = fc.tuple(client, submitWord, name, unique, fc.constant('x')).map((words) => () => words.join(' '))
const submitEpoch = fc.tuple(client, name, unique, fc.nat({ max: 3 })).map(
  ([who, f, u, after]) =>
    ({ rules }: Witness) =>
      `${who} SUBMIT_JOB_EPOCH ${f} ${u} ${rules.now + 500 * after} x`,
)
const submitWith = fc
  .tuple(client, fc.constantFrom('SUBMIT_WITH', 'SUBMIT_WITH', 'SUBMIT_WAIT'), name, unique, jobOptions)
  .map(
    ([who, word, f, u, words]) =>
      () =>
        `${who} ${word} ${f} ${u} x ${words}`,
  )
const submitAt = fc.tuple(client, name, unique, fc.nat({ max: 3 }), jobOptions).map(
  ([who, f, u, after, words]) =>
    ({ rules }: Witness) =>
      `${who} SUBMIT_AT ${f} ${u} x ${rules.now + 500 * after} ${words}`,
)
const workerWord = fc.constantFrom('CAN_DO f', 'CAN_DO g', 'GRAB_JOB', 'GRAB_JOB', 'GRAB_JOB', 'PRE_SLEEP', 'PRE_SLEEP')
const work = fc.tuple(worker, workerWord).map((words) => () => words.join(' '))
const wokenGrab = any.map((index) => ({ woken }: Witness) => {
  const who = woken[index % woken.length]
  return who && `${who} GRAB_JOB`
})
const end = fc
  .tuple(any, fc.constantFrom('WORK_COMPLETE', 'WORK_FAIL', 'WORK_FAIL', 'WORK_EXCEPTION'))
  .map(([index, word]) => ({ running }: Witness) => {
    const job = running[index % running.length]
    return job && `${job.session} ${word} #${job.number} x`
  })
const wait = fc.constantFrom(1, 250, 500, 1000).map(
  (ms) =>
    ({ rules }: Witness) =>
      `at ${rules.now + ms}`,
)
const policy = policyCommand(name).map((line) => () => line)
const rare = fc.oneof(
  fc
    .tuple(worker, fc.constantFrom('CANT_DO f', 'RESET_ABILITIES', 'leaves', 'withdraws'))
    .map((words) => () => words.join(' ')),
  client.map((who) => () => `${who} leaves`),
  fc.nat({ max: 30 }).map((number) => () => `run #${number}`),
  fc.nat({ max: 30 }).map((number) => () => `cancel #${number}`),
  fc.tuple(fc.nat({ max: 30 }), fc.constantFrom('high', 'low')).map(
    ([number, line]) =>
      () =>
        `prioritize #${number} ${line}`,
  ),
)
const step = fc
  .oneof(
    { weight: 300, arbitrary: fc.oneof(submit, submit, submitWith, work, work, wokenGrab, end, end, wait) },
    { weight: 60, arbitrary: fc.oneof(submitEpoch, submitAt, policy, policy, rare) },
    { weight: 40, arbitrary: fc.constant(() => 'settle') },
  )
  .map((make) => new Step(make))

const options: fc.Arbitrary<Partial<EngineOptions>> = fc.record(
  { wakeCount: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY), exceptions: fc.boolean() },
  { requiredKeys: [] },
)

/** Workers are there, and most functions have a policy before they have jobs. */
const opening = fc
  .array(policyCommand(name), { maxLength: 3 })
  .map((lines) => [...lines, 'wes CAN_DO f', 'wes CAN_DO g', 'yan CAN_DO f'])

test('policies are kept, whatever comes', () => {
  fc.assert(
    fc.property(options, opening, fc.commands([step], { maxCommands: 150, size: 'max' }), (chosen, lines, steps) => {
      const witness = new Witness(chosen)
      for (const line of lines) witness.perform(line)
      fc.modelRun(() => ({ model: witness, real: witness }), steps)
      witness.rest()
    }),
    { numRuns: 500, includeErrorInReport: true },
  )
})
