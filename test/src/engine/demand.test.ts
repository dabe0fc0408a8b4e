import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Changes, Engine, type Outbox, type Priority, type Session, type Submission } from '@geartrain/engine'
import { Pace } from './parts.ts'

test('the pace is that of the last 50 ms, and fades', () => {
  const pace = new Pace()
  for (let i = 0; i < 10; i++) pace.add(100)
  assert.equal(pace.lately(100), 10)
  assert.equal(pace.lately(149), 10)
  assert.equal(pace.lately(175), 5)
  assert.equal(pace.lately(200), 0)
  pace.add(1000)
  pace.add(1060)
  // The first one counts less and less.
  assert.deepEqual(
    [1060, 1085, 1110].map((now) => pace.lately(now)),
    [2, 2, 1],
  )
})

test('with a store that answers slowly lately is longer ago', () => {
  const pace = new Pace()
  pace.claimTook(100)
  for (let i = 0; i < 10; i++) pace.add(1000)
  assert.deepEqual(
    [1299, 1450, 1600].map((now) => pace.lately(now)),
    [10, 5, 0],
  )
  // It is believed to be quick again when it has been so for a while.
  for (let i = 0; i < 20; i++) pace.claimTook(1)
  pace.add(2000)
  assert.deepEqual(
    [2000, 2100].map((now) => pace.lately(now)),
    [1, 0],
  )
  pace.claimTook(10_000)
  pace.add(3000)
  assert.deepEqual(
    [3499, 4000].map((now) => pace.lately(now)),
    [1, 0],
  )
})

const submission: Submission = {
  function: 'f',
  unique: '',
  workload: new Uint8Array(0),
  priority: 1,
  background: true,
  runAt: 0,
  reducer: '',
  then: '',
  options: '',
  trace: '',
}

/** A store with very many jobs, which answers a claim some time after it was asked. */
class Line {
  readonly engine: Engine
  /** How many jobs each claim has brought. */
  readonly claims: number[] = []
  readonly #workers: Session[] = []
  #asked: { readonly priority: Priority; readonly jobsMax: number; readonly at: number } | undefined
  #last = 0
  readonly #latencyMs: number
  /** When each worker is done, by its session. */
  readonly #doneAt = new Map<number, { readonly number: number; readonly at: number }>()

  constructor(workers: number, jobs: number, jobMs: number, latencyMs: number) {
    this.#latencyMs = latencyMs
    const ignore = (): void => {}
    const changes: Changes = {
      add: ignore,
      ask: ignore,
      forget: ignore,
      release: ignore,
      promote: ignore,
      expire: ignore,
      retry: ignore,
      bury: ignore,
      keep: ignore,
      recent: () => undefined,
      claim: (_, priority, jobsMax) => {
        this.#asked = { priority, jobsMax, at: this.engine.now }
      },
    }
    const outbox: Outbox = {
      jobCreated: ignore,
      jobPromised: ignore,
      jobThrottled: ignore,
      refused: ignore,
      jobCancelled: ignore,
      noJob: ignore,
      noop: ignore,
      workData: ignore,
      workWarning: ignore,
      workStatus: ignore,
      workComplete: ignore,
      workFail: ignore,
      workException: ignore,
      jobAssigned: (session, { number }) => this.#doneAt.set(session, { number, at: this.engine.now + jobMs }),
    }
    this.engine = new Engine(outbox, { isShared: true }, changes)
    this.engine.durable?.restock([{ name: 'f', ready: [0, jobs, 0], delayed: 0 }], Infinity, Infinity)
    for (let i = 0; i < workers; i++) {
      const worker = this.engine.connect(i)
      this.#workers.push(worker)
      this.engine.canDo(worker, 'f')
      this.engine.grab(worker, 'plain')
    }
  }

  get heldCount(): number {
    return this.engine.findFunction('f')?.readyCount ?? 0
  }

  run(untilMs: number, stepMs: number): void {
    const { engine } = this
    for (let now = engine.now + stepMs; now <= untilMs; now += stepMs) {
      engine.advance(now)
      if (this.#asked !== undefined && this.#asked.at + this.#latencyMs <= now) this.#answer()
      for (const worker of this.#workers) {
        const job = this.#doneAt.get(worker.id)
        if (job !== undefined && job.at <= now) {
          this.#doneAt.delete(worker.id)
          engine.workComplete(worker, job.number, submission.workload)
          engine.grab(worker, 'plain')
        }
      }
      engine.settle()
      // Whoever was told that there is nothing asks again.
      for (const worker of this.#workers)
        if (!this.#doneAt.has(worker.id) && !worker.isHeld) engine.grab(worker, 'plain')
    }
  }

  #answer(): void {
    const { durable } = this.engine
    const { priority = 1, jobsMax = 0 } = this.#asked ?? {}
    this.#asked = undefined
    this.claims.push(jobsMax)
    for (let i = 0; i < jobsMax; i++) durable?.claimed('f', ++this.#last, submission, 0, 0, 0)
    durable?.claimEnded('f', priority, jobsMax)
    durable?.answersEnded()
  }
}

test('workers of tiny jobs get them in claims of some hundred', () => {
  const line = new Line(16, 1_000_000, 1, 3)
  line.run(1000, 1)
  // Sixteen are begun each millisecond: a claim that takes 3 ms must bring more than 48.
  const late = line.claims.slice(16)
  assert(Math.min(...late) >= 300, `claims of ${late.join()}`)
  assert(Math.max(...late) <= 1000, `claims of ${late.join()}`)
  assert(line.claims.length <= 60, `${line.claims.length} claims`)
  assert(line.claims.reduce((sum, count) => sum + count, 0) > 14_000, 'workers wait for the store')
})

test('also of a store that takes longer than they do', () => {
  const line = new Line(16, 1_000_000, 1, 100)
  line.run(5000, 1)
  const brought = line.claims.reduce((sum, count) => sum + count, 0)
  assert(brought > 30_000, `${brought} jobs of the 80,000 that could be done, in claims of ${line.claims.join()}`)
})

test('a worker of long jobs has one job wait for it at the most', () => {
  const line = new Line(1, 1000, 10_000, 3)
  for (let second = 1; second <= 60; second++) {
    line.run(second * 1000, 100)
    assert(line.heldCount <= 1, `${line.heldCount} wait`)
  }
})

test('many workers that begin long jobs at once hold no more than one ahead after a while', () => {
  const line = new Line(16, 1000, 10_000, 3)
  line.run(5000, 100)
  assert.equal(line.heldCount, 1)
  line.run(14_000, 100)
  assert.equal(line.heldCount, 1)
})
