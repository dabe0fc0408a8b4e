import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { arranged, type Placed } from '@geartrain/dashboard/findings/arranged'
import { fixLinks } from '@geartrain/dashboard/findings/fix-links'
import { busiest, sumsOf } from '@geartrain/dashboard/pages/overview/figures'
import { serverFlag } from '@geartrain/dashboard/text/server-flag'
import type { Finding, LiveFlow } from '@geartrain/protocol'
import { idleFunction, noRates } from './samples.ts'

// What the overview makes of what it is told. How it looks is tested in a browser.

function finding(name: string, severity: Finding['severity'], more: Partial<Finding> = {}): Finding {
  return { kind: 'no worker', severity, function: name, title: name, advice: '', ...more }
}

function names(placed: readonly Placed[]): string[] {
  return placed.map(({ finding: { function: name = '' }, isOver }) => (isOver ? `(${name})` : name))
}

describe('what is wrong', () => {
  const a = finding('a', 'critical')
  const b = finding('b', 'critical')
  const c = finding('c', 'warning')
  const d = finding('d', 'warning')
  const shown = arranged([], [b, c], false)

  test('comes as it is told', () => assert.deepEqual(names(shown), ['b', 'c']))

  test('stays where it is: new ones come below those of their severity', () => {
    assert.deepEqual(names(arranged(shown, [a, b, d, c], false)), ['b', 'a', 'c', 'd'])
  })

  test('goes when it is over', () => assert.deepEqual(names(arranged(shown, [c], false)), ['c']))

  test('moves when it has become worse', () => {
    const worse = finding('d', 'critical')
    assert.deepEqual(names(arranged(arranged([], [c, d], false), [worse, c], false)), ['d', 'c'])
  })

  test('is shown as it was told last', () => {
    const [placed] = arranged(shown, [finding('b', 'critical', { title: 'another one' })], false)
    assert.equal(placed?.finding.title, 'another one')
  })

  test('is another thing of another kind', () => {
    const other = finding('b', 'critical', { kind: 'stuck' })
    assert.deepEqual(names(arranged(shown, [other, b, c], false)), ['b', 'b', 'c'])
  })

  test('does not move at all while it is held', () => {
    const held = arranged(shown, [a, c], true)
    assert.deepEqual(names(held), ['(b)', 'c', 'a'])
    assert.deepEqual(names(arranged(held, [a, b, c], true)), ['b', 'c', 'a'])
    assert.deepEqual(names(arranged(held, [a, c], false)), ['a', 'c'])
  })
})

describe('where it can be fixed', () => {
  const cases: readonly (readonly [Partial<Finding>, string[]])[] = [
    [{ kind: 'no worker', function: 'a b' }, ['/function?name=a+b']],
    [{ kind: 'paused', function: 'a&b=c' }, ['/function?name=a%26b%3Dc']],
    [{ kind: 'failing', function: 'a' }, ['/failures?function=a', '/function?name=a']],
    [{ kind: 'stuck', function: 'a', handle: 'H:x:1' }, ['/job?handle=H%3Ax%3A1', '/function?name=a']],
    [{ kind: 'long wait', function: 'a' }, ['/function?name=a']],
    [{ kind: 'store failing' }, ['/servers']],
    [{ kind: 'stopping' }, []],
  ]
  for (const [told, links] of cases) {
    test(told.kind ?? '', () => {
      const { function: _, ...bare } = finding('', 'warning')
      assert.deepEqual(
        fixLinks({ ...bare, ...told }).map(({ to }) => to),
        links,
      )
    })
  }

  test('on the page of the function, no way there', () => {
    const told = finding('a', 'warning', { kind: 'failing' })
    assert.deepEqual(
      fixLinks(told, 'a').map(({ to }) => to),
      ['/failures?function=a'],
    )
    assert.equal(fixLinks(told, 'a.*').length, 2)
  })
})

describe('the figures', () => {
  const one = idleFunction('one', {
    ready: { high: 1, normal: 2, low: 3 },
    oldestReadyAt: 500,
    running: 4,
    workers: 2,
    rates: { ...noRates, done: [1, 2] },
    wait: { p50Ms: 5, p95Ms: 50 },
  })
  const other = idleFunction('other', {
    ready: { high: 0, normal: 10, low: 0 },
    oldestReadyAt: 400,
    delayed: 7,
    dead: 8,
    workers: 1,
    rates: { ...noRates, done: [10, 20] },
    wait: { p50Ms: 1, p95Ms: 60 },
    run: { p50Ms: 3, p95Ms: 4 },
  })

  test('are sums of what may be viewed, and the times of the slowest', () => {
    assert.deepEqual(sumsOf([one, other], undefined), {
      ready: 16,
      delayed: 7,
      running: 4,
      dead: 8,
      workers: 3,
      oldestReadyAt: 400,
      rates: { ...noRates, done: [11, 22] },
      wait: { p50Ms: 1, p95Ms: 60 },
      run: { p50Ms: 3, p95Ms: 4 },
      isOfSlowest: true,
    })
  })

  test('are those that are told of all together', () => {
    const all: LiveFlow = { totals: one.totals, rates: { ...noRates, done: [100, 200] }, run: { p50Ms: 1, p95Ms: 2 } }
    const { rates, wait, run, isOfSlowest } = sumsOf([one, other], all)
    assert.deepEqual(
      { rates, wait, run, isOfSlowest },
      { rates: all.rates, wait: undefined, run: all.run, isOfSlowest: false },
    )
  })

  test('of nothing are 0, and times are not known', () => {
    const { ready, oldestReadyAt, wait } = sumsOf([], undefined)
    assert.deepEqual({ ready, oldestReadyAt, wait }, { ready: 0, oldestReadyAt: undefined, wait: undefined })
  })
})

test('the busiest functions are those in which most waits, runs, comes and goes', () => {
  const functions = [
    idleFunction('idle', { workers: 5, dead: 100, delayed: 100 }),
    idleFunction('b', { ready: { high: 0, normal: 20, low: 0 } }),
    idleFunction('a', { running: 20 }),
    idleFunction('quick', { rates: { ...noRates, done: [50, 50] } }),
    idleFunction('slow', { rates: { ...noRates, submitted: [0.1, 0.1] } }),
  ]
  assert.deepEqual(
    busiest(functions, 8).map(({ name }) => name),
    ['quick', 'a', 'b', 'slow'],
  )
  assert.equal(busiest(functions, 2).length, 2)
})

describe('commands name the server', () => {
  const at = (port: number) => [
    { kind: 'http', address: '127.0.0.1', port: 4731 } as const,
    { kind: 'gearman', address: '0.0.0.0', port } as const,
  ]
  for (const [port, host, flag] of [
    [4730, 'localhost', ''],
    [4730, '127.0.0.1', ''],
    [4730, 'queue.example', ' -s queue.example:4730'],
    [5000, 'localhost', ' -s localhost:5000'],
    [5000, '[::1]', ' -s [::1]:5000'],
  ] as const) {
    test(`${host}, ${port}:${flag}`, () => assert.equal(serverFlag(at(port), host), flag))
  }

  test('where it does not say', () => assert.equal(serverFlag([], 'localhost'), ''))
})
