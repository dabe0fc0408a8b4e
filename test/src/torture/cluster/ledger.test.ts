import assert from 'node:assert/strict'
import { afterEach, beforeEach, it, mock } from 'node:test'
import type { ScheduleRun } from '@geartrain/protocol'
import { isRetried } from './functions.ts'
import type { Attempt, JobAccount, Submission } from './job-account.ts'
import { Ledger } from './ledger.ts'
import type { Life } from './life.ts'
import { drawRound } from './plan.ts'
import type { Rule } from './rules.ts'
import { Ticks } from './ticks.ts'

// A ledger that finds nothing would let every cluster pass: here are clusters that break the rules, one by one.

const startMs = 1_790_000_000_000

beforeEach(() => mock.timers.enable({ apis: ['Date'], now: startMs }))
afterEach(() => mock.timers.reset())

interface Asked {
  readonly unique?: string
  readonly name?: string
  readonly runAt?: number
  readonly isBackground?: boolean
  /** Undefined: it is not answered. */
  readonly handle?: string | undefined
  /** Where; s1 unless it is said. */
  readonly at?: number
}

/** A run in short; times are milliseconds since it began, and each step is at the last one that was named. */
class Run {
  readonly ledger = new Ledger(isRetried)
  readonly lives: Life[] = ['s1', 's2'].map((name) => this.ledger.began(name))
  readonly #submissions = new Map<string, Submission>()
  readonly #attempts = new Map<string, Attempt>()
  #cancel: JobAccount | undefined

  at(ms: number): this {
    mock.timers.setTime(startMs + ms)
    return this
  }

  submit(
    id: string,
    { unique = '', name = 'work', runAt = 0, isBackground = true, at = 1, ...more }: Asked = {},
  ): this {
    const asked = { id, client: 'c1', function: name, unique, isBackground }
    const submission = this.ledger.submitted({ ...asked, runAt: runAt === 0 ? 0 : startMs + runAt })
    this.#submissions.set(id, submission)
    const handle = 'handle' in more ? more.handle : `H:${id}`
    if (handle !== undefined) this.ledger.acknowledged(submission, handle, this.lives[at - 1])
    return this
  }

  /** `worker` has it from then on; its name ends with the number of its server, or it does not know that. */
  give(
    id: string,
    worker: string,
    handle = `H:${id}`,
    functionName = this.#submissions.get(id)?.function ?? 'work',
  ): this {
    const now = Date.now()
    const life = this.lives[Number(worker.at(-1)) - 1]
    const assignment = { worker, life, handle, function: functionName, workload: id }
    const known = this.ledger.assigned({ ...assignment, givenMin: now, heardAt: now })
    if (known !== undefined) this.#attempts.set(`${id} ${worker}`, known.attempt)
    return this
  }

  say(
    id: string,
    worker: string,
    known: 'kept' | 'taken' | 'said' = 'kept',
    how: 'complete' | 'fail' = 'complete',
  ): this {
    const attempt = this.#attempt(id, worker)
    this.ledger.said(attempt, how, 'result')
    if (known === 'kept') this.ledger.kept(attempt)
    else if (known === 'taken') this.ledger.taken(attempt)
    return this
  }

