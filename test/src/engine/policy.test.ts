import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { backoffMs, type Policy, plainPolicy } from '@geartrain/engine'

const fixed: Partial<Policy> = { backoffFirstMs: 100, backoffFactor: 3, backoffMaxMs: 1000, backoffJitter: 0 }
const jobNumbers = Array.from({ length: 1000 }, (_, index) => index + 1)

suite('The wait before an attempt', () => {
  const rows: [title: string, policy: Partial<Policy>, waits: number[]][] = [
    ['grows by the factor, up to its limit', fixed, [100, 300, 900, 1000, 1000]],
    ['stays the same with a factor of 1', { ...fixed, backoffFactor: 1 }, [100, 100, 100]],
    ['is none if the first one is', { ...fixed, backoffFirstMs: 0 }, [0, 0, 0]],
    ['is its limit if the first one is longer', { ...fixed, backoffFirstMs: 5000 }, [1000, 1000]],
    ['is in whole milliseconds', { ...fixed, backoffFactor: 1.5, backoffFirstMs: 1 }, [1, 2, 2, 3]],
  ]
  for (const [title, changes, waits] of rows) {
    test(title, () => {
      const policy = { ...plainPolicy, ...changes }
      const worked = waits.map((_, index) => backoffMs(policy, index + 1, 7))
      assert.deepEqual(worked, waits)
    })
  }

  test('is its limit after very many attempts', () => {
    assert.equal(backoffMs({ ...plainPolicy, ...fixed }, 5000, 7), 1000)
  })

  test('is left to chance in part: the same for the same job and attempt, spread over all that it may be', () => {
    const policy = { ...plainPolicy, ...fixed, backoffFirstMs: 1000, backoffJitter: 0.5 }
    const waits = jobNumbers.map((number) => backoffMs(policy, 1, number))
    assert.deepEqual(
      waits,
      jobNumbers.map((number) => backoffMs(policy, 1, number)),
    )
    assert(waits.every((wait) => wait >= 500 && wait <= 1000))
    // Of a thousand, a hundred or so in each tenth.
    for (let tenth = 0; tenth < 10; tenth++) {
      const count = waits.filter((wait) => Math.min(9, Math.floor((wait - 500) / 50)) === tenth).length
      assert(count > 50 && count < 150, `${count} in tenth ${tenth}`)
    }
    const again = jobNumbers.filter((number, index) => backoffMs(policy, 2, number) === waits[index])
    assert(again.length < 50, `${again.length} wait as long the second time`)
  })

  test('may be anything from none to the whole with full chance', () => {
    const policy = { ...plainPolicy, ...fixed, backoffFirstMs: 1000, backoffJitter: 1 }
    const waits = jobNumbers.map((number) => backoffMs(policy, 1, number))
    assert(Math.min(...waits) < 50 && Math.min(...waits) >= 0)
    assert(Math.max(...waits) > 950 && Math.max(...waits) <= 1000)
  })
})
