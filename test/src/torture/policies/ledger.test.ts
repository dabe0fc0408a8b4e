import assert from 'node:assert/strict'
import { afterEach, beforeEach, it, mock } from 'node:test'
import type { DeadJob, ScheduleState } from '@geartrain/protocol'
import type { Attempt, JobAccount } from './job-account.ts'
import { Ledger } from './ledger.ts'
import type { Rule } from './rules.ts'
import { Ticks } from './ticks.ts'

// A ledger that finds nothing would let every server pass: here are servers that break the rules, one by one.

const startMs = 1_790_000_000_000

beforeEach(() => mock.timers.enable({ apis: ['Date'], now: startMs }))
afterEach(() => mock.timers.reset())

/** A run in short; times are milliseconds since it began, and each step is at the last one that was named. */
class Run {
  readonly ledger = new Ledger()
  readonly jobs: JobAccount[] = []
  #attempts = new Map<JobAccount, Attempt>()

  constructor() {
    this.ledger.ready()
  }

  at(ms: number): this {
    mock.timers.setTime(startMs + ms)
    return this
  }

  /** The handle of a job is that of its place among all, beginning with 1. */
  submit(functionName = 'retry'): this {
    const job = this.ledger.submitted(functionName, 0)
    this.jobs.push(job)
    this.ledger.acknowledged(job, `H:${this.jobs.length}`)
    return this
  }

  give(handle = 1, worker = 'w1'): this {
    const job = this.#job(handle)
    const now = Date.now()
    const assignment = { worker, handle: `H:${handle}`, function: job.rules.name, workload: job.id }
    const assigned = this.ledger.assigned({ ...assignment, grabbedAt: now, heardAt: now })
    if (assigned !== undefined) this.#attempts.set(job, assigned.attempt)
    return this
  }

  /** With `isKept` it is known to be on disk at once. */
  say(how: 'complete' | 'fail' | 'exception', isKept = true, handle = 1, text = 'said'): this {
    const job = this.#job(handle)
    const attempt = this.#attempts.get(job)
    assert.ok(attempt !== undefined)
    this.ledger.said(job, attempt, how, text)
    if (isKept) this.ledger.kept(attempt)
    else this.ledger.received(attempt)
    return this
  }

  kill(): this {
    this.ledger.killed()
    this.ledger.ready()
    return this
  }

  /** The tables of the server. */
  list(live: readonly number[], dead: readonly DeadJob[] = []): this {
    this.ledger.check({ deadBefore: dead, live: new Set(live.map((handle) => `H:${handle}`)), deadAfter: dead })
    return this
  }

  /** What comes after the result of a chain. */
  giveNext(functionName: string, workload: string, handle: string): this {
    const now = Date.now()
    const assignment = { worker: 'w2', handle, function: functionName, workload, grabbedAt: now, heardAt: now }
    this.ledger.assigned(assignment)
    return this
  }

  do(act: (ledger: Ledger, job: JobAccount) => void): this {
    act(this.ledger, this.#job(1))
    return this
  }

  #job(handle: number): JobAccount {
    const job = this.jobs[handle - 1]
    assert.ok(job !== undefined)
    return job
  }
}

function dead(handle: number, reason: DeadJob['reason'], attempts: number, functionName = 'retry'): DeadJob {
  const names = { handle: `H:${handle}`, function: functionName, unique: '', priority: 'normal' } as const
  return { ...names, reason, attempts, diedAt: Date.now(), error: '' }
}

/** Three failures, each after the longest wait. */
function failThrice(): Run {
  return new Run().submit().give().say('fail').at(300).give().say('fail').at(600).give().say('fail')
}