  lose(id: string, worker: string): this {
    this.ledger.lost(this.#attempt(id, worker))
    return this
  }

  /** Acknowledged at once. */
  cancel(handle: string): this {
    this.#cancel = this.ledger.cancelSaid(handle)
    assert.ok(this.#cancel !== undefined)
    this.ledger.cancelled(this.#cancel)
    return this
  }

  refuse(handle: string, why: string): this {
    const job = this.ledger.cancelSaid(handle)
    assert.ok(job !== undefined)
    this.ledger.cancelRefused(job, why)
    return this
  }

  end(id: string, result = 'result', how: 'complete' | 'fail' = 'complete'): this {
    const submission = this.#submissions.get(id)
    assert.ok(submission !== undefined)
    this.ledger.ended(submission, how, result)
    return this
  }

  lapse(server: number, from: number, to: number): this {
    this.lives[server - 1]?.lapse(startMs + from, startMs + to)
    return this
  }

  die(server: number): this {
    const life = this.lives[server - 1]
    if (life !== undefined) this.ledger.died(life)
    return this
  }

  settle(): this {
    this.ledger.settle()
    return this
  }

  /** Nothing may be owed at the end, or that is a fault of rule a. */
  drain(): this {
    this.ledger.judge(true)
    const job = this.ledger.owed()
    if (job !== undefined) this.ledger.fail('a', 'a job is owed', job)
    return this
  }

  #attempt(id: string, worker: string): Attempt {
    const attempt = this.#attempts.get(`${id} ${worker}`)
    assert.ok(attempt !== undefined)
    return attempt
  }
}

const done = () => new Run().submit('s1').at(10).give('s1', 'w1').at(20).say('s1', 'w1')
const held = () => new Run().submit('s1').at(10).give('s1', 'w1')
const once = (id: string, handle: string | undefined, at = 1): [string, Asked] => [
  id,
  { unique: 'u', name: 'once', handle, at },
]

const runs: readonly (readonly [name: string, run: () => Run, rule: Rule | undefined])[] = [
  ['a job that is done', () => done().drain(), undefined],
  ['one that is never begun', () => new Run().submit('s1').drain(), 'a'],
  [
    'one that is never begun, and was not answered',
    () => new Run().submit('s1', { handle: undefined }).drain(),
    undefined,
  ],
  ['one whose worker is lost', () => held().lose('s1', 'w1').drain(), 'a'],
  ['one that failed', () => held().say('s1', 'w1', 'kept', 'fail').drain(), undefined],
  [
    'one that failed and is to be tried again',
    () => new Run().submit('s1', { name: 'retry' }).give('s1', 'w1').say('s1', 'w1', 'kept', 'fail').drain(),
    'a',
  ],
  ['one that nobody has submitted', () => new Run().give('s1', 'w1'), 'a'],
  ['one of another function', () => new Run().submit('s1').give('s1', 'w1', 'H:s1', 'retry'), 'a'],

  ['done, and given again', () => done().at(30).give('s1', 'w2').drain(), 'b'],
  [
    'done, and given again by a server that was paused long before',
    () => done().lapse(2, -900, 5).at(30).give('s1', 'w2').drain(),
    'b',
  ],
  ['done, and given again to a program', () => done().at(5000).give('s1', 'php').drain(), 'b'],
  [
    'done by one whose server was paused meanwhile',
    () => done().lapse(1, 12, 18).at(30).give('s1', 'w2').say('s1', 'w2').drain(),
    undefined,
  ],
  ['done, settled, and given again', () => done().settle().at(30).give('s1', 'w2'), 'b'],
  ['cancelled', () => new Run().submit('s1').at(5).cancel('H:s1').drain(), undefined],
  ['cancelled, and given', () => new Run().submit('s1').at(5).cancel('H:s1').at(6).give('s1', 'w2').drain(), 'b'],
  ['not cancelled, since it is not known', () => new Run().submit('s1').refuse('H:s1', 'NOT_FOUND').drain(), 'a'],
  ['perhaps cancelled', () => new Run().submit('s1').refuse('H:s1', 'UNAVAILABLE').drain(), undefined],
  ['given, and cancelled', () => held().at(20).cancel('H:s1').drain(), undefined],

  ['a submission that is two jobs', () => new Run().submit('s1').give('s1', 'w1', 'H:other').drain(), 'c'],
  ['a handle of two submissions', () => new Run().submit('s1').submit('s2', { handle: 'H:s1' }), 'c'],
  ['a handle of two functions', () => new Run().submit(...once('s1', 'H:s1')).submit('s2', { handle: 'H:s1' }), 'c'],
  [
    'a unique that is two jobs to its submitter',
    () => new Run().submit(...once('s1', 'H:s1')).give('s1', 'w1', 'H:other'),
    'c',
  ],

  [
    'joined',
    () =>
      new Run()
        .submit(...once('s1', 'H:1'))
        .at(5)
        .submit(...once('s2', 'H:1', 2))
        .give('s1', 'w1', 'H:1')
        .say('s1', 'w1')
        .drain(),
    undefined,
  ],
  [
    'not joined while it waits',
    () =>
      new Run()
        .submit(...once('s1', 'H:1'))
        .at(5)
        .submit(...once('s2', 'H:2', 2))
        .drain(),
    'd',
  ],
  [
    'not joined while it runs',
    () =>
      new Run()
        .submit(...once('s1', 'H:1'))
        .give('s1', 'w1', 'H:1')
        .at(5)
        .submit(...once('s2', 'H:2', 2))
        .drain(),
    'd',
  ],
  [
    'not joined after its end',
    () =>
      new Run()
        .submit(...once('s1', 'H:1'))
        .give('s1', 'w1', 'H:1')
        .at(3)
        .say('s1', 'w1')
        .at(5)
        .submit(...once('s2', 'H:2', 2))
        .give('s2', 'w1', 'H:2')
        .say('s2', 'w1')
        .drain(),
    undefined,
  ],
  [
    'two of one unique at a time, of which the first was cancelled while its worker was at it',
    () =>
      new Run()
        .submit(...once('s1', undefined))
        .submit(...once('s2', undefined))
        .give('s1', 'w1', 'H:1')
        .at(3)
        .cancel('H:1')
        .at(5)
        .give('s2', 'w2', 'H:2')
        .say('s2', 'w2')
        .drain(),
    undefined,
  ],
  [
    'two of one unique at a time',
    () =>
      new Run()
        .submit(...once('s1', undefined))
        .submit(...once('s2', undefined))
        .give('s1', 'w1', 'H:1')
        .at(5)
        .give('s2', 'w2', 'H:2')
        .drain(),
    'd',
  ],
  [
    'the same, with a server that was paused',
    () =>
      new Run()
        .submit(...once('s1', undefined))
        .submit(...once('s2', undefined))
        .lapse(1, 2, 4)
        .give('s1', 'w1', 'H:1')
        .at(5)
        .give('s2', 'w2', 'H:2')
        .drain(),
    undefined,
  ],

  [
    'begun at its time',
    () => new Run().submit('s1', { runAt: 1000 }).at(1000).give('s1', 'w1').say('s1', 'w1').drain(),
    undefined,
  ],
  [
    'begun before its time',
    () => new Run().submit('s1', { runAt: 1000 }).at(900).give('s1', 'w1').say('s1', 'w1').drain(),
    'e',
  ],

  [
    'a client that is told',
    () => new Run().submit('f1', { isBackground: false }).give('f1', 'w2', 'H:9').say('f1', 'w2').end('f1').drain(),
    undefined,
  ],
  [
    'a client that is told twice',
    () => new Run().submit('f1', { isBackground: false }).give('f1', 'w2', 'H:9').say('f1', 'w2').end('f1').end('f1'),
    'f',
  ],
  [
    'a client that is told what nobody said',
    () =>
      new Run().submit('f1', { isBackground: false }).give('f1', 'w2', 'H:9').say('f1', 'w2').end('f1', 'lie').drain(),
    'f',
  ],
  [
    'a client that is told nothing',
    () => new Run().submit('f1', { isBackground: false }).give('f1', 'w2', 'H:9').say('f1', 'w2').drain(),
    'a',
  ],

  ['two workers at a time', () => held().at(20).give('s1', 'w2').drain(), 'g'],
  [
    'two workers, since a server was killed',
    () => held().die(1).at(20).give('s1', 'w2').say('s1', 'w2').drain(),
    undefined,
  ],
  [
    'two workers, since a server was cut off',
    () => held().lapse(1, 12, 15).at(20).give('s1', 'w2').say('s1', 'w2').drain(),
    undefined,
  ],
  [
    'two workers, the first of whom was lost',
    () => held().lose('s1', 'w1').at(20).give('s1', 'w2').say('s1', 'w2').drain(),
    undefined,
  ],
  [
    'again, though its end was heard',
    () => held().at(20).say('s1', 'w1', 'taken').at(30).give('s1', 'w2').say('s1', 'w2').drain(),
    'g',
  ],
  [
    'again, since its end was perhaps not heard',
    () => held().at(20).say('s1', 'w1', 'said').at(30).give('s1', 'w2').say('s1', 'w2').drain(),
    undefined,
  ],
  [
    'again, after a failure that is retried',
    () =>
      new Run()
        .submit('s1', { name: 'retry' })
        .give('s1', 'w1')
        .at(5)
        .say('s1', 'w1', 'kept', 'fail')
        .at(9)
        .give('s1', 'w2')
        .at(12)
        .say('s1', 'w2')
        .drain(),
    undefined,
  ],
]

for (const [name, run, rule] of runs) {
  it(`${rule === undefined ? 'keeps' : `breaks ${rule}`}: ${name}`, () => {
    const { fault } = run().ledger
    assert.equal(fault?.rule, rule, fault?.text)
  })
}

it('an end is known to be kept by what the server acknowledges later to somebody else', () => {
  const run = held()
    .at(20)
    .say('s1', 'w1', 'taken')
    .at(25)
    .submit('s2')
    .give('s2', 'w1')
    .at(30)
    .give('s1', 'w2')
    .drain()
  assert.equal(run.ledger.fault?.rule, 'b')
  // Of what another server acknowledges nothing follows, nor of what was asked before the word was heard.
  const other = held()
    .at(20)
    .say('s1', 'w1', 'taken')
    .at(25)
    .submit('s2', { at: 2 })
    .give('s2', 'w1')
    .say('s2', 'w1')
    .die(1)
  assert.equal(other.at(30).give('s1', 'w2').say('s1', 'w2').drain().ledger.fault, undefined)
})

function ran(second: number, handle: string, outcome: ScheduleRun['outcome'] = 'submitted'): ScheduleRun {
  return { dueAt: startMs + second * 1000, at: startMs + second * 1000, outcome, handle }
}

/** Histories are shown the latest first. */
function learned(...histories: readonly (readonly ScheduleRun[])[]): { ticks: Ticks; wrong: string | undefined } {
  const ticks = new Ticks()
  const wrong = histories
    .map((history) => ticks.learn([...history].reverse(), startMs + 60_000))
    .find((what) => what !== undefined)
  return { ticks, wrong }
}

it('a schedule has one job for each of its times, by whatever server is asked', () => {
  assert.equal(learned([ran(1, 'a'), ran(2, 'b')], [ran(2, 'b'), ran(3, 'c')], [ran(1, 'a')]).wrong, undefined)
  assert.match(learned([ran(1, 'a'), ran(3, 'c')]).wrong ?? '', /missing/)
  assert.match(learned([ran(1, 'a')], [ran(1, 'b')]).wrong ?? '', /had the job a, and has b/)
  assert.match(learned([ran(1, 'a'), ran(2, 'a')]).wrong ?? '', /a is the job of/)
  assert.match(learned([ran(1, 'a')], [ran(3, 'c')]).wrong ?? '', /the history begins/)
  assert.match(learned([ran(1, 'a', 'skipped: missed')]).wrong ?? '', /skipped/)
  assert.deepEqual([learned([ran(59, 'a')]).ticks.count, learned([ran(50, 'a')]).ticks.count], [0, 1])
})

it('a job that is of no time of a schedule is found, and one that nobody was given', () => {
  const runs = Array.from({ length: 20 }, (_, second) => ran(second, `h${second}`))
  const { ticks } = learned(runs)
  for (const { handle = '', at } of runs) ticks.see(handle, at)
  assert.deepEqual([ticks.stranger(startMs + 60_000), ticks.unseen()], [undefined, undefined])
  ticks.see('twice', startMs + 19_000)
  assert.equal(ticks.stranger(startMs + 60_000), 'twice')
  // What has come just now the servers may not have told yet.
  assert.equal(ticks.stranger(startMs + 20_000), undefined)
  assert.equal(learned(runs).ticks.unseen(), 'h0')
})

it('a seed draws the same rounds, and each kind of trouble once in nine', () => {
  const rounds = Array.from({ length: 9 }, (_, i) => drawRound(7, i + 1))
  assert.deepEqual(
    rounds,
    Array.from({ length: 9 }, (_, i) => drawRound(7, i + 1)),
  )
  assert.equal(new Set(rounds.map(({ events: [first] }) => first?.kind)).size, 9)
  assert.notDeepEqual(rounds[0], drawRound(8, 1))
  for (const { events } of rounds) {
    const servers = events.flatMap((event) => ('server' in event ? [event.server] : []))
    assert.equal(new Set(servers).size, servers.length)
  }
})
