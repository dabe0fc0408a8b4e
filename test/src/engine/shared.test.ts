import { test } from 'node:test'
import type { EngineOptions } from '@geartrain/engine'
import fc from 'fast-check'
import { SharedLedger } from './shared-ledger.ts'

/*
 * Any commands, in any order, to an engine whose store others use as well: they add jobs, claim, finish and cancel them;
 * the store goes away, and with it sometimes the lease. SharedLedger says what must hold. A failure prints the commands
 * as a scenario has them, with the seed and path that bring them back: put both into the fc.assert below.
 */

/** From what is so now, a command; undefined: there is none to be given. */
type Make = (ledger: SharedLedger) => string | undefined

class Step implements fc.Command<SharedLedger, SharedLedger> {
  #line = ''
  readonly #make: Make

  constructor(make: Make) {
    this.#make = make
  }

  check(ledger: SharedLedger): boolean {
    const line = this.#make(ledger)
    this.#line = line ?? ''
    return line !== undefined
  }

  run(_: SharedLedger, ledger: SharedLedger): void {
    ledger.perform(this.#line)
  }

  toString(): string {
    return this.#line
  }
}

const client = fc.constantFrom('ann', 'bob', 'server4')
const worker = fc.constantFrom('wes', 'yan', 'zoe')
const server = fc.constantFrom('server2', 'server3')
const name = fc.constantFrom('f', 'f', 'f', 'g')
const unique = fc.constantFrom("''", "''", 'u', 'v', '-', 'a:1', 'a:2')
const priority = fc.constantFrom('normal', 'normal', 'high', 'low')
const any = fc.nat({ max: 1000 })

const words = (arbitrary: fc.Arbitrary<readonly string[]>): fc.Arbitrary<Make> =>
  arbitrary.map((parts) => () => parts.join(' '))
const submitWord = fc.constantFrom(
  'SUBMIT_JOB',
  'SUBMIT_JOB_HIGH',
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_BG',
  'SUBMIT_JOB_LOW_BG',
)
const submit = words(fc.tuple(client, submitWord, name, unique, fc.constant('x')))
const submitEpoch = fc.tuple(fc.constantFrom('ann', 'bob'), name, unique, fc.nat({ max: 3 })).map(
  ([who, f, u, after]): Make =>
    ({ rules }) =>
      `${who} SUBMIT_JOB_EPOCH ${f} ${u} ${rules.now + 500 * after} x`,
)
const work = words(
  fc.tuple(worker, fc.constantFrom('CAN_DO f', 'CAN_DO g', 'GRAB_JOB', 'GRAB_JOB', 'PRE_SLEEP', 'PRE_SLEEP')),
)
const bridge = words(fc.tuple(server, fc.constantFrom('CAN_DO f', 'GRAB_JOB', 'PRE_SLEEP', 'PRE_SLEEP', 'CANT_DO f')))
const wokenGrab = any.map(
  (index): Make =>
    ({ woken }) => {
      const who = woken[index % woken.length]
      return who && `${who} GRAB_JOB`
    },
)
const end = fc.tuple(any, fc.constantFrom('WORK_COMPLETE', 'WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION')).map(
  ([index, word]): Make =>
    ({ running }) => {
      const job = running[index % running.length]
      return job && `${job.session} ${word} #${job.number} x`
    },
)
const seldomWork = words(fc.tuple(worker, fc.constantFrom('CANT_DO f', 'RESET_ABILITIES', 'leaves', 'withdraws')))
const leaves = words(fc.tuple(fc.oneof(client, server), fc.constant('leaves')))
const cancel = fc.nat({ max: 20 }).map(
  (number): Make =>
    () =>
      `cancel #${number}`,
)
const wait = fc.constantFrom(1, 60, 500, 1000).map(
  (ms): Make =>
    ({ rules }) =>
      `at ${rules.now + ms}`,
)
const policy = words(
  fc.tuple(
    fc.constant('policy f'),
    fc.constantFrom(
      'attempts=1',
      'paused=true',
      'concurrency=0',
      'concurrency=1',
      'rate=0',
      'rate=0.5',
      'groupConcurrency=1',
      'attempts=3 backoffFirstMs=500',
      'attempts=2 backoffFirstMs=0 retryForeground=true',
    ),
  ),
)
const limit = words(fc.tuple(fc.constant('maxqueue f'), fc.constantFrom('2', 'Infinity')))
const prioritize = fc.tuple(fc.nat({ max: 20 }), priority).map(
  ([number, line]): Make =>
    () =>
      `prioritize #${number} ${line}`,
)

const othersAdd = words(fc.tuple(fc.constant('others add'), name, unique, priority))
const hear = words(fc.tuple(fc.constant('hear'), name, priority))
const othersClaim = name.map(
  (f): Make =>
    () =>
      `others claim ${f}`,
)
const othersCancel = any.map(
  (index): Make =>
    ({ rules }) => {
      const job = rules.store.jobs[index % rules.store.jobs.length]
      // What ends here at the same moment is nobody's business.
      return job && rules.journal.isIdle && !rules.isLeaseOver ? `others cancel #${job.number}` : undefined
    },
)
const elsewhere = words(fc.tuple(fc.constant('elsewhere f'), fc.constantFrom('0 0', '2 2', '2 1', '1 0 1')))
const recount = fc.constant<Make>(() => 'recount')

const settle = fc.constant<Make>(() => 'settle')
const commit = fc.constant<Make>(() => 'commit')
const fail = fc.constantFrom('commit fails', 'commit is not read').map(
  (line): Make =>
    () =>
      line,
)
const die = fc.constantFrom('store dies told later', 'store dies late told later').map(
  (line): Make =>
    ({ rules }) =>
      rules.journal.isCancelling ? undefined : line,
)
const leaseOver = fc.constant<Make>(({ rules }) => (rules.journal.isBroken ? 'lease over' : undefined))
const reopen = fc.constant<Make>(({ rules }) => (rules.journal.isBroken ? 'reopen' : undefined))

const often = [submit, submit, work, work, work, wokenGrab, end, end, settle, settle, settle, commit, commit]
const others = [othersAdd, othersAdd, hear, othersClaim, othersClaim, recount, othersCancel, elsewhere]
const seldom = [submitEpoch, seldomWork, leaves, cancel, wait, wait, policy, limit, prioritize]
const faults = [fail, die, die, leaseOver, leaseOver, reopen, reopen]

const step = fc
  .oneof(
    { weight: 300, arbitrary: fc.oneof(...often) },
    { weight: 120, arbitrary: fc.oneof(...others) },
    { weight: 60, arbitrary: bridge },
    { weight: 60, arbitrary: fc.oneof(...seldom) },
    { weight: 40, arbitrary: fc.oneof(...faults) },
    {
      weight: 3,
      arbitrary: fc.constantFrom('others finish').map(
        (line): Make =>
          () =>
            line,
      ),
    },
  )
  .map((make) => new Step(make))

const options: fc.Arbitrary<Partial<EngineOptions>> = fc.record(
  {
    wakeCount: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
    windowJobs: fc.constantFrom(1, 2, 3, 100),
    windowBytes: fc.constantFrom(0, 1, 1000),
  },
  { requiredKeys: [] },
)

test('a server among others begins only what is its own, and holds nothing back', () => {
  fc.assert(
    fc.property(options, fc.commands([step], { maxCommands: 150, size: 'max' }), (chosen, commands) => {
      const ledger = new SharedLedger(chosen)
      fc.modelRun(() => ({ model: ledger, real: ledger }), commands)
      ledger.rest()
    }),
    { numRuns: 500, includeErrorInReport: true },
  )
})
