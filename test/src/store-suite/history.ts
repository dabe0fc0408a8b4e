import assert from 'node:assert/strict'
import type { Counter } from './counter.ts'
import type { It } from './it.ts'
import { bucketOf, type HistorySlice, tiers } from './parts.ts'
import { readable, sample } from './samples.ts'

/** A step of every tier begins here. */
const day = 1_790_035_200_000
const functionsMax = 500

export function history(it: It): void {
  it('has a sample in its step of every tier', async (store) => {
    const said = { submitted: 3, ready: 2, workers: 1, waitMs: [1, 40, 41] }
    const changed = await put(store, sample(day + 30_000, said, { f: said }))
    assert.deepEqual(changed, ['done'])
    const row = {
      submitted: 3,
      ready: 2,
      workers: 1,
      wait: [
        [bucketOf(1), 1],
        [bucketOf(40), 2],
      ],
    }
    for (const { stepMs } of tiers) {
      const at = stepMs === 10_000 ? day + 30_000 : day
      assert.deepEqual(await read(store, stepMs), [{ at, all: row, functions: { f: row } }])
    }
  })

  it('adds counts and times of a step, and has the last gauges', async (store) => {
    await put(
      store,
      sample(day, { done: 1, ready: 5, runMs: [3] }, { f: { done: 1, ready: 5, runMs: [3] }, g: { dead: 7 } }),
    )
    await put(
      store,
      sample(day + 10_000, { done: 2, ready: 9, runMs: [3, 90_000] }, { f: { done: 2, ready: 9, runMs: [3, 90_000] } }),
      sample(day + 20_000, { failed: 4, ready: 1 }, { f: { failed: 4, ready: 1 } }),
    )
    const run = [
      [bucketOf(3), 2],
      [bucketOf(90_000), 1],
    ]
    const row = { done: 3, failed: 4, ready: 1, run }
    // Of g there is nothing any more at the end.
    assert.deepEqual(await read(store, 60_000), [{ at: day, all: row, functions: { f: row, g: {} } }])
    assert.equal((await read(store, 10_000)).length, 3)
  })

  it('outlives the store', async (store) => {
    await put(store, sample(day, { done: 1 }, { 'größe \xff': { done: 1 } }))
    await store.reopen()
    await put(store, sample(day, { done: 2 }, { 'größe \xff': { done: 2 } }))
    assert.deepEqual(await read(store, 1_800_000), [
      { at: day, all: { done: 3 }, functions: { 'größe \xff': { done: 3 } } },
    ])
  })

  it('is read from a time on, of some functions or of all', async (store) => {
    for (const at of [20_000, 0, 10_000])
      await put(store, sample(day + at, { done: 2 }, { f: { done: 1 }, g: { done: 1 } }))
    const seen = async (from: number, functions: readonly string[] | undefined) => {
      const steps = await read(store, 10_000, from, functions)
      return steps.map((step) => [step.at - day, ...Object.keys(step.functions)])
    }
    assert.deepEqual(await seen(0, []), [[0], [10_000], [20_000]])
    assert.deepEqual(await seen(day + 10_000, ['g', 'nobody']), [
      [10_000, 'g'],
      [20_000, 'g'],
    ])
    assert.deepEqual(await seen(day + 20_000, undefined), [[20_000, 'f', 'g']])
    assert.deepEqual(await seen(day + 20_001, undefined), [])
    assert.deepEqual(await read(store, 7), [])
  })

  it('has so many functions in a step, those that came first', async (store) => {
    const names = Object.fromEntries(Array.from({ length: 3 }, (_, index) => [`f${index}`, { done: 1 }]))
    await put(store, sample(day, { done: 3 }, names))
    const samples = [sample(day + 10_000, { done: 2 }, { g: { done: 1 }, f1: { done: 1 } })]
    await store.do({ changes: [{ kind: 'history', samples, functionsMax: 4 }] })
    assert.deepEqual((await read(store, 60_000))[0], {
      at: day,
      all: { done: 5 },
      functions: { f0: { done: 1 }, f1: { done: 2 }, f2: { done: 1 }, g: { done: 1 } },
    })
    const later = [sample(day + 20_000, { done: 2 }, { h: { done: 1 }, g: { done: 1 } })]
    await store.do({ changes: [{ kind: 'history', samples: later, functionsMax: 4 }] })
    const [step] = await read(store, 60_000)
    assert.deepEqual(Object.keys(step?.functions ?? {}), ['f0', 'f1', 'f2', 'g'])
    assert.deepEqual(step?.all, { done: 7 })
  })

  for (const { stepMs, stepsMax } of tiers) {
    it(`has ${stepsMax} steps of ${stepMs / 1000} s: those that were begun first go, whatever their date`, async (store) => {
      const later = day + 365 * 86_400_000
      const fill = Array.from({ length: stepsMax - 1 }, (_, index) => sample(later + index * stepMs, { done: 1 }))
      await put(store, sample(day, {}), ...fill)
      const full = (await read(store, stepMs)).map(({ at }) => at)
      assert.deepEqual([full.length, full[0], full[1]], [stepsMax, day, later])
      // The date was set back by very much; what comes then is not older than what was there.
      await put(store, sample(0, { done: 1 }))
      const past = (await read(store, stepMs)).map(({ at }) => at)
      assert.deepEqual([past.length, past[0], past[1]], [stepsMax, 0, later])
      // One that is there already takes no place of another one.
      await put(store, sample(later, { done: 1 }))
      const same = (await read(store, stepMs)).map(({ at }) => at)
      assert.deepEqual(same, past)
    })
  }

  it('takes bytes that are no slice, and shows nothing of them', async (store) => {
    await put(store, { at: day, rows: new Uint8Array([255, 1, 2, 3]) }, { at: day + 10_000, rows: new Uint8Array(0) })
    for (const { all, functions } of await read(store, 10_000)) assert.deepEqual([all ?? {}, functions], [{}, {}])
    await put(store, sample(day + 20_000, { done: 1 }))
    assert.deepEqual(await read(store, 60_000), [{ at: day, all: { done: 1 }, functions: {} }])
  })
}

async function put(store: Counter, ...samples: readonly HistorySlice[]) {
  return (await store.do({ changes: [{ kind: 'history', samples, functionsMax }] })).changed
}

async function read(store: Counter, stepMs: number, from = 0, functions?: readonly string[]) {
  const [answer] = (await store.do({ requests: [{ kind: 'history', stepMs, from, functions }] })).answers
  if (answer?.kind !== 'history') throw new Error(`not the history: ${answer?.kind}`)
  return answer.slices.map(readable)
}
