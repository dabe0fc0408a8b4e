import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { historyRanges } from '@geartrain/protocol'
import { rules } from '../access/parts.ts'
import { wire } from '../http/office.ts'
import { PACKET } from '../support/raw.ts'
import { nameBytesMax } from './parts.ts'
import { DatedClock, day, HistoryStage, hourMs, minuteMs, sum, told, up } from './stage.ts'

suite('a chart', () => {
  test('has what has become of jobs, in the steps in which it has', async () => {
    await using stage = await HistoryStage.start()
    await stage.submit('f', 3)
    await stage.pass(10_000)
    // They have waited 10 s, 10.25 s and 10.5 s.
    await stage.work('f', 2, 250)
    await stage.work('f', 1, 500, 'WORK_FAIL')
    await stage.pass(9000)
    for (const name of [undefined, 'f']) {
      const chart = await stage.history('15m', name)
      assert.deepEqual([chart.range, chart.from, chart.stepMs], ['15m', day + 20_000 - 900_000, 10_000])
      assert.deepEqual(told(chart, 'submitted'), [[0, 3]])
      assert.deepEqual(told(chart, 'done'), [[10, 2]])
      assert.deepEqual(told(chart, 'failed'), [[10, 1]])
      assert.deepEqual(told(chart, 'ready'), [[0, 3]])
      assert.deepEqual(told(chart, 'running'), [])
      assert.deepEqual(up(chart), [[0, 20]])
      // By their buckets: up to 10 s, and up to 30 s; up to 250 ms, and up to 500 ms.
      assert.deepEqual(told(chart, 'waitP50Ms'), [[10, 15_000]])
      assert.deepEqual(told(chart, 'runP50Ms'), [[10, 213]])
      assert.deepEqual(told(chart, 'runP95Ms'), [[10, 462]])
    }
    assert.deepEqual(up(await stage.history('15m', 'nobody')), [[0, 20]])
    assert.equal(sum((await stage.history('15m', 'nobody')).columns.done), 0)
    assert.deepEqual(
      (await stage.history('15m', 'nobody')).columns.runP50Ms.filter((each) => each !== null),
      [],
    )
  })

  test('has gauges as they were at the end of each step', async () => {
    await using stage = await HistoryStage.start({ functions: { f: { attempts: 1 } } })
    await stage.submit('f', 5)
    await stage.submit('g', 2)
    await stage.pass(10_000)
    await stage.work('f', 1, 0, 'WORK_FAIL')
    stage.worker.send(PACKET.CAN_DO, 'f')
    stage.worker.send(PACKET.GRAB_JOB)
    await stage.worker.receive('JOB_ASSIGN')
    await stage.pass(50_000)
    const values = async (range: '1h' | '6h', name?: string) => {
      const { columns } = await stage.history(range, name)
      return [columns.ready, columns.running, columns.workers, columns.dead].map((column) => column.at(-1))
    }
    assert.deepEqual(await values('1h', 'f'), [3, 1, 1, 1])
    assert.deepEqual(await values('6h', 'f'), [3, 1, 1, 1])
    assert.deepEqual(await values('6h'), [5, 1, 1, 1])
    assert.deepEqual(await values('6h', 'g'), [2, 0, 0, 0])
  })

  test('of each range is made of the steps of a tier, which agree with each other', async () => {
    await using stage = await HistoryStage.start()
    for (let hour = 0; hour < 26; hour++) {
      await stage.submit('f', 2)
      await stage.work('f', 1, 0)
      stage.clock.advance(hourMs)
    }
    const shown = []
    for (const range of historyRanges) {
      const chart = await stage.history(range)
      for (const column of Object.values(chart.columns)) assert.equal(column.length, chart.columns.done.length)
      assert.equal(chart.from % chart.stepMs, 0)
      const hours = (chart.columns.done.length * chart.stepMs) / hourMs
      shown.push([range, hours, chart.stepMs / 1000, sum(chart.columns.submitted), up(chart).length])
    }
    assert.deepEqual(shown, [
      ['15m', 0.25, 10, 0, 1],
      ['1h', 1, 10, 2, 1],
      ['6h', 6, 60, 12, 1],
      ['24h', 24, 300, 48, 1],
      ['7d', 168, 1800, 52, 1],
    ])
    const week = await stage.history('7d', 'f')
    assert.deepEqual(
      told(week, 'submitted'),
      Array.from({ length: 26 }, (_, hour) => [hour * 3600, 2]),
    )
    assert.equal(week.columns.ready.at(-1), 26)
    // What is begun and not over has what is known of it.
    await stage.submit('f', 1)
    await stage.pass(10_000)
    assert.deepEqual(told(await stage.history('7d', 'f'), 'submitted').at(-1), [26 * 3600, 1])
  })

  test('goes on when the machine sleeps or its date is set', async () => {
    const clock = new DatedClock()
    await using stage = await HistoryStage.start({}, clock)
    await stage.submit('f')
    await stage.pass(minuteMs)
    // Put on by an hour and a bit, for two minutes.
    clock.setByMs = hourMs + 3456
    await stage.submit('f')
    await stage.pass(2 * minuteMs)
    const ahead = await stage.history('6h')
    assert.deepEqual(told(ahead, 'submitted'), [
      [0, 1],
      [3660, 1],
    ])
    assert.deepEqual(up(ahead), [
      [0, 60],
      [3660, 3780],
    ])
    // And back by more than that: what is counted twice in a step adds up, and nothing of the future is shown.
    clock.setByMs = -2 * minuteMs
    await stage.submit('f', 5)
    await stage.pass(minuteMs)
    const back = await stage.history('6h')
    assert.deepEqual(told(back, 'submitted'), [
      [0, 1],
      [60, 5],
    ])
    clock.setByMs = -day
    await stage.pass(minuteMs)
    assert.deepEqual(sum((await stage.history('6h')).columns.submitted), 0)
    clock.setByMs = 0
    await stage.pass(hourMs)
    const again = await stage.history('6h')
    assert.equal(sum(again.columns.submitted), 7)
    assert.equal(again.columns.ready.at(-1), 7)
  })
})

