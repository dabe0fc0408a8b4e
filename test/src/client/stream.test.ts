import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { ConnectionLostError, JobExceptionError, JobFailedError, JobFailure } from '@geartrain/client'
import { Door } from './servers-door.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

async function read(stream: ReadableStream<Uint8Array>): Promise<string[]> {
  const chunks: string[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk).toString())
  return chunks
}

onServers('the stream of a job', (test) => {
  test('data as they come, and the result last', async (site) => {
    const f = site.functionName()
    const heard = signal()
    await site
      .worker()
      .handle(f, async (job) => {
        await job.data('one')
        job.progress(1, 2)
        await job.warn('careful')
        await heard.given
        await job.data('two')
        return 'end'
      })
      .start()
    const job = (await site.client()).submit(f, '')
    const reader = job.stream().getReader()
    const first = await reader.read()
    assert.equal(Buffer.from(first.value ?? '').toString(), 'one')
    assert.equal(job.hasEnded, false)
    heard.give()
    reader.releaseLock()
    assert.equal(await job.text(), 'end')
  })

  for (const [name, chunks, result, expected] of [
    ['a result alone', [], 'all', ['all']],
    ['data alone', ['a', 'b'], '', ['a', 'b']],
    ['both', ['a', 'b'], 'c', ['a', 'b', 'c']],
    ['neither', [], '', []],
  ] as const) {
    for (const isLate of [false, true]) {
      test(`${name}${isLate ? ', read when it has ended' : ''}`, async (site) => {
        const f = site.functionName()
        await site
          .worker()
          .handle(f, async (job) => {
            for (const chunk of chunks) await job.data(chunk)
            return result
          })
          .start()
        const job = (await site.client()).submit(f, '')
        if (isLate) await job.bytes()
        assert.deepEqual(await read(job.stream()), expected)
        assert.equal(await job.text(), result)
      })
    }
  }

  test('20 MB in pieces, to whoever reads web streams', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, async (job) => {
        for (let i = 0; i < 320; i++) await job.data(new Uint8Array(64 * 1024).fill(i % 256))
      })
      .start()
    const job = (await site.client()).submit(f, '')
    let [total, sum] = [0, 0]
    for await (const piece of Readable.fromWeb(job.stream())) {
      sum += piece[0] * piece.length
      total += piece.length
    }
    assert.equal(total, 20 * 1024 * 1024)
    assert.equal(
      sum,
      Array.from({ length: 320 }, (_, i) => (i % 256) * 64 * 1024).reduce((a, b) => a + b),
    )
  })

  for (const [name, thrown, expected] of [
    ['an exception', new Error('no paper left'), JobExceptionError],
    ['a failure', new JobFailure(), JobFailedError],
  ] as const) {
    test(`${name}: the data before it, and then the error`, async (site) => {
      const f = site.functionName()
      await site
        .worker()
        .handle(f, async (job) => {
          await job.data('half')
          throw thrown
        })
        .start()
      const job = (await site.client()).submit(f, '')
      const chunks: string[] = []
      await assert.rejects(async () => {
        for await (const chunk of job.stream()) chunks.push(Buffer.from(chunk).toString())
      }, expected)
      assert.deepEqual(chunks, ['half'])
      await assert.rejects(job.result(), expected)
    })
  }

  test('a lost connection, a timeout and a signal are its end as well', async (site) => {
    const f = site.functionName()
    await using door = await Door.to(site.server.port)
    const client = await site.client({ resubmissions: 0 }, door.address)
    const abort = new AbortController()
    const outcomes = [
      read(client.submit(f, '', { timeoutMs: 50 }).stream()),
      read(client.submit(f, '', { signal: abort.signal }).stream()),
      read(client.submit(f, '').stream()),
    ].map((reading) => reading.then(String, (error: { code: string }) => error.code))
    await client.echo('')
    abort.abort()
    assert.deepEqual(await Promise.all(outcomes.slice(0, 2)), ['TIMEOUT', 'ABORTED'])
    await door.shut()
    assert.equal(await outcomes[2], new ConnectionLostError('').code)
  })

  test('who stops to read ends nothing but the stream', async (site) => {
    const f = site.functionName()
    const goOn = signal()
    await site
      .worker()
      .handle(f, async (job) => {
        await job.data('one')
        await goOn.given
        await job.data('two')
        return 'end'
      })
      .start()
    const job = (await site.client()).submit(f, '')
    for await (const chunk of job.stream()) {
      assert.equal(Buffer.from(chunk).toString(), 'one')
      break
    }
    goOn.give()
    assert.equal(await job.text(), 'end')
  })

  test('cancel() before anything is read', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const job = client.submit(f, '')
    await job.stream().cancel()
    await job.created()
    assert.equal(job.hasEnded, false)
  })

  test('cancel() while a read waits for data that may never come', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const abort = new AbortController()
    const job = client.submit(f, '', { signal: abort.signal })
    await job.created()
    const reader = job.stream().getReader()
    const reading = reader.read()
    await client.echo('')
    const cancelled = reader.cancel().then(() => 'cancelled')
    assert.deepEqual(await reading, { done: true, value: undefined })
    const outcome = await Promise.race([cancelled, client.echo('').then(() => 'waiting')])
    assert.equal(job.hasEnded, false)
    abort.abort()
    await cancelled
    assert.equal(outcome, 'cancelled')
  })

  test('a worker that streams, a client that streams', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, (job) =>
        (async function* () {
          for (const word of job.text().split(' ')) yield word
        })(),
      )
      .start()
    const job = (await site.client()).submit(f, 'to be or not')
    assert.deepEqual(await read(job.stream()), ['to', 'be', 'or', 'not'])
  })
})

onServers('the result of a job, in each form', (test) => {
  test('bytes(), text(), json() and result(), many times each', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, () => '{"größe":3}')
      .start()
    const job = (await site.client()).submit(f, '')
    const [first, second] = await Promise.all([job.bytes(), job.bytes()])
    assert.equal(first, second)
    assert.deepEqual(first, new Uint8Array(Buffer.from('{"größe":3}')))
    assert.deepEqual(await Promise.all([job.text(), job.text()]), ['{"größe":3}', '{"größe":3}'])
    assert.deepEqual(await job.json(), { größe: 3 })
    assert.deepEqual(await job.json(), { größe: 3 })
    assert.deepEqual(await job.result(), first)
  })

  test('json() of what is none', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, () => 'none')
      .start()
    const job = (await site.client()).submit(f, '')
    await assert.rejects(job.json(), SyntaxError)
    assert.equal(await job.text(), 'none')
  })

  test('they fail alike', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, () => {
        throw new Error('no paper left')
      })
      .start()
    const job = (await site.client()).submit(f, '')
    for (const form of [job.bytes(), job.text(), job.json(), job.result()]) {
      await assert.rejects(form, { code: 'JOB_EXCEPTION', message: 'no paper left' })
    }
  })
})
