import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  activityOf,
  clientIdsOf,
  countsOf,
  fitsFilter,
  hostOf,
  nameOf,
} from '@geartrain/dashboard/connections/connections'
import type { ConnectionState } from '@geartrain/protocol'

const idle: ConnectionState = {
  id: 7,
  number: 3,
  kind: 'tcp',
  address: '10.0.0.2',
  clientId: 'resizer-1',
  actor: 'workers',
  functions: ['image.resize', 'Größe ändern'],
  isSleeping: false,
  jobs: [],
  waiting: 0,
  bytesIn: 0,
  bytesOut: 0,
  outputBytes: 0,
  openedAt: 0,
  lastInputAt: 0,
}
const job = { handle: 'H:a:1', function: 'mail.send', startedAt: 0 }

describe('a connection', () => {
  test('is busy, waits, sleeps or is idle', () => {
    assert.equal(activityOf({ ...idle, jobs: [job], waiting: 1, isSleeping: true }), 'busy')
    assert.equal(activityOf({ ...idle, waiting: 1, isSleeping: true }), 'waiting')
    assert.equal(activityOf({ ...idle, isSleeping: true }), 'sleeping')
    assert.equal(activityOf(idle), 'idle')
  })

  test('has a name, also if it has not said one', () => {
    assert.equal(nameOf(idle), 'resizer-1')
    assert.equal(nameOf({ ...idle, clientId: '-' }), 'connection 7')
  })

  for (const [address, host] of [
    ['10.0.0.2', '10.0.0.2'],
    ['10.0.0.2:51234', '10.0.0.2'],
    ['::1', '::1'],
    ['fd00::2:4730', 'fd00::2:4730'],
    ['[fd00::2]:4730', 'fd00::2'],
    ['::ffff:10.0.0.2', '10.0.0.2'],
    ['web1.example:4730', 'web1.example'],
    ['', ''],
  ] as const) {
    test(`from "${address}" is on ${host === '' ? 'no known host' : host}`, () => {
      assert.equal(hostOf({ ...idle, address }), host)
    })
  }

  for (const [filter, isFound] of [
    ['', true],
    ['   ', true],
    ['RESIZER', true],
    ['10.0.0', true],
    ['größe ändern', true],
    ['mail.send', true],
    ['workers 10.0', true],
    ['resizer nobody', false],
    ['tcp', false],
    ['.*', false],
  ] as const) {
    test(`is ${isFound ? '' : 'not '}found by "${filter}"`, () => {
      assert.equal(fitsFilter({ ...idle, jobs: [job] }, filter), isFound)
    })
  }
})

test('connections are counted', () => {
  const client = { ...idle, functions: [], address: '10.0.0.3' }
  assert.deepEqual(countsOf([idle, { ...idle, jobs: [job] }, client]), {
    workers: 2,
    busy: 1,
    idle: 1,
    clients: 1,
    hosts: 2,
  })
  assert.deepEqual(countsOf([]), { workers: 0, busy: 0, idle: 0, clients: 0, hosts: 0 })
})

test('client ids are told with the most frequent first, and those without one are none', () => {
  const called = (clientId: string) => ({ ...idle, clientId })
  assert.deepEqual(clientIdsOf(['b', 'c', '-', 'a', 'c'].map(called)), [
    ['c', 2],
    ['a', 1],
    ['b', 1],
  ])
})
