import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { ClosedError, type JobHandler, type JobResult, type SubmittedJob, Worker } from '@geartrain/client'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { response } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers, text } from './site.ts'
import { Talk } from './talk.ts'

const options = { timeout: 60_000 }

async function* parts(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const chunk of chunks) {
    await new Promise(setImmediate)
    yield chunk
  }
}

function webStream(...chunks: readonly (string | Uint8Array)[]): ReadableStream<string | Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

/** What a submitter gets of a job. */
async function heard(job: SubmittedJob): Promise<string[]> {
  const all: string[] = []
  for await (const event of job) {
    if (event.type !== 'created') all.push('data' in event ? `${event.type} ${text(event.data)}` : event.type)
  }
  return all
}

interface User {
  readonly name: string
}

const user: User = { name: 'grün' }

onServers('what a handler returns', (test) => {
  const values: readonly (readonly [JobResult, string])[] = [
    [user, '{"name":"grün"}'],
    [[1, 'two', [null]], '[1,"two",[null]]'],
    [42, '42'],
    [false, 'false'],
    [null, 'null'],
    [Number.NaN, 'null'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['', ''],
  ]
  for (const [value, expected] of values) {
    test(`${JSON.stringify(value)} as JSON, but text as it is`, async (site) => {
      const f = site.functionName()
      await site
        .worker()
        .handle(f, () => value)
        .start()
      assert.equal(await (await site.client()).submit(f, '').text(), expected)
    })
  }

  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const unsayable: readonly (readonly [string, unknown, RegExp])[] = [
    ['a function', () => 1, /^a handler returns .* not this function$/],
    ['a symbol', Symbol('x'), /^a handler returns .* not this symbol$/],
    ['what says it has no JSON', { toJSON: () => undefined }, /^a handler returns .* not this object$/],
    ['a cycle', cyclic, /circular structure/],
    ['a bigint', 1n, /BigInt/],
  ]
  for (const [name, value, message] of unsayable) {
    test(`${name} is an exception`, async (site) => {
      const f = site.functionName()
      // What a program without types may do.
      const handler = (() => value) as JobHandler
      await site.worker().handle(f, handler).start()
      await assert.rejects((await site.client()).submit(f, '').result(), { code: 'JOB_EXCEPTION', message })
    })
  }

  const streams: readonly (readonly [string, () => JobResult])[] = [
    ['an async generator', () => parts('one', Uint8Array.of(50), '')],
    ['a stream of Node', () => Readable.from(['one', Uint8Array.of(50), ''])],
    ['a web stream', () => webStream('one', Uint8Array.of(50), '')],
  ]
  for (const [name, make] of streams) {
    test(`${name}: its chunks as data, and an empty end`, async (site) => {
      const f = site.functionName()
      await site
        .worker()
        .handle(f, () => make())
        .start()
      const client = await site.client()
      const expected = ['data one', 'data 2', 'data ', 'complete ']
      assert.deepEqual(await heard(client.submit(f, '')), expected)
      assert.deepEqual(await heard(client.submit(f, '')), expected)
    })
  }

  const broken: readonly (readonly [string, () => JobResult])[] = [
    [
      'an async generator',
      async function* () {
        yield 'one'
        throw new Error('the source is dry')
      },
    ],
    [
      'a stream of Node',
      () => {
        const chunks = ['one']
        return new Readable({
          read() {
            const chunk = chunks.shift()
            if (chunk === undefined) this.destroy(new Error('the source is dry'))
            else this.push(chunk)
          },
        })
      },
    ],
    [
      'a web stream',
      () => {
        const chunks = ['one']
        return new ReadableStream<string>(
          {
            pull(controller) {
              const chunk = chunks.shift()
              if (chunk === undefined) controller.error(new Error('the source is dry'))
              else controller.enqueue(chunk)
            },
          },
          { highWaterMark: 0 },
        )
      },
    ],
  ]
  for (const [name, make] of broken) {
    test(`an error in ${name} is the exception`, async (site) => {
      const f = site.functionName()
      const failed = signal<unknown>()
      await site
        .worker({ onError: failed.give })
        .handle(f, () => make())
        .start()
      assert.deepEqual(await heard((await site.client()).submit(f, '')), ['data one', 'exception the source is dry'])
      assert.equal(String(await failed.given), 'Error: the source is dry')
    })
  }

  test('a stream of something else is stopped', async (site) => {
    const f = site.functionName()
    let isStopped = false
    async function* numbers() {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        isStopped = true
      }
    }
    // What a program without types may do.
    const handler = (() => numbers()) as unknown as JobHandler
    await site.worker().handle(f, handler).start()
    await assert.rejects((await site.client()).submit(f, '').result(), {
      code: 'JOB_EXCEPTION',
      message: 'a stream of a handler has strings and Uint8Arrays in it, not a number',
    })
    assert.ok(isStopped)
  })

  // Sources that wait for their next chunk when the outcome of their job is no longer wanted.
  const waiting: readonly (readonly [string, (stopped: () => void) => JobResult])[] = [
    [
      'an iterator',
      (stopped) => {
        const iterator: AsyncIterator<string, void> = {
          next: () => new Promise(() => {}),
          return: () => {
            stopped()
            return Promise.resolve({ done: true, value: undefined })
          },
        }
        return { [Symbol.asyncIterator]: () => iterator }
      },
    ],
    [
      'a stream of Node',
      (stopped) =>
        new Readable({
          read() {},
          destroy(error, callback) {
            stopped()
            callback(error)
          },
        }),
    ],
    ['a web stream', (stopped) => new ReadableStream<string>({ cancel: () => stopped() })],
  ]
  for (const [name, make] of waiting) {
    test(`${name} that waits is stopped with its job`, async (site) => {
      const f = site.functionName()
      const [started, stopped] = [signal<AbortSignal>(), signal()]
      const errors: unknown[] = []
      const worker = site.worker({ closeTimeoutMs: 20, onError: (error) => errors.push(error) }).handle(f, (job) => {
        started.give(job.signal)
        return make(stopped.give)
      })
      await worker.start()
      await (await site.client()).submit(f, '').created()
      const jobSignal = await started.given
      await worker.close()
      await stopped.given
      assert.ok(jobSignal.reason instanceof ClosedError)
      assert.deepEqual(errors, [])
    })
  }

  test('a stream that comes when its job is no longer wanted', async (site) => {
    const f = site.functionName()
    const [started, closed, stopped] = [signal(), signal(), signal()]
    const worker = site.worker({ closeTimeoutMs: 10 }).handle(f, async () => {
      started.give()
      await closed.given
      return new ReadableStream<string>({ cancel: () => stopped.give() })
    })
    await worker.start()
    await (await site.client()).submit(f, '').created()
    await started.given
    await worker.close()
    closed.give()
    await stopped.given
  })

  test('a result of 64 MB, whole and in parts', async (site) => {
    const [whole, inParts] = [site.functionName(), site.functionName()]
    const result = Buffer.alloc(64_000_000, 'a result that is long; ')
    await site
      .worker()
      .handle(whole, () => result)
      .handle(inParts, async function* () {
        for (let start = 0; start < result.length; start += 1_000_000) yield result.subarray(start, start + 1_000_000)
      })
      .start()
    const client = await site.client()
    assert.ok(result.equals(await client.submit(whole, '').result()))
    const chunks: Uint8Array[] = []
    for await (const event of client.submit(inParts, '')) if (event.type === 'data') chunks.push(event.data)
    assert.equal(chunks.length, 64)
    assert.ok(result.equals(Buffer.concat(chunks)))
  })
})

describe('a stream on a network that takes nothing', () => {
  it('waits, and goes on', options, async () => {
    const talk = await Talk.start()
    const chunk = new Uint8Array(100_000)
    const chunks = 2000
    let taken = 0
    const worker = new Worker(talk.address).handle('f', async function* () {
      for (; taken < chunks; taken++) yield chunk
    })
    await talk.welcome(worker, 'CAN_DO f')
    talk.pause()
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', ''))
    let [before, turns] = [-1, 0]
    await until('the stream waits', () => {
      turns = taken > 0 && taken === before ? turns + 1 : 0
      before = taken
      return turns === 50
    })
    assert.ok(taken < chunks, `${taken} chunks were taken`)
    talk.resume()
    await talk.expectLast('WORK_COMPLETE H:1|', 'GRAB_JOB_ALL ')
    assert.equal(taken, chunks)
    await talk.end()
    await worker.close()
  })
})
