import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CountRow,
  formatServerAddress,
  parseCountRow,
  parseServerAddress,
  parseWorkerRow,
} from '@geartrain/protocol'

const counts: readonly [row: string, numbers: number, parsed: CountRow | undefined][] = [
  ['f\t3\t1\t2', 3, { name: 'f', counts: [3, 1, 2] }],
  ['\t3\t1\t2', 3, { name: '', counts: [3, 1, 2] }],
  ['PREFIX\tf\t0\t0\t0', 3, { name: 'PREFIX\tf', counts: [0, 0, 0] }],
  ['f\t1\t2\t3\t4', 4, { name: 'f', counts: [1, 2, 3, 4] }],
  ['f\t3\t1', 3, undefined],
  ['3\t1\t2', 3, undefined],
  ['f\t3\t-1\t2', 3, undefined],
  ['f\t3\t1\t', 3, undefined],
  ['\t\t\t', 3, undefined],
  ['f\t999999999999999\t0\t0', 3, { name: 'f', counts: [999_999_999_999_999, 0, 0] }],
  ['f\t1000000000000000\t0\t0', 3, undefined],
  ['', 3, undefined],
]
for (const [row, numbers, parsed] of counts) {
  test(`a name and ${numbers} numbers: ${JSON.stringify(row)}`, () => {
    assert.deepEqual(parseCountRow(row, numbers), parsed)
  })
}

const workers: readonly [row: string, parsed: [number, string, string, string[]] | undefined][] = [
  ['34 10.0.0.7 - :', [34, '10.0.0.7', '-', []]],
  ['34 10.0.0.7 - : f g', [34, '10.0.0.7', '-', ['f', 'g']]],
  ['34 ::1 joe and ann : f', [34, '::1', 'joe and ann', ['f']]],
  ['-1 -  : f', [-1, '-', '', ['f']]],
  ['34 10.0.0.7 a :b : f', [34, '10.0.0.7', 'a :b', ['f']]],
  ['34 10.0.0.7 - : f\rg', [34, '10.0.0.7', '-', ['f\rg']]],
  ['1000000000000000 10.0.0.7 - : f', undefined],
  ['34 10.0.0.7 -', undefined],
  ['fd ip id : f', undefined],
  ['', undefined],
]
for (const [row, parsed] of workers) {
  test(`a worker: ${JSON.stringify(row)}`, () => {
    const found = parseWorkerRow(row)
    assert.deepEqual(found && [found.number, found.address, found.clientId, found.functions], parsed)
  })
}

test('a worker whose row could be cut in very many places is read as fast as any', () => {
  const { functions, clientId } = parseWorkerRow(`1 a ${' : '.repeat(400_000)}\rf`) ?? {}
  assert.deepEqual([functions?.length, clientId], [400_000, ''])
})

const addresses: readonly [text: string, address: string][] = [
  ['a', 'a:4730'],
  [' a:1 ', 'a:1'],
  [':65535', '127.0.0.1:65535'],
  ['[::1]:4731', '[::1]:4731'],
  ['[::1]', '[::1]:4730'],
  ['2001:db8::1', '[2001:db8::1]:4730'],
]
for (const [text, address] of addresses) {
  test(`an address: ${JSON.stringify(text)}`, () => {
    const parsed = parseServerAddress(text)
    assert.ok(typeof parsed !== 'string')
    assert.equal(formatServerAddress(parsed), address)
  })
}
for (const [text, problem] of [
  ['', 'write host:port'],
  ['a:b', 'write host:port'],
  ['a:', 'write host:port'],
  ['[::1', 'write host:port'],
  ['http://a', 'write host:port'],
  ['a:0', 'a port is 1 to 65535'],
  ['a:65536', 'a port is 1 to 65535'],
] as const) {
  test(`no address: ${JSON.stringify(text)}`, () => assert.equal(parseServerAddress(text), problem))
}