const runs: readonly (readonly [name: string, run: () => Run, rule: Rule | undefined])[] = [
  ['a job that is done', () => new Run().submit().give().say('complete').list([]), undefined],
  ['one that is nowhere', () => new Run().submit().list([]), 'a'],
  ['one that is live and dead', () => new Run().submit().list([1], [dead(1, 'failed', 3)]), 'a'],
  ['one that is dead', () => failThrice().list([], [dead(1, 'failed', 3)]), undefined],
  [
    'one that was dead and is nowhere',
    () =>
      failThrice()
        .list([], [dead(1, 'failed', 3)])
        .list([]),
    'a',
  ],
  ['one that is done and comes back', () => new Run().submit().give().say('complete').at(9).give(), 'b'],
  ['the same after a kill', () => new Run().submit().give().say('complete').kill().at(9).give(), 'b'],
  ['but it was not on disk', () => new Run().submit().give().say('complete', false).kill().at(9).give(), undefined],
  [
    'one that is done and dead',
    () =>
      new Run()
        .submit()
        .give()
        .say('complete')
        .list([], [dead(1, 'failed', 3)]),
    'b',
  ],
  ['a fourth attempt', () => failThrice().at(900).give(), 'c'],
  ['one that a kill does not excuse', () => failThrice().at(900).kill().give(), 'c'],
  [
    'one after a kill has undone another',
    () =>
      new Run().submit().give().say('fail', false).kill().give().say('fail').at(300).give().say('fail').at(600).give(),
    undefined,
  ],
  [
    'too few attempts',
    () =>
      new Run()
        .submit()
        .give()
        .say('fail')
        .list([], [dead(1, 'failed', 2)]),
    'c',
  ],
  ['a final failure', () => new Run().submit('fixed').give().say('exception').at(300).give(), 'c'],
  ['no wait', () => new Run().submit().give().say('fail').at(50).give(), 'd'],
  ['no wait after a kill', () => new Run().submit().give().say('fail').kill().at(50).give(), 'd'],
  [
    'a second wait that is as short as the first',
    () => new Run().submit().give().say('fail').at(100).give().say('fail').at(200).give(),
    'd',
  ],
  ['three at a time', () => threeAtATime(), 'e'],
  ['one at two workers', () => new Run().submit().give().at(100).give(1, 'w2'), 'e'],
  ['a worker that hangs', () => new Run().submit().give().at(700).give(1, 'w2'), undefined],
  [
    'its late answer',
    () => new Run().submit('chain.fetch').give().at(700).say('complete').giveNext('chain.index', 'said', 'H:9'),
    'b',
  ],
  ['a chain', () => new Run().submit('chain.fetch').give().say('complete').list([], []), 'a'],
  [
    'its next job',
    () => new Run().submit('chain.fetch').give().say('complete').giveNext('chain.index', 'said', 'H:9'),
    undefined,
  ],
  ['a next job that comes twice', () => twoNextJobs(), 'f'],
  [
    'a function that is paused',
    () =>
      new Run()
        .submit('gate')
        .do((ledger) => ledger.gateIs(true))
        .at(9)
        .give(),
    'h',
  ],
  [
    'one that is deleted',
    () =>
      failThrice()
        .do((ledger, job) => ledger.deleteKept(job))
        .list([], [dead(1, 'failed', 3)]),
    'i',
  ],
  ['one that is tried again, and nowhere', () => triedAgain().list([]), 'a'],
  ['one that is tried again', () => triedAgain().at(900).give().list([1]), undefined],
  ['one that is begun too late', () => new Run().submit('short').at(800).give(), 'j'],
  ['one that has no time', () => new Run().submit().list([], [dead(1, 'expired', 0)]), 'j'],
  [
    'one that was begun',
    () =>
      new Run()
        .submit('short')
        .give()
        .at(900)
        .list([], [dead(1, 'expired', 0, 'short')]),
    'j',
  ],
]

function threeAtATime(): Run {
  const run = new Run().submit('limited').submit('limited').submit('limited')
  return run.give(1, 'w1').give(2, 'w2').give(3, 'w3')
}

function twoNextJobs(): Run {
  const run = new Run().submit('chain.fetch').give().say('complete')
  return run.giveNext('chain.index', 'said', 'H:8').at(700).giveNext('chain.index', 'said', 'H:9')
}

function triedAgain(): Run {
  const run = failThrice().list([], [dead(1, 'failed', 3)])
  return run.do((ledger, job) => ledger.retrySaid(job)).do((ledger, job) => ledger.retryKept(job))
}

for (const [name, run, rule] of runs) {
  it(`${name}: ${rule === undefined ? 'is as it should be' : `breaks rule ${rule}`}`, () => {
    const { fault } = run().ledger
    assert.equal(fault?.rule, rule, fault?.text)
  })
}

function history(...runs: readonly (readonly [second: number, handle: string])[]): ScheduleState {
  const shown = runs.map(([second, handle]) => ({ dueAt: second * 1000, at: 0, outcome: 'submitted', handle }) as const)
  return { name: 'tick', function: 'tick', origin: 'config', paused: false, next: [], history: shown.reverse() }
}

const first = history([1, 'H:1'], [2, 'H:2'])
const histories: readonly (readonly [name: string, then: ScheduleState, isRight: boolean])[] = [
  ['goes on', history([1, 'H:1'], [2, 'H:2'], [3, 'H:3']), true],
  ['leaves a time out', history([1, 'H:1'], [2, 'H:2'], [4, 'H:4']), false],
  ['has another job for a time', history([1, 'H:1'], [2, 'H:3']), false],
  ['has a job for two times', history([1, 'H:1'], [2, 'H:2'], [3, 'H:2']), false],
  ['has forgotten', history([5, 'H:5']), false],
]

for (const [name, then, isRight] of histories) {
  it(`a schedule that ${name} is ${isRight ? 'as it should be' : 'found out'}`, () => {
    const ticks = new Ticks()
    assert.equal(ticks.learn(first), undefined)
    assert.equal(ticks.learn(then) === undefined, isRight)
  })
}

it('a job of no time of the schedule, and a time whose job nobody has done, are found', () => {
  const ticks = new Ticks()
  ticks.learn(first)
  for (const handle of ['H:1', 'H:2', 'H:9']) ticks.see(handle)
  ticks.finish('H:1')
  assert.equal(ticks.stranger(), 'H:9')
  assert.equal(ticks.undone(), 'H:2')
})
