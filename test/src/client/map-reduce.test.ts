import assert from 'node:assert/strict'
import { test as plainTest } from 'node:test'
import { Client, defineJobs, JobExceptionError, json, mapReduce, splitLines, text } from '@geartrain/client'
import fc from 'fast-check'
import { onServers } from './site.ts'

const jobs = defineJobs({ 'count-words': { input: text, output: json<number>() } })

async function sum(counts: AsyncIterable<number>): Promise<number> {
  let total = 0
  for await (const count of counts) total += count
  return total
}

onServers('map and reduce', (test) => {
  test('the parts are counted by workers, and the counts added up here', async (site) => {
    await site
      .worker({ concurrency: 3 })
      .handle('count-words', (job) => String(job.text().split(' ').length))
      .start()
    const client = site.keep(await Client.connect(site.address, { jobs }))
    assert.equal(await mapReduce(client, 'count-words', ['a b c', 'd', 'e f'], sum), 6)
    assert.equal(await mapReduce(client, 'count-words', [], sum), 0)
  })

  test('what reduce yields is a stream, in the order of the parts', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 5 })
      .handle(f, (job) => job.text().toUpperCase())
      .start()
    const client = await site.client()
    const shouted = mapReduce(client, f, ['a', 'b', 'c'], async function* (outputs) {
      for await (const output of outputs) yield Buffer.from(output).toString()
    })
    assert.deepEqual(await collect(shouted), ['A', 'B', 'C'])
  })

  test('a part that fails is an error where it is read', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, (job) => {
        if (job.text() === 'bad') throw new Error('not this one')
        return '1'
      })
      .start()
    const client = await site.client()
    const result = mapReduce(client, f, ['good', 'bad'], async (outputs) => (await collect(outputs)).length)
    await assert.rejects(result, (error) => error instanceof JobExceptionError && error.message === 'not this one')
  })

  test('a worker splits the job for the function that the job names as its reducer', async (site) => {
    const [split, count] = [site.functionName(), site.functionName()]
    const client = await site.client()
    await site
      .worker()
      .handle(count, (job) => String(job.text().length))
      .start()
    await site
      .worker()
      .handle(split, async (job) => {
        const parts = splitLines(job.workload, 3)
        return mapReduce(client, job.reducer ?? '', parts, async (lengths) =>
          (await collect(lengths)).map((length) => Buffer.from(length).toString()).join('+'),
        )
      })
      .start()
    assert.equal(await client.submit(split, 'ab\ncdef\n', { reducer: count }).text(), '3+5')
    assert.match(await client.submitBackground(split, 'ab\n', { reducer: count }), /^H:/)
  })
})

plainTest(
  'splitLines: the parts are the text, and all but the last end where a line ends, as soon as they are long enough',
  async () => {
    const piece = fc.stringMatching(/^[ab\n]{0,12}$/)
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 10 }), async (pieces, partBytes) => {
        const parts = (
          await collect(
            splitLines(
              pieces.map((one) => Buffer.from(one)),
              partBytes,
            ),
          )
        ).map(String)
        assert.equal(parts.join(''), pieces.join(''))
        for (const part of parts) assert.notEqual(part, '')
        for (const part of parts.slice(0, -1)) {
          assert.ok(part.endsWith('\n') && part.length >= partBytes, JSON.stringify({ parts, partBytes }))
          assert.ok(!part.slice(partBytes - 1, -1).includes('\n'), JSON.stringify({ parts, partBytes }))
        }
      }),
    )
  },
)

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
