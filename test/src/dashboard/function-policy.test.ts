import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  changesOf,
  choicesOf,
  type Draft,
  drafted,
  inGroups,
  isSetHere,
  patternsFor,
  problemsOf,
  type Setting,
} from '@geartrain/dashboard/pages/functions/policy'
import { createServer, silentLog } from '@geartrain/server'

function setting(key: string, value: string, source = 'default'): Setting {
  return { key, value, source, isDefault: source === 'default' }
}

describe('the values that can be chosen', () => {
  for (const [range, expected] of [
    ['"true" or "false"', ['true', 'false']],
    ['"high", "normal", "low" or "client"', ['high', 'normal', 'low', 'client']],
    ['a whole number from 1 to 10, or "unlimited"', undefined],
    ['"all", "none", or some of failed, lost, with commas between', undefined],
    ['a number from 0 to 1', undefined],
    ['', undefined],
  ] as const) {
    test(range, () => assert.deepEqual(choicesOf(range), expected))
  }
})

test('the draft has what is changed, and not what is as it was', () => {
  const attempts = setting('attempts', '3', 'set for mail.send')
  const changed = drafted(new Map(), attempts, '5')
  assert.deepEqual([...changed], [['attempts', '5']])
  assert.deepEqual([...drafted(changed, attempts, null)], [['attempts', null]])
  assert.deepEqual([...drafted(changed, attempts, '3')], [])
  const empty: Draft = new Map()
  assert.deepEqual([...drafted(empty, attempts, '')], [['attempts', '']])
  assert.equal(empty.size, 0)
})

test('what changes is told, also if the value is the same from elsewhere', () => {
  const before = [
    setting('attempts', '3', 'set for mail.send'),
    setting('rate', 'unlimited'),
    setting('rate-burst', '1'),
    setting('timeout', '5m', 'set for mail.send'),
  ]
  const after = [
    setting('attempts', '3', 'set for mail.*'),
    setting('rate', '7', 'set for mail.send'),
    setting('rate-burst', '7'),
    setting('timeout', '5m', 'set for mail.send'),
    setting('brand-new', '1'),
  ]
  assert.deepEqual(changesOf(before, after), [
    { key: 'attempts', from: '3', to: '3', source: 'set for mail.*' },
    { key: 'rate', from: 'unlimited', to: '7', source: 'set for mail.send' },
    { key: 'rate-burst', from: '1', to: '7', source: 'default' },
  ])
})

test('what is set for the very name can be taken back, and nothing else', () => {
  assert.equal(isSetHere(setting('attempts', '3', 'set for mail.*'), 'mail.*'), true)
  assert.equal(isSetHere(setting('attempts', '3', 'set for mail.*'), 'mail.send'), false)
  assert.equal(isSetHere(setting('attempts', '3', 'geartrain.toml, line 3: [functions.mail]'), 'mail'), false)
  assert.equal(isSetHere(setting('attempts', '3'), 'default'), false)
})

test('what the server says is at the setting that it is about', () => {
  const keys = ['attempts', 'backoff-first', 'backoff-max', 'then']
  const message = [
    'a: b: attempts must be a whole number, not ": then must be"',
    'mail.*: backoff-max must not be shorter than backoff-first: it is 1h',
    'x: backoff-max must not be shorter',
    'größe: there is no setting "nix"',
  ].join('\n')
  const { byKey, others } = problemsOf(message, keys)
  assert.deepEqual(Object.fromEntries(byKey), {
    attempts: 'attempts must be a whole number, not ": then must be"',
    'backoff-max': 'backoff-max must not be shorter than backoff-first: it is 1h; backoff-max must not be shorter',
  })
  assert.deepEqual(others, ['größe: there is no setting "nix"'])
})

test('the patterns that a name fits, the longest first', () => {
  const known = { policies: [{ name: '*.send' }, { name: 'mail.send' }, { name: 'other.*' }], settings: [] }
  assert.deepEqual(patternsFor('mail.send', known, 'mail.*'), ['*.send', 'mail.*', '*'])
  assert.deepEqual(patternsFor('mail.*', known, undefined), ['*'])
  assert.deepEqual(patternsFor('*', undefined, undefined), [])
})

test('every setting of the server has a group, and one that is new is among the others', async () => {
  const server = createServer({ port: 0, http: '127.0.0.1:0', log: silentLog, store: 'memory' })
  await server.listen()
  const answer = await fetch(`http://127.0.0.1:${server.httpAddress?.port}/api/functions/f`)
  const { settings } = (await answer.json()) as { settings: Setting[] }
  await server.close(0)
  const groups = inGroups([...settings, setting('brand-new', '1')])
  assert.equal(groups.flatMap((group) => group.settings).length, settings.length + 1)
  assert.deepEqual(groups.at(-1), { title: 'Others', settings: [setting('brand-new', '1')] })
})
