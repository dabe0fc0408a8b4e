import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../support/manual-clock.ts'
import { DatabaseClock, Due, fairParts, LeaseWatch, News, nextPart, readMessage } from './cluster-parts.ts'

const part = (serverId: number, has: number, wanted: number) => ({ serverId, has, wanted })

suite('dividing a limit', () => {
  /** Limit, turn, what each wants, what each is to have. */
  const rows: readonly (readonly [limit: number, turn: number, wanted: readonly number[], fair: readonly number[]])[] =
    [
      [10, 0, [3, 4], [3, 4]],
      [10, 0, [20, 20], [5, 5]],
      [10, 0, [2, 20, 20], [2, 4, 4]],
      [10, 0, [20, 20, 20], [4, 3, 3]],
      [10, 1, [20, 20, 20], [3, 3, 4]],
      [10, 2, [20, 20, 20], [3, 4, 3]],
      [1, 0, [0, 5, 5], [0, 1, 0]],
      [1, 1, [0, 5, 5], [0, 0, 1]],
      [0, 0, [1, 1], [0, 0]],
      [5, 0, [], []],
    ]
  for (const [limit, turn, wanted, fair] of rows) {
    test(`${limit} among those who want ${wanted.join(', ')} in turn ${turn}`, () => {
      const parts = wanted.map((each, index) => part(index + 1, 0, each))
      assert.deepEqual(fairParts(limit, parts, turn, true), fair)
    })
  }

  test('a rate is divided into fractions', () => {
    const parts = [part(1, 0, 10), part(2, 0, 10), part(3, 0, 10), part(4, 0, 0)]
    assert.deepEqual(fairParts(10, parts, 0, false), [10 / 3, 10 / 3, 10 / 3, 0])
  })

  /** Limit, what each has and wants, and what the first is to have next. */
  const steps: readonly (readonly [
    limit: number,
    parts: readonly (readonly [has: number, wanted: number])[],
    next: number,
  ])[] = [
    // Nobody lacks anything, or what is free is enough for them: it is kept.
    [
      10,
      [
        [8, 0],
        [2, 2],
      ],
      8,
    ],
    [
      10,
      [
        [5, 0],
        [0, 5],
      ],
      5,
    ],
    // As much as the others lack, and not what it should have itself.
    [
      10,
      [
        [8, 0],
        [0, 5],
      ],
      5,
    ],
    [
      10,
      [
        [10, 10],
        [0, 10],
      ],
      5,
    ],
    // The limit has become smaller.
    [
      4,
      [
        [8, 0],
        [2, 2],
      ],
      2,
    ],
    // No more than is free, than it wants, than is fair.
    [
      10,
      [
        [0, 10],
        [9, 9],
      ],
      1,
    ],
    [
      10,
      [
        [0, 3],
        [2, 2],
      ],
      3,
    ],
    [
      10,
      [
        [0, 10],
        [2, 10],
      ],
      5,
    ],
    [0, [[0, 10]], 0],
  ]
  for (const [limit, parts, next] of steps) {
    test(`of ${limit}, where the first one has and wants ${parts.join(' and another ')}, it comes to ${next}`, () => {
      const all = parts.map(([has, wanted], index) => part(index, has, wanted))
      assert.equal(nextPart(limit, all, 0, 0, true), next)
    })
  }

  const anyParts = fc.array(fc.record({ has: fc.nat(20), wanted: fc.nat(30) }), { minLength: 1, maxLength: 6 })

  test('the fair parts are never more than the limit, than what is wanted, and use all that they can', () => {
    fc.assert(
      fc.property(fc.nat(40), anyParts, fc.nat(10), fc.boolean(), (limit, some, turn, isWhole) => {
        const parts = some.map(({ has, wanted }, index) => part(index, has, wanted))
        const fair = fairParts(limit, parts, turn, isWhole)
        const wantedAll = parts.reduce((sum, { wanted }) => sum + wanted, 0)
        const sum = fair.reduce((all, each) => all + each, 0)
        assert.ok(Math.abs(sum - Math.min(limit, wantedAll)) < 1e-6, `${sum} of ${limit}`)
        for (const [index, each] of fair.entries()) {
          assert.ok(each <= (parts[index]?.wanted ?? 0))
          assert.ok(!isWhole || Number.isInteger(each))
          // Who lacks something has as much as any other, or one less.
          if (each < (parts[index]?.wanted ?? 0)) assert.ok(fair.every((other) => other <= each + (isWhole ? 1 : 1e-9)))
        }
      }),
    )
  })

  test('one after the other they come to the fair parts, and never to more than the limit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), anyParts, fc.nat(10), (limit, some, turn) => {
        const parts = some.map(({ wanted }, index) => part(index, 0, wanted))
        // What they had before others came.
        let left = limit
        for (const [index, { has }] of some.entries()) {
          const taken = Math.min(has, left)
          parts[index] = part(index, taken, some[index]?.wanted ?? 0)
          left -= taken
        }
        for (let round = 0; round < parts.length + 2; round++) {
          for (const [index, { serverId, wanted }] of parts.entries()) {
            parts[index] = part(serverId, nextPart(limit, parts, serverId, turn, true), wanted)
            assert.ok(parts.reduce((sum, { has }) => sum + has, 0) <= limit)
          }
        }
        const fair = fairParts(limit, parts, turn, true)
        for (const [index, each] of parts.entries())
          assert.ok(each.has >= (fair[index] ?? 0), JSON.stringify({ parts, fair }))
      }),
    )
  })
})

