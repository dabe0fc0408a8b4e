import assert from 'node:assert/strict'
import type { It } from './it.ts'

export function bytes(it: It): void {
  const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
  const texts = [
    ...every,
    every.join(''),
    Buffer.from('Größe 龍 🚂').toString('latin1'),
    // A mark of byte order; half a character; one that is longer than it need be; a surrogate; beyond the last one.
    '\xef\xbb\xbfx',
    '\xe9\xbe',
    '\xc0\xaf',
    '\xed\xa0\x80',
    '\xf4\x90\x80\x80',
    'x\0y',
    'x'.repeat(5000),
  ]

  it('names and workloads come back byte by byte, from disk too', async (store) => {
    const add = texts.map((text, i) => ({
      number: i + 1,
      function: text,
      unique: `u${text}`,
      reducer: text,
      then: text,
      options: text,
      trace: text,
      workload: text,
    }))
    assert.deepEqual(await store.add(...add), [])
    await store.reopen()
    for (const { number, function: name, unique, reducer, then, options, trace, workload } of add) {
      const jobs = await store.claim({ function: name })
      const seen = jobs.map((job) => ({ ...job, workload: job.workload.toString('latin1') }))
      assert.deepEqual(seen, [
        {
          number,
          unique,
          reducer,
          then,
          options,
          trace,
          workload,
          priority: 1,
          runAt: 0,
          readyAt: 0,
          expireAt: 0,
          attempts: 0,
        },
      ])
      assert.equal((await store.find(number))?.function, name)
      assert.equal((await store.find(number))?.unique, unique)
    }
  })

  it('uniques are told apart by every byte', async (store) => {
    const uniques = texts.filter((text) => text !== '-')
    assert.deepEqual(await store.add(...uniques.map((each, i) => ({ number: i + 1, unique: each }))), [])
    const again = await store.add(...uniques.map((each, i) => ({ number: i + 1001, unique: each })))
    assert.deepEqual(
      again,
      uniques.map((_, i) => [i + 1001, i + 1]),
    )
    for (const [i, each] of uniques.entries()) assert.equal(await store.findUnique(each), i + 1)
  })

  it('an empty name is a name', async (store) => {
    await store.add({ number: 1, function: '' })
    assert.deepEqual((await store.reopen()).functions, [{ name: '', ready: [0, 1, 0], delayed: 0, dead: 0 }])
  })
}
