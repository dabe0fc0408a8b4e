import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeadGroup } from '@geartrain/protocol'
import { failureMessage } from '@geartrain/server'
import { onStores, wire } from './office.ts'

describe('what errors have in common', () => {
  const rows: readonly [error: string, message: string][] = [
    ['', ''],
    ['  \n\t', ''],
    ['timeout after 3012 ms', 'timeout after # ms'],
    ['\n first\nsecond', 'first'],
    ['a\r\nb', 'a'],
    ['job H:web1:1764201600000001 is lost', 'job # is lost'],
    ['user 550e8400-e29b-41d4-a716-446655440000: 12.5 of 0x1F', 'user #: # of #'],
    ['commit deadbeef12 of facade', 'commit # of facade'],
    ['v1.2.3 at line 7', 'v# at line #'],
    ['x'.repeat(300), 'x'.repeat(200)],
  ]
  for (const [error, message] of rows) {
    it(`${JSON.stringify(error.slice(0, 40))} is ${JSON.stringify(message.slice(0, 40))}`, () => {
      assert.equal(failureMessage(error), message)
    })
  }

  it('is found in time, whatever they are', () => {
    for (const each of ['a', '1', 'H:', 'a1', '0x', '-']) assert.ok(failureMessage(each.repeat(2000)).length <= 200)
  })
})

describe('dead jobs in groups', () => {
  it(
    'by function, reason and message, the largest first, with the latest job',
    onStores(async (office) => {
      const groups = async (query: Record<string, string> = {}) => {
        const answer = (await office.ask('listDeadGroups', query)) as { groups: DeadGroup[]; isExact: boolean }
        return {
          isExact: answer.isExact,
          groups: answer.groups.map(({ firstAt, lastAt, ...group }) => {
            assert.ok(firstAt > 0 && firstAt <= lastAt)
            return group
          }),
        }
      }
      assert.deepEqual(await groups(), { groups: [], isExact: true })
      await office.set('*', { attempts: 1 })
      await office.bury('f', 'timeout after 3012 ms\n at 1')
      const handle = await office.bury('f', 'timeout after 2998 ms\n at 2')
      const other = await office.bury(wire('größe'), 'timeout after 1 ms')
      const timeout = { reason: 'exception', message: 'timeout after # ms' }
      const ofF = { function: 'f', ...timeout, count: 2, handle }
      const ofOther = { function: 'größe', ...timeout, count: 1, handle: other }
      assert.deepEqual(await groups(), { groups: [ofF, ofOther], isExact: true })
      assert.deepEqual(await groups({ function: 'größe' }), { groups: [ofOther], isExact: true })
      assert.deepEqual(await groups({ limit: '1' }), { groups: [ofF], isExact: false })
      assert.deepEqual(await groups({ reason: 'lost' }), { groups: [], isExact: true })
      assert.equal(await office.status('listDeadGroups', { query: { reason: 'bored' } }), '400 BAD_REQUEST')
    }),
  )
})
