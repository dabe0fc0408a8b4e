import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  chartRows,
  lastOf,
  lonelyOnes,
  measures,
  plotted,
  rangeRowOf,
  rangeRows,
} from '@geartrain/dashboard/charts/history-data'
import { timeLabels } from '@geartrain/dashboard/charts/time-labels'
import { type History, type HistoryColumn, historyRanges } from '@geartrain/protocol'

// What charts draw, before it is drawn.

type Values = readonly (number | null)[]

function historyOf(stepMs: number, columns: Partial<Record<HistoryColumn, Values>>): History {
  const count = Object.values(columns)[0]?.length ?? 0
  const names = new Set<HistoryColumn>([
    'submitted',
    ...chartRows.flatMap(({ lines }) => lines.map(({ column }) => column)),
  ])
  // All that there are.
  const nothing = new Map(Array.from(names, (name) => [name, Array<null>(count).fill(null)] as const))
  return { range: '1h', from: 0, stepMs, columns: { ...Object.fromEntries(nothing), ...columns } as History['columns'] }
}

/** The values of the line of a column. */
function drawn(history: History, now: number, column: HistoryColumn): Values {
  const { charts } = plotted(history, now)
  const chart = chartRows.findIndex(({ lines }) => lines.some((line) => line.column === column))
  const line = chartRows[chart]?.lines.findIndex((each) => each.column === column) ?? -1
  return charts[chart]?.[line] ?? assert.fail(`there is no line of ${column}`)
}

describe('plotted', () => {
  test('what was counted in a step is so much a second', () => {
    const history = historyOf(10_000, { submitted: [0, 25, 100], ready: [0, 25, 100] })
    assert.deepEqual(drawn(history, 30_000, 'submitted'), [0, 2.5, 10])
    assert.deepEqual(drawn(history, 30_000, 'ready'), [0, 25, 100])
  })

  test('a gap stays one', () => {
    const history = historyOf(10_000, { submitted: [10, null, 20], done: [null, null, null] })
    assert.deepEqual(drawn(history, 30_000, 'submitted'), [1, null, 2])
    assert.deepEqual(drawn(history, 30_000, 'done'), [null, null, null])
  })

  for (const [now, perSecond, until] of [
    [60_000 + 20_000, 3, 80_000],
    [60_000 + 60_000, 1, 120_000],
    // The next step has begun, and no sample of it is there.
    [60_000 + 65_000, 1, 120_000],
    // It can't have been told before there was a sample, whatever the clocks say.
    [60_000 + 100, 6, 70_000],
    [0, 6, 70_000],
  ] as const) {
    test(`the last step counts as far as it has come: at ${now} ms`, () => {
      const history = historyOf(60_000, { submitted: [60, 60] })
      assert.deepEqual(drawn(history, now, 'submitted'), [1, perSecond])
      assert.deepEqual(plotted(history, now).times, [60_000, until])
    })
  }

  test('of nothing there is nothing', () => {
    assert.deepEqual(plotted(historyOf(10_000, { submitted: [] }), 5).times, [])
  })
})

test('each range has its row, and an address can not ask for another one', () => {
  assert.deepEqual(
    rangeRows.map(({ range }) => range),
    historyRanges,
  )
  for (const { range } of rangeRows) assert.equal(rangeRowOf(range).range, range)
  for (const name of ['', '2h', '__proto__', '1H', '15m ']) assert.equal(rangeRowOf(name).range, '1h', name)
})

describe('values beside gaps', () => {
  for (const [values, alone] of [
    [[], []],
    [[1], [0]],
    [[null, 1, null], [1]],
    [[1, 2, null, 3], [3]],
    [
      [0, null, 0, 0, null, 0],
      [0, 5],
    ],
    [[null, null], []],
  ] as const) {
    test(`${JSON.stringify(values)}: at ${JSON.stringify(alone)}`, () => assert.deepEqual(lonelyOnes(values), alone))
  }

  test('the last one that is known', () => {
    assert.equal(lastOf([1, 2, null]), 2)
    assert.equal(lastOf([0, null]), 0)
    assert.equal(lastOf([null]), null)
    assert.equal(lastOf([]), null)
  })
})

describe('the lines across a chart', () => {
  test('are whole for what is counted', () => {
    const { increments = [], format } = measures.count
    assert.ok(increments.every(Number.isInteger))
    assert.equal(format(20), '20')
  })

  test('are those of a clock for times', () => {
    const { increments = [], format } = measures.time
    assert.ok(increments.includes(30_000) && increments.includes(600_000) && !increments.includes(50_000))
    assert.deepEqual(
      increments,
      increments.toSorted((one, other) => one - other),
    )
    assert.equal(format(30_000), '30 s')
  })
})

describe('labels of times', () => {
  const at = (day: number, hour: number, minute = 0, second = 0) =>
    new Date(2026, 5, day, hour, minute, second).getTime() / 1000
  const clock = (text: string | undefined) => text?.replace(/ ?[AP]M/i, '') ?? ''

  test('are times of day', () => {
    assert.deepEqual(timeLabels([at(3, 8), at(3, 8, 15)]).map(clock), ['08:00', '08:15'])
  })

  test('have seconds where they are needed', () => {
    assert.deepEqual(timeLabels([at(3, 8), at(3, 8, 0, 30)]).map(clock), ['08:00:00', '08:00:30'])
  })

  test('name the day where it begins', () => {
    const [before = '', midnight = '', after = ''] = timeLabels([at(2, 18), at(3, 0), at(3, 6)])
    assert.match(before, /:00/)
    assert.match(midnight, /^[^:]*3[^:]*$/)
    assert.match(after, /:00/)
  })

  test('of days name the days', () => {
    for (const label of timeLabels([at(2, 0), at(3, 0)])) assert.match(label, /^[^:]+$/)
  })

  test('of nothing are nothing', () => assert.deepEqual(timeLabels([]), []))
})
