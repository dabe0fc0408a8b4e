import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { filterOf, groupKey, outcomeText } from '@geartrain/dashboard/failures/failure-groups'
import { parse, print } from '@geartrain/dashboard/filter/filter'

describe('a group of dead jobs', () => {
  for (const [name, message] of [
    ['mail.send', 'could not connect to #'],
    ['send mail', 'He said "no" \\ and left'],
    ['a"b\\', ''],
    ['state:ready', 'state:ready function:other'],
    ['größe', '"'],
  ] as const) {
    test(`is found again on the page of jobs: ${name}, ${message}`, () => {
      const group = { function: name, reason: 'exception', message } as const
      const text = print(filterOf(group))
      assert.deepEqual(parse(text), { filter: { state: 'dead', ...group }, problems: [] }, text)
    })
  }

  test('is another one with another function, reason or message', () => {
    const names = ['a', 'b'].flatMap((name) =>
      (['failed', 'lost'] as const).flatMap((reason) => [
        groupKey({ function: name, reason, message: '' }),
        groupKey({ function: name, reason, message: 'x","' }),
      ]),
    )
    assert.equal(new Set(names).size, 8)
  })
})

const changed = { matched: 3, changed: 3, refused: 0, refusals: [], isExact: true }

for (const [what, action, text] of [
  [changed, 'retry', '3 jobs are in line again.'],
  [{ ...changed, changed: 1 }, 'delete', '1 job is deleted.'],
  [
    { ...changed, changed: 2, refused: 1, refusals: [{ handle: 'H:a:1', why: 'it is joined' }] },
    'retry',
    '2 jobs are in line again. 1 job is not: it is joined.',
  ],
  [
    { ...changed, changed: 0, refused: 2 },
    'delete',
    '0 jobs are deleted. 2 jobs are not: the server does not say why.',
  ],
] as const) {
  test(`what has become of a change: ${text}`, () => assert.equal(outcomeText(what, action), text))
}
