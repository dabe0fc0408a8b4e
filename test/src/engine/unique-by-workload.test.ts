import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { priorities } from '@geartrain/engine'
import { EngineRules } from './engine-rules.ts'

/** The numbers of the jobs that background submissions with `-` as unique get, one after the other. */
function submitted(workloads: readonly Uint8Array[]): number[] {
  const rules = new EngineRules({})
  const { normal: priority } = priorities
  rules.connect('ann')
  for (const workload of workloads) {
    rules.submit('ann', {
      function: 'f',
      unique: '-',
      workload,
      priority,
      background: true,
      runAt: 0,
      reducer: '',
      then: '',
      options: '',
      trace: '',
    })
  }
  return rules.takeEvents().map((event) => Number(/^ann < JOB_CREATED #(\d+)$/.exec(event)?.[1]))
}

/** Zeros, with one byte that is not. */
function marked(length: number, at: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes[at] = 1
  return bytes
}

suite('workloads as keys', () => {
  for (const length of [1, 2, 511, 512, 513, 1024, 1025, 65_535, 65_536, 65_537, 200_000]) {
    test(`of ${length} bytes are told apart by each byte, also where they are not hashed`, () => {
      const places = [...new Set([0, length >> 2, length >> 1, (3 * length) >> 2, length - 1])]
      const workloads = places.map((at) => marked(length, at))
      const numbers = workloads.map((_, i) => i + 1)
      assert.deepEqual(submitted([...workloads, ...workloads]), [...numbers, ...numbers])
    })
  }

  test('the length counts too', () => {
    assert.deepEqual(submitted([new Uint8Array(3), new Uint8Array(4), new Uint8Array(3)]), [1, 2, 1])
  })
})
