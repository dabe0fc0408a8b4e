import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Job, JobFunction, JobOutcome } from '@geartrain/engine'
import type { Limits, Server } from '@geartrain/server'
import { ManualClock } from '../support/manual-clock.ts'
import { localServer } from './local-server.ts'

/** A server that nobody connects to, whose counters are told of jobs that there are none of. */
class Counted {
  readonly server: Server
  readonly #clock: ManualClock

  constructor(limits: Partial<Limits> = {}) {
    this.#clock = new ManualClock()
    this.server = localServer({ limits }, this.#clock)
    this.advance(0)
  }

  get stats(): Server['figures']['functions'] {
    return this.server.figures.functions
  }

  get now(): number {
    return this.#clock.now()
  }

  advance(ms: number): void {
    this.#clock.advance(ms)
    this.server.engine.advance(this.#clock.now())
  }

  /** One that a worker can do, so that the server knows it. */
  function(name: string): JobFunction {
    const { engine } = this.server
    engine.canDo(engine.connect(7), name)
    const found = engine.findFunction(name)
    assert.ok(found)
    return found
  }

  end(of: JobFunction, outcome: JobOutcome, isDead = false, runMs?: number): void {
    this.stats.ended(jobOf(of), outcome, isDead, runMs)
  }
}

/** Of a job, only its function is looked at. */
function jobOf(jobFunction: JobFunction): Job {
  return { function: jobFunction } as unknown as Job
}

describe('what is counted of functions', () => {
  it('counts each event where it belongs', () => {
    const counted = new Counted()
    const { stats } = counted
    const f = counted.function('f')
    const g = counted.function('g')
    stats.submitted(f, true)
    stats.submitted(f, false)
    stats.submitted(g, true)
    stats.joined(f)
    stats.retried(jobOf(f), 'lost', 10)
    counted.end(f, 'complete', false, 5)
    counted.end(f, 'failed', true)
    counted.end(f, 'timeout')
    counted.end(g, 'expired', true)
    stats.endedOnDisk(g, 1, 'cancelled', false)
    counted.end(g, 'abandoned')
    const figuresOf = (name: string) => {
      const figures = stats.find(name)
      return [figures?.submitted, figures?.failed, figures?.retried, figures?.changes]
    }
    assert.deepEqual(figuresOf('f'), [2, 2, 1, 10])
    assert.deepEqual(figuresOf('g'), [1, 0, 0, 5])
    assert.deepEqual([stats.total.submitted, stats.total.failed, stats.total.retried], [3, 2, 1])
  })

  it('tells rates of the last whole seconds, and forgets what is older', () => {
    const counted = new Counted()
    const { stats } = counted
    const f = counted.function('f')
    for (let count = 0; count < 30; count++) stats.submitted(f, true)
    const figures = stats.named('f')
    assert.equal(figures.rate('submitted', 10, counted.now), 0, 'this second is not over')
    counted.advance(1000)
    assert.equal(figures.rate('submitted', 10, counted.now), 3)
    assert.equal(figures.rate('submitted', 60, counted.now), 0.5)
    counted.advance(10_000)
    assert.equal(figures.rate('submitted', 10, counted.now), 0)
    stats.submitted(f, true)
    counted.advance(1000)
    assert.equal(figures.rate('submitted', 60, counted.now), 31 / 60)
    counted.advance(60_000)
    assert.equal(figures.rate('submitted', 60, counted.now), 0)
    // The same places are used again: nothing of what was there may be left.
    counted.advance(64_000 * 3 - 73_000)
    counted.end(f, 'complete')
    counted.advance(1000)
    assert.deepEqual([figures.rate('submitted', 60, counted.now), figures.rate('done', 10, counted.now)], [0, 0.1])
  })

  it('tells what half and nearly all of the jobs of late have waited and taken', () => {
    const counted = new Counted()
    const { stats } = counted
    const f = counted.function('f')
    const figures = stats.named('f')
    assert.equal(figures.wait(counted.now), undefined)
    for (let count = 0; count < 90; count++) stats.assigned(jobOf(f), 1)
    for (let count = 0; count < 10; count++) stats.assigned(jobOf(f), 400)
    const wait = figures.wait(counted.now)
    assert.ok(wait !== undefined && wait.p50Ms <= 1 && wait.p95Ms > 250 && wait.p95Ms <= 500, JSON.stringify(wait))
    assert.equal(figures.run(counted.now), undefined, 'none has ended')
    // Those are no longer late when others have come for two periods.
    for (let period = 0; period < 3; period++) {
      counted.advance(31_000)
      counted.end(f, 'complete', false, 20_000)
      stats.assigned(jobOf(f), 1)
    }
    const later = figures.wait(counted.now)
    assert.ok(later !== undefined && later.p95Ms <= 1, JSON.stringify(later))
    const run = figures.run(counted.now)
    assert.ok(run !== undefined && run.p50Ms > 10_000 && run.p50Ms <= 30_000, JSON.stringify(run))
    counted.advance(61_000)
    assert.equal(figures.wait(counted.now), undefined)
  })

  it('has series for the first functions alone, and forgets those that the server does not know', () => {
    const counted = new Counted({ functionsMax: 10, metricsFunctionsMax: 2 })
    const { stats } = counted
    for (const name of ['a', 'b', 'c']) stats.submitted(counted.function(name), true)
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => stats.find(name)?.hasSeries),
      [true, true, false],
    )
    // What the server has known once, and has been forgotten by it.
    for (let count = 0; count < 5000; count++) stats.joined({ name: `gone ${count}` } as unknown as JobFunction)
    assert.ok(Array.from(stats.all()).length <= 10 + 2000)
    assert.equal(stats.find('a')?.submitted, 1, 'one that is there is not forgotten')
    assert.equal(stats.find('gone 0'), undefined)
    const kept = Array.from(stats.all(), ({ changes }) => changes).reduce((sum, count) => sum + count, 0)
    const forgotten = stats.forgotten.row.reduce((sum, count) => sum + count, 0)
    assert.equal(kept + forgotten, 5003, 'what is summed does not shrink')
  })
})
