import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readyCount } from '@geartrain/dashboard/live/ready-count'
import {
  failureRate,
  filtered,
  grouped,
  lacksWorker,
  patternFor,
  spreadSelection,
  sumOf,
} from '@geartrain/dashboard/pages/functions/function-rows'
import { fits } from '@geartrain/dashboard/session/fits'
import { idleFunction } from './samples.ts'

function namesOf(rows: readonly { readonly name: string }[]): string {
  return rows.map(({ name }) => name).join(' ')
}

describe('the name filter', () => {
  const all = ['mail.send', 'Mail.digest', 'webmail', 'resize', 'a+b', 'größe'].map((name) => idleFunction(name))
  for (const [text, expected] of [
    ['', 'mail.send Mail.digest webmail resize a+b größe'],
    ['mail', 'mail.send Mail.digest webmail'],
    ['mail.*', 'mail.send'],
    ['*mail*', 'mail.send webmail'],
    ['*', 'mail.send Mail.digest webmail resize a+b größe'],
    ['a+b', 'a+b'],
    ['(', ''],
    ['GRÖ', 'größe'],
    ['nothing', ''],
  ] as const) {
    test(`${JSON.stringify(text)}: ${expected}`, () => assert.equal(namesOf(filtered(all, text)), expected))
  }
})

describe('the pattern of those that begin alike', () => {
  for (const [name, expected] of [
    ['mail.send', 'mail.*'],
    ['mail.send.now', 'mail.*'],
    ['image:resize', 'image:*'],
    ['a/b-c', 'a/*'],
    ['send_mail', 'send_*'],
    ['re-size', 're-*'],
    ['App\\Jobs\\Mail', 'App\\*'],
    ['mail.', 'mail.*'],
    ['_hidden', undefined],
    ['_hidden.one', '_hidden.*'],
    ['.', undefined],
    ['resize', undefined],
    ['größe🐘', undefined],
  ] as const) {
    test(`${name}: ${expected}`, () => assert.equal(patternFor(name), expected))
  }
})

test('functions are grouped by how they begin, but for those that stand alone', () => {
  const rows = grouped(['mail.send', 'resize', 'mail.digest', 'report.daily', 'mail'].map((name) => idleFunction(name)))
  assert.deepEqual(
    rows.map(({ name, members }) => [name, members === undefined ? undefined : namesOf(members)]),
    [
      ['mail.*', 'mail.send mail.digest'],
      ['resize', undefined],
      ['report.daily', undefined],
      ['mail', undefined],
    ],
  )
})

test('the sum of several functions', () => {
  const one = idleFunction('a.x', {
    ready: { high: 1, normal: 2, low: 3 },
    oldestReadyAt: 2000,
    delayed: 1,
    running: 2,
    dead: 3,
    workers: 4,
    paused: true,
    rates: { submitted: [1, 2], done: [3, 4], failed: [5, 6], retried: [7, 8] },
    run: { p50Ms: 10, p95Ms: 400 },
  })
  const other = idleFunction('a.y', {
    ready: { high: 10, normal: 20, low: 30 },
    oldestReadyAt: 1000,
    delayed: 10,
    running: 20,
    dead: 30,
    workers: 40,
    rates: { submitted: [10, 20], done: [30, 40], failed: [50, 60], retried: [70, 80] },
    run: { p50Ms: 20, p95Ms: 300 },
  })
  const sum = sumOf('a.*', [one, other])
  assert.deepEqual(sum, {
    ...idleFunction('a.*'),
    ready: { high: 11, normal: 22, low: 33 },
    oldestReadyAt: 1000,
    delayed: 11,
    running: 22,
    dead: 33,
    workers: 44,
    rates: { submitted: [11, 22], done: [33, 44], failed: [55, 66], retried: [77, 88] },
    run: { p50Ms: 20, p95Ms: 400 },
    members: [one, other],
  })
  assert.equal(readyCount(sum), 66)
  assert.equal(failureRate(sum), 132)
  assert.deepEqual(sumOf('nothing.*', []), { ...idleFunction('nothing.*'), members: [] })
})

test('a function lacks a worker if jobs are ready, and it is not paused', () => {
  const ready = { high: 0, normal: 1, low: 0 }
  assert.equal(lacksWorker(idleFunction('a', { ready })), true)
  assert.equal(lacksWorker(idleFunction('a', { ready, workers: 1 })), false)
  assert.equal(lacksWorker(idleFunction('a', { ready, paused: true })), false)
  assert.equal(lacksWorker(idleFunction('a', { delayed: 5 })), false)
})

describe('selecting a row of several functions', () => {
  const rows = grouped(['a.1', 'a.2', 'b'].map((name) => idleFunction(name)))
  for (const [what, before, after, expected] of [
    ['selects all of them', [], ['a.*'], 'a.* a.1 a.2'],
    ['takes all of them back', ['a.*', 'a.1', 'a.2', 'b'], ['a.1', 'a.2', 'b'], 'b'],
    ['happens by itself with the last of them', ['a.1'], ['a.1', 'a.2'], 'a.* a.1 a.2'],
    ['ends with the first that is taken out', ['a.*', 'a.1', 'a.2'], ['a.*', 'a.2'], 'a.2'],
    ['leaves others alone', ['b'], ['b', 'a.1'], 'a.1 b'],
  ] as const) {
    test(what, () => {
      const selected = spreadSelection(new Set(before), new Set(after), rows)
      assert.equal([...selected].sort().join(' '), expected)
    })
  }
})

describe('a name and a pattern', () => {
  for (const [pattern, name, isFitting] of [
    ['f', 'f', true],
    ['f', 'ff', false],
    ['*', '', true],
    ['mail.*', 'mail.send', true],
    ['mail.*', 'email.send', false],
    ['*.send', 'mail.send', true],
    ['m*l*d', 'mail.send', true],
    ['ab*ba', 'aba', false],
    ['*a*a*', 'a', false],
    ['a.c*', 'abc', false],
    ['*\n*', 'two\nlines', true],
    // For a regular expression this would take longer than anybody lives.
    [`${'*a'.repeat(20)}b`, 'a'.repeat(500), false],
  ] as const) {
    test(`${JSON.stringify(pattern)} ${isFitting ? 'fits' : 'does not fit'} ${JSON.stringify(name.slice(0, 20))}`, () => {
      assert.equal(fits(pattern, name), isFitting)
    })
  }
})
