import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { StoreError } from '@geartrain/server'
import { FakeDisk, FakeStore } from '../support/fake-store.ts'
import { until } from '../support/until.ts'
import { unkeptMax } from './parts.ts'
import { DatedClock, day, HistoryStage, hourMs, minuteMs, settle, sum, told, up } from './stage.ts'

suite('the history of a server that is started again', () => {
  test('after it was stopped has everything, and a gap', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-history-'))
    const store = `sqlite:${join(directory, 'jobs.db')}`
    try {
      const first = await HistoryStage.start({ store })
      await first.submit('f', 2)
      await first.pass(3 * minuteMs)
      await first.submit('f', 4)
      first.clock.advance(4000)
      await first[Symbol.asyncDispose]()

      await using second = await HistoryStage.start({ store }, new DatedClock(day + 5 * minuteMs))
      await second.work('f', 1)
      second.clock.advance(minuteMs)
      // Its store is a thread of its own.
      await until('it is written', () => !second.local.server.isStoreBusy)
      const chart = await second.history('15m', 'f')
      assert.deepEqual(told(chart, 'submitted'), [
        [0, 2],
        [180, 4],
      ])
      assert.deepEqual(told(chart, 'done'), [[300, 1]])
      assert.deepEqual(up(chart), [
        [0, 190],
        [300, 360],
      ])
      const hours = await second.history('7d', 'f')
      assert.deepEqual([told(hours, 'submitted'), told(hours, 'ready')], [[[0, 6]], [[0, 5]]])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  test('after it was killed lacks the last minute at most', async () => {
    const disk = new FakeDisk()
    const store = new FakeStore(disk)
    const first = await HistoryStage.start({ store })
    await first.submit('f', 1)
    await first.pass(minuteMs)
    await first.submit('f', 10)
    await first.pass(minuteMs - 10_000)
    assert.equal(sum((await first.history('15m')).columns.submitted), 11)
    store.crash(false)

    await using second = await HistoryStage.start({ store: new FakeStore(disk) }, new DatedClock(day + 2 * minuteMs))
    await second.pass(10_000)
    const chart = await second.history('15m')
    assert.deepEqual(told(chart, 'submitted'), [[0, 1]])
    assert.deepEqual(up(chart), [
      [0, 60],
      [120, 130],
    ])
    // Nobody waits for what has crashed: it is closed without an answer.
    first.client.destroy()
    first.worker.destroy()
    void first.local.server.close(0)
    first.clock.advance(minuteMs)
    await until('it is given up', () => first.local.server.connectionCount === 0)
    for (let i = 0; i < 3; i++) {
      await settle()
      first.clock.advance(minuteMs)
    }
  })
})

suite('while the store', () => {
  test('fails, samples wait in memory, and go when it works again', async () => {
    const store = new FakeStore()
    await using stage = await HistoryStage.start({ store })
    await stage.submit('f', 1)
    await stage.pass(minuteMs)
    store.openError = new StoreError('SQLITE_CANTOPEN', 'unable to open database file')
    store.failNext('broken')
    await stage.pass(10 * minuteMs)
    const refused = await stage.api.call('getHistory')
    assert.equal(refused.status, 503)
    assert.match(await refused.text(), /STORE_FAILED/)
    store.openError = undefined
    await stage.pass(2 * minuteMs)
    const chart = await stage.history('15m', 'f')
    assert.deepEqual(up(chart), [[0, 13 * 60]])
    assert.equal(chart.columns.ready.at(-1), 1)
    assert.deepEqual(told(await stage.history('7d'), 'submitted'), [[0, 1]])
  })

  test('fails for long, the last hour of them waits', async () => {
    const store = new FakeStore()
    await using stage = await HistoryStage.start({ store })
    await stage.pass(minuteMs)
    store.openError = new StoreError('SQLITE_CANTOPEN', 'unable to open database file')
    store.failNext('broken')
    await stage.pass(2 * hourMs)
    store.openError = undefined
    await stage.pass(2 * minuteMs)
    // They are written at the first full minute at which it works.
    const seconds = (2 * hourMs + 2 * minuteMs) / 1000
    assert.deepEqual(up(await stage.history('6h')), [
      [0, 60],
      [seconds - unkeptMax * 10, seconds + 60],
    ])
  })

  test('has nothing else to do, it is written to once a minute', async () => {
    const store = new FakeStore()
    await using stage = await HistoryStage.start({ store })
    const { stats } = stage.local.server.figures.store ?? {}
    assert.ok(stats !== undefined)
    /** Batches that write, and those that do not. */
    const batches = () => [sum([...stats.sizes].slice(1, -1)), stats.sizes[0] ?? 0]
    await stage.pass(minuteMs)
    const [writes = 0, reads = 0] = batches()
    await stage.pass(hourMs)
    const [laterWrites = 0, laterReads = 0] = batches()
    assert.equal(laterWrites - writes, 60)
    // It is asked how many jobs are dead, with that or by itself.
    assert.ok(laterReads - reads <= 60)
  })
})