suite('all functions', () => {
  test('have few columns in few steps', async () => {
    await using stage = await HistoryStage.start()
    await stage.submit('f', 3)
    await stage.submit(wire('größe'), 1)
    await stage.pass(10_000)
    await stage.work('f', 3)
    await stage.pass(50_000)
    const { from, stepMs, functions } = await stage.overview()
    assert.deepEqual([from, stepMs], [day + minuteMs - 900_000, 30_000])
    const [f, other] = functions
    assert.deepEqual([f?.name, other?.name, functions.length], ['f', 'größe', 2])
    assert.deepEqual([f?.done.length, f?.done.slice(-3)], [30, [null, 3, 0]])
    assert.deepEqual(f?.failed.slice(-3), [null, 0, 0])
    assert.deepEqual(f?.ready.slice(-3), [null, 0, 0])
    assert.deepEqual(other?.ready.slice(-3), [null, 1, 1])
    // It is another one when there is something new.
    await stage.submit('f', 1)
    await stage.pass(10_000)
    assert.equal((await stage.overview()).functions[0]?.ready.at(-1), 1)
    // Of what is over there is nothing to tell.
    stage.clock.advance(15 * minuteMs)
    assert.deepEqual(
      (await stage.overview()).functions.map(({ name, done }) => [name, sum(done)]),
      [
        ['f', 0],
        ['größe', 0],
      ],
    )
  })
})

suite('who may not view all functions', () => {
  test('gets those that they may view, and their sum', async () => {
    await using stage = await HistoryStage.start({ access: rules })
    stage.client.send(PACKET.OPTION_REQ, 'token:token-of-all')
    await stage.client.receive('OPTION_RES')
    for (const [name, count] of [
      ['mail.send', 1],
      ['mail.sort', 2],
      ['other', 4],
    ] as const) {
      await stage.submit(name, count)
    }
    await stage.pass(10_000)
    const as = (asker: string) => ({ authorization: `Bearer token-of-${asker}` })
    const submitted = async (asker: string, name?: string) => {
      return sum((await stage.history('1h', name, as(asker))).columns.submitted)
    }
    assert.equal(await submitted('all'), 7)
    assert.equal(await submitted('view'), 3)
    assert.equal(await submitted('view', 'mail.sort'), 2)
    assert.equal(await submitted('all', 'other'), 4)
    const refused = await stage.api.call('getHistory', { query: { function: 'other' }, headers: as('view') })
    assert.equal(refused.status, 403)
    assert.match(await refused.text(), /"ACCESS_DENIED".*the role view on \\"other\\"/)
    // Also those who ask at the same time, some of them for the same.
    const asked = ['view', 'all', 'view', 'operate', 'all', 'view']
    assert.deepEqual(await Promise.all(asked.map((asker) => submitted(asker))), [3, 7, 3, 3, 7, 3])
    const mixed = await Promise.all([submitted('view', 'mail.sort'), submitted('view', 'mail.send'), submitted('view')])
    assert.deepEqual(mixed, [2, 1, 3])
    const names = async (asker: string) => (await stage.overview(as(asker))).functions.map(({ name }) => name)
    assert.deepEqual(await names('view'), ['mail.send', 'mail.sort'])
    assert.deepEqual(await names('all'), ['mail.send', 'mail.sort', 'other'])
  })
})

suite('what is wrong', () => {
  for (const query of [{ range: '2h' }, { range: '' }, { function: '' }, { function: 'a\0b' }, { until: 'now' }]) {
    test(`${JSON.stringify(query)} is refused`, async () => {
      await using stage = await HistoryStage.start()
      const answer = await stage.api.call('getHistory', { query: query as Record<string, string> })
      assert.equal(answer.status, 400)
    })
  }
})

suite('history-functions-max', () => {
  test('functions have a history, those that came first; all are in that of all together', async () => {
    await using stage = await HistoryStage.start({ limits: { historyFunctionsMax: 2 } })
    for (const name of ['f', 'g', 'h']) await stage.submit(name)
    await stage.pass(minuteMs)
    const submitted = async (name?: string) => sum((await stage.history('1h', name)).columns.submitted)
    assert.deepEqual([await submitted('f'), await submitted('g'), await submitted('h')], [1, 1, 0])
    assert.equal(await submitted(), 3)
    assert.deepEqual((await stage.history('1h')).columns.ready.at(-1), 3)
    // One of which there is nothing to tell for an hour gives its place.
    await stage.work('g', 1)
    stage.clock.advance(hourMs + minuteMs)
    await stage.submit('h', 5)
    await stage.pass(10_000)
    assert.deepEqual([await submitted('h'), await submitted()], [5, 5])
    assert.equal((await stage.history('1h', 'h')).columns.ready.at(-1), 6)
  })

  test('a function with a very long name is only in that of all together', async () => {
    await using stage = await HistoryStage.start({ limits: { functionNameBytesMax: 8000 } })
    const [long, longer] = ['f'.repeat(nameBytesMax), 'g'.repeat(nameBytesMax + 1)]
    for (const name of [long, longer]) await stage.submit(name)
    await stage.pass(10_000)
    assert.deepEqual(
      (await stage.overview()).functions.map(({ name }) => name),
      [long],
    )
    assert.equal(sum((await stage.history('1h')).columns.submitted), 2)
  })
})
