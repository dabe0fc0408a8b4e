import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertInvariants, type EngineOptions } from '@geartrain/engine'
import fc from 'fast-check'
import { EngineRules } from './engine-rules.ts'
import { Model } from './model.ts'
import { perform } from './rules.ts'

/*
 * Any commands, in any order, to the engine and to the naive model: both must say the same after each of them.
 * A failure prints the commands as a scenario has them, with the seed and path that bring them back:
 * put both into the fc.assert below.
 */

/** From what is running and what time it is, a command; undefined: there is none to be given now. */
type Make = (model: Model) => string | undefined

/** A command that is made when its turn comes. */
class Step implements fc.Command<Model, EngineRules> {
  #line = ''
  readonly #make: Make

  constructor(make: Make) {
    this.#make = make
  }

  check(model: Model): boolean {
    const line = this.#make(model)
    this.#line = line ?? ''
    return line !== undefined
  }

  run(model: Model, engine: EngineRules): void {
    assert.deepEqual(seen(engine, this.#line), seen(model, this.#line))
    assertInvariants(engine.engine)
  }

  toString(): string {
    return this.#line
  }
}

function seen(rules: EngineRules | Model, line: string) {
  const answers = perform(line, rules)
  const { nextDeadline } = rules
  return { answers, events: rules.takeEvents(), nextDeadline, jobs: rules.jobs(), functions: rules.functions() }
}

const session = fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve')
const name = fc.constantFrom('f', 'g', 'h')
const unique = fc.constantFrom("''", 'u', 'v', '-')
const workload = fc.constantFrom("''", 'x', 'y')
const any = fc.nat({ max: 1000 })

const submitWord = fc.constantFrom(
  'SUBMIT_JOB',
  'SUBMIT_JOB_HIGH',
  'SUBMIT_JOB_LOW',
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_HIGH_BG',
)
const submit = fc.tuple(session, submitWord, name, unique, workload).map((words) => () => words.join(' '))
const submitEpoch = fc.tuple(session, name, unique, fc.nat({ max: 3 }), workload).map(
  ([who, f, u, after, w]) =>
    (model: Model) =>
      `${who} SUBMIT_JOB_EPOCH ${f} ${u} ${model.now + 500 * after} ${w}`,
)
const canDo = fc.tuple(session, fc.constant('CAN_DO'), name).map((words) => () => words.join(' '))
const canDoTimeout = fc.tuple(session, name, any).map(
  ([who, f, ms]) =>
    () =>
      `${who} CAN_DO_TIMEOUT ${f} ${ms}`,
)
const cantDo = fc.tuple(session, fc.constant('CANT_DO'), name).map((words) => () => words.join(' '))
const grabWord = fc.constantFrom('GRAB_JOB', 'GRAB_JOB_UNIQ', 'GRAB_JOB_ALL')
const grab = fc.tuple(session, grabWord).map((words) => () => words.join(' '))
/** By one that was woken: what a worker does. */
const wokenGrab = any.map((index) => ({ woken }: Model) => {
  const who = woken[index % woken.length]
  return who && `${who} GRAB_JOB_ALL`
})
const preSleep = session.map((who) => () => `${who} PRE_SLEEP`)
const rare = fc
  .tuple(session, fc.constantFrom('leaves', 'withdraws', 'RESET_ABILITIES', 'exceptions'))
  .map((words) => () => words.join(' '))

const workWord = fc.constantFrom(
  'WORK_DATA x',
  'WORK_WARNING x',
  'WORK_STATUS 1 2',
  'WORK_COMPLETE x',
  'WORK_FAIL',
  'WORK_EXCEPTION x',
)
/** By the worker that has the job. */
const work = fc.tuple(workWord, any).map(([words, index]) => (model: Model) => {
  const job = model.running[index % model.running.length]
  return job && `${job.session} ${insertNumber(words, job.number)}`
})
/** By anybody, of any job. */
const strayWork = fc.tuple(session, workWord, fc.nat({ max: 20 })).map(
  ([who, words, number]) =>
    () =>
      `${who} ${insertNumber(words, number)}`,
)

function insertNumber(words: string, number: number): string {
  const [word = '', ...texts] = words.split(' ')
  return [word, `#${number}`, ...texts].join(' ')
}

const wait = fc.constantFrom(1, 250, 500, 1000, 3000).map((ms) => (model: Model) => `at ${model.now + ms}`)
const settle = fc.constant(() => 'settle')
const cancel = fc.nat({ max: 20 }).map((number) => () => `cancel #${number}`)
const runNow = fc.nat({ max: 20 }).map((number) => () => `run #${number}`)
const cancelRunning = any.map((index) => ({ running }: Model) => {
  const job = running[index % running.length]
  return job && `cancel #${job.number}`
})
const admin = fc.oneof(
  name.map((f) => () => `create ${f}`),
  name.map((f) => () => `drop ${f}`),
  fc.tuple(name, fc.constantFrom('1', '2 1 1', 'Infinity')).map(
    ([f, limits]) =>
      () =>
        `maxqueue ${f} ${limits}`,
  ),
)
const drain = fc.constant(() => 'drain')

/** How often each comes, so that the interesting states are met: jobs that wait, run and are joined, workers asleep. */
const often = [submit, submit, canDo, grab, wokenGrab, preSleep, preSleep, preSleep, work, work, settle, wait]
const seldom = [submitEpoch, canDoTimeout, cantDo, rare, strayWork, cancel, cancelRunning, runNow, admin]
const step = fc
  .oneof(
    { weight: 300, arbitrary: fc.oneof(...often) },
    { weight: 100, arbitrary: fc.oneof(...seldom) },
    { weight: 1, arbitrary: drain },
  )
  .map((make) => new Step(make))

const options: fc.Arbitrary<Partial<EngineOptions>> = fc.record(
  {
    attemptsMax: fc.constantFrom(1, 2, 3),
    wakeCount: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
    wakeTimeoutMs: fc.constantFrom(1, 1000),
    functionsMax: fc.constantFrom(2, 100, 100),
    jobsPerFunctionMax: fc.constantFrom(2, 100, 100),
    exceptions: fc.boolean(),
    firstNumber: fc.constantFrom(1, 10),
  },
  { requiredKeys: [] },
)

/** Most runs begin with workers that sleep, as a server's day does. */
const opening = fc
  .array(fc.tuple(session, fc.subarray(['f', 'g']), fc.boolean()))
  .map((workers) =>
    workers.flatMap(([who, names, sleeps]) => [
      ...names.map((f) => `${who} CAN_DO ${f}`),
      ...(sleeps ? [`${who} PRE_SLEEP`] : []),
    ]),
  )

function opened<T extends Model | EngineRules>(rules: T, lines: readonly string[]): T {
  for (const line of lines) perform(line, rules)
  rules.takeEvents()
  return rules
}

test('the engine does what the naive model does', () => {
  fc.assert(
    fc.property(options, opening, fc.commands([step], { maxCommands: 120, size: 'max' }), (chosen, lines, steps) => {
      fc.modelRun(
        () => ({ model: opened(new Model(chosen), lines), real: opened(new EngineRules(chosen), lines) }),
        steps,
      )
    }),
    { numRuns: 600 },
  )
})
