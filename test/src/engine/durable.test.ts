import { test } from 'node:test'
import type { EngineOptions } from '@geartrain/engine'
import fc from 'fast-check'
import { jobOptions, policyCommand } from './drawn-policies.ts'
import { Ledger } from './ledger.ts'

/*
 * Any commands, in any order, to an engine with a store that commits when it likes, fails at times and is opened anew;
 * the ledger watches that no rule is broken, and at the end that everything gets done.
 * A failure prints the commands as a scenario has them, with the seed and path that bring them back:
 * put both, and the replayPath into fc.commands, where they stand below.
 */

/** From what is running, a command; undefined: there is none to be given now. */
type Make = (ledger: Ledger) => string | undefined

/** A command that is made when its turn comes. */
class Step implements fc.Command<Ledger, Ledger> {
  #line = ''
  readonly #make: Make

  constructor(make: Make) {
    this.#make = make
  }

  check(ledger: Ledger): boolean {
    const line = this.#make(ledger)
    this.#line = line ?? ''
    return line !== undefined
  }

  run(_: Ledger, ledger: Ledger): void {
    ledger.perform(this.#line)
  }

  toString(): string {
    return this.#line
  }
}

const client = fc.constantFrom('ann', 'bob', 'cid')
const worker = fc.constantFrom('wes', 'yan', 'zoe')
const name = fc.constantFrom('f', 'f', 'f', 'g')
const unique = fc.constantFrom("''", 'u', 'u', 'v', '-', 'a:1', 'a:2')
const workload = fc.constantFrom("''", 'x', 'y')
const any = fc.nat({ max: 1000 })

const submitWord = fc.constantFrom(
  'SUBMIT_JOB',
  'SUBMIT_JOB_HIGH',
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_HIGH_BG',
  'SUBMIT_JOB_LOW_BG',
)
const submit = fc.tuple(client, submitWord, name, unique, workload).map((words) => () => words.join(' '))
const submitEpoch = fc.tuple(client, name, unique, fc.nat({ max: 3 }), workload).map(
  ([who, f, u, after, w]) =>
    ({ rules }: Ledger) =>
      `${who} SUBMIT_JOB_EPOCH ${f} ${u} ${rules.now + 500 * after} ${w}`,
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
    ({ rules }: Ledger) =>
      `${who} SUBMIT_AT ${f} ${u} x ${rules.now + 500 * after} ${words}`,
)
const workerWord = fc.constantFrom('CAN_DO f', 'CAN_DO g', 'GRAB_JOB', 'GRAB_JOB', 'PRE_SLEEP', 'PRE_SLEEP')
const work = fc.tuple(worker, workerWord).map(speaking)
const wokenGrab = any.map((index) => (ledger: Ledger) => {
  const who = ledger.woken[index % ledger.woken.length]
  return who && speaking([who, 'GRAB_JOB'])(ledger)
})
const seldomWork = fc.tuple(worker, fc.constantFrom('CANT_DO f', 'RESET_ABILITIES')).map(speaking)
const end = fc
  .tuple(any, fc.constantFrom('WORK_COMPLETE', 'WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION', 'WORK_DATA'))
  .map(([index, word]) => (ledger: Ledger) => {
    const job = ledger.running[index % ledger.running.length]
    return job && speaking([job.session, `${word} #${job.number} r${job.number}`])(ledger)
  })
const leaves = fc
  .tuple(fc.oneof(client, worker), fc.constantFrom('leaves', 'leaves', 'withdraws'))
  .map((words) => () => words.join(' '))
const cancel = fc.nat({ max: 20 }).map((number) => () => `cancel #${number}`)
const limit = fc.tuple(name, fc.constantFrom('2', 'Infinity')).map(
  ([f, jobs]) =>
    () =>
      `maxqueue ${f} ${jobs}`,
)
const wait = fc.constantFrom(1, 500, 1000).map(
  (ms) =>
    ({ rules }: Ledger) =>
      `at ${rules.now + ms}`,
)
const policy = policyCommand(name).map((line) => () => line)
const chain = fc
  .constantFrom('policy f then=g', 'policy f then=g attempts=2 backoffFirstMs=0')
  .map((line) => () => line)
const prioritize = fc.tuple(fc.nat({ max: 20 }), fc.constantFrom('high', 'low')).map(
  ([number, line]) =>
    () =>
      `prioritize #${number} ${line}`,
)
const revive = any.map((index) => ({ rules }: Ledger) => {
  const job = rules.store.dead[index % rules.store.dead.length]
  return job && `revive #${job.number}`
})
const runNow = fc.nat({ max: 20 }).map((number) => () => `run #${number}`)
const settle = fc.constant(() => 'settle')
const commit = fc.constant(() => 'commit')
const reopen = fc.constant(({ rules }: Ledger) => (rules.journal.isBroken ? 'reopen' : undefined))
const fail = fc
  .constantFrom('commit fails', 'commit fails', 'commit is not read', 'store dies')
  .map((line) => () => line)
/** Who waits for a job that was cancelled then would wait for ever: nobody says that it was. */
const dieLate = fc.constant(({ rules }: Ledger) => (rules.journal.isCancelling ? undefined : 'store dies late'))
const crash = fc.constantFrom('crash', 'crash late').map((line) => () => line)

function speaking([who, words]: readonly [string, string]): Make {
  return (ledger) => (ledger.canSpeak(who) ? `${who} ${words}` : undefined)
}

const often = [submit, submit, submit, work, work, wokenGrab, end, end, settle, settle, settle, commit, commit]
const seldom = [submitEpoch, seldomWork, leaves, cancel, limit, wait, wait, runNow]
const faults = [fail, fail, dieLate, reopen, reopen, reopen, crash]

const policies = [policy, policy, policy, chain, prioritize, submitWith, submitWith, submitAt]

function steps(isFaulty: boolean, hasPolicies: boolean): fc.Arbitrary<Iterable<fc.Command<Ledger, Ledger>>> {
  const step = fc
    .oneof(
      { weight: 300, arbitrary: fc.oneof(...often) },
      { weight: 60, arbitrary: fc.oneof(...seldom) },
      { weight: isFaulty ? 30 : 0, arbitrary: fc.oneof(...faults) },
      { weight: hasPolicies ? 30 : 0, arbitrary: fc.oneof(...policies, ...(isFaulty ? [] : [revive])) },
    )
    .map((make) => new Step(make))
  return fc.commands([step], { maxCommands: 150, size: 'max' })
}

const options: fc.Arbitrary<Partial<EngineOptions>> = fc.record(
  {
    wakeCount: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
    windowJobs: fc.constantFrom(1, 2, 3, 100),
    windowBytes: fc.constantFrom(0, 1, 1000),
    firstNumber: fc.constantFrom(1, 10),
  },
  { requiredKeys: [] },
)

/** Most functions have a policy before they have jobs. */
const opening = fc.array(policyCommand(name), { maxLength: 2 })

for (const hasPolicies of [false, true]) {
  for (const isFaulty of [false, true]) {
    const store = `a store that ${isFaulty ? 'fails' : 'works'}`
    test(`nothing that was acknowledged is lost, with ${store}${hasPolicies ? ' and policies' : ''}`, () => {
      fc.assert(
        fc.property(options, opening, steps(isFaulty, hasPolicies), (chosen, lines, commands) => {
          const ledger = new Ledger(chosen)
          for (const line of hasPolicies ? lines : []) ledger.perform(line)
          fc.modelRun(() => ({ model: ledger, real: ledger }), commands)
          ledger.rest()
        }),
        { numRuns: 500, includeErrorInReport: true },
      )
    })
  }
}