suite("the database's clock", () => {
  test('of several answers the one that took the least is believed', () => {
    const clock = new ManualClock()
    const databaseClock = new DatabaseClock(clock)
    assert.equal(databaseClock.aheadMs, undefined)
    const ask = (toMs: number, backMs: number, aheadMs: number) => {
      const sentAt = clock.now()
      clock.advance(toMs)
      const says = clock.wallNow() + aheadMs
      clock.advance(backMs)
      databaseClock.note(sentAt, says)
    }
    ask(100, 0, 5000)
    assert.equal(databaseClock.aheadMs, 5050)
    ask(1, 1, 5000)
    assert.equal(databaseClock.aheadMs, 5000)
    ask(0, 80, 5000)
    assert.equal(databaseClock.aheadMs, 5000)
    // It was set, or another server has become the primary.
    ask(2, 2, -3000)
    assert.equal(databaseClock.aheadMs, -3000)
    for (let i = 0; i < 20; i++) ask(10, 10, -3005)
    assert.equal(databaseClock.aheadMs, -3005)
  })
})

suite('a lease by the own clock', () => {
  test('it is over, once, when it was not renewed for nine tenths of it', () => {
    const clock = new ManualClock()
    let overs = 0
    const watch = new LeaseWatch(clock, 10_000, () => overs++)
    clock.advance(8999)
    watch.renewed(clock.now() - 1000)
    // An answer to an older one comes late.
    watch.renewed(clock.now() - 5000)
    clock.advance(7999)
    assert.equal(overs, 0)
    assert.equal(watch.isOver, false)
    clock.advance(1)
    assert.equal(overs, 1)
    watch.renewed(clock.now())
    clock.advance(100_000)
    assert.equal(overs, 1)
    assert.equal(clock.timerCount, 0)
  })

  test('one that was taken a while ago ends as much earlier, and not before somebody can hear of it', () => {
    const clock = new ManualClock()
    clock.advance(60_000)
    let overs = 0
    const started = clock.now()
    const watches = [9000, 4000].map((agoMs) => new LeaseWatch(clock, 10_000, () => overs++, started - agoMs))
    assert.equal(overs, 0)
    clock.advance(1)
    assert.deepEqual([overs, watches.map(({ isOver }) => isOver)], [1, [true, false]])
    clock.advance(4999)
    assert.equal(overs, 2)
  })

  test('a process that stood still sees that it is over before its timer is looked at, once', () => {
    let now = 0
    let overs = 0
    const stopped: number[] = []
    const clock = { now: () => now, after: (ms: number) => () => void stopped.push(ms) }
    const watch = new LeaseWatch(clock, 10_000, () => overs++)
    now = 8999
    watch.check()
    assert.equal(overs, 0)
    now = 60_000
    watch.check()
    watch.check()
    assert.deepEqual([overs, watch.isOver, stopped], [1, true, [9000]])
  })

  test('one that was given back is never over', () => {
    const clock = new ManualClock()
    const watch = new LeaseWatch(clock, 10_000, () => assert.fail('it is over'))
    watch.stop()
    clock.advance(100_000)
    watch.check()
    assert.equal(clock.timerCount, 0)
  })
})

suite('tasks', () => {
  test('each is due in its time, or when somebody says so, and not more often than it may be', async () => {
    const clock = new ManualClock()
    const due = new Due<'a' | 'b'>(clock)
    due.set('a')
    assert.equal(due.take('a', 100), true)
    assert.equal(due.take('a', 100), false)
    assert.equal(due.take('b'), false)
    due.set('a', 20)
    assert.equal(due.take('a', 100), false)
    clock.advance(20)
    assert.equal(due.take('a', 100), true)
    clock.advance(99)
    assert.equal(due.take('a', 100), false)
    // Said while nobody waited: the pause is none.
    await due.pause()
    const paused = due.pause()
    clock.advance(1)
    await paused
    assert.equal(due.take('a', 100), true)
    assert.equal(clock.timerCount, 0)
  })
})

suite('what servers tell each other', () => {
  test('all of it arrives, in messages that PostgreSQL takes', () => {
    const news = new News()
    const names = Array.from({ length: 300 }, (_, i) => `${i}\u0000"\\${'ü'.repeat(i % 40)}`)
    for (const name of names) {
      news.addReady({ function: name, priority: 2 })
      news.addReady({ function: name, priority: 2 })
    }
    news.addReady({ function: 'x'.repeat(8000), priority: 1 })
    news.addFlag('cancels')
    news.addFlag('documents')
    news.addFlag('shares')
    const payloads = news.take(7)
    assert.ok(news.isEmpty)
    const messages = payloads.map((payload) => {
      assert.ok(payload.length < 7900 && /^[ -~]*$/.test(payload), payload)
      return readMessage(payload) ?? assert.fail(payload)
    })
    assert.ok(messages.every((message) => message.from === 7))
    assert.deepEqual(
      messages.flatMap((message) => message.ready ?? []),
      names.map((name) => [name, 2]),
    )
    const told = messages.filter(({ documents, cancels, shares }) => documents && cancels && shares)
    assert.equal(told.length, 1)
  })

  test('flags alone are a message', () => {
    const news = new News()
    news.addFlag('servers')
    assert.deepEqual(news.take(1).map(readMessage), [{ from: 1, servers: true }])
  })

  for (const payload of [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"from":"7"}',
    '{"ready":[["f"]]}',
    '{"ready":[["f",3]]}',
    '{"ready":[["",1]]}',
    '{"ready":[["\u0436",1]]}',
    '{"cancels":[[1,0.5]]}',
  ]) {
    test(`${JSON.stringify(payload)} is none`, () => assert.equal(readMessage(payload), undefined))
  }
})
