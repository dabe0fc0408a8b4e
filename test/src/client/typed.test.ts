import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bytes,
  Client,
  type Codec,
  checked,
  defineJobs,
  InvalidDataError,
  json,
  type StandardSchema,
  text,
  Worker,
} from '@geartrain/client'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

interface Picture {
  readonly width: number
  readonly data: string
}

/** What a program of its own might send: numbers as four bytes. */
const uint32: Codec<number, number> = {
  encode: (value) => {
    if (!Number.isInteger(value)) throw new RangeError(`${value} is not whole`)
    const encoded = new Uint8Array(4)
    new DataView(encoded.buffer).setUint32(0, value)
    return encoded
  },
  decode: (encoded) => {
    if (encoded.length !== 4) throw new RangeError(`${encoded.length} bytes are not a number`)
    return new DataView(encoded.buffer, encoded.byteOffset).getUint32(0)
  },
}

/** As the above, but in its own time. */
const slow: Codec<string, string> = {
  encode: async (value) => {
    await new Promise(setImmediate)
    if (value === 'bad') throw new Error('no such value')
    return Buffer.from(value)
  },
  decode: async (encoded) => {
    await new Promise(setImmediate)
    return `decoded ${Buffer.from(encoded).toString()}`
  },
}

onServers('typed jobs', (test) => {
  test('each codec, there and back', async (site) => {
    const jobs = defineJobs({
      'each-json': { input: json<Picture>(), output: json<Picture>() },
      'each-text': { input: text, output: text },
      'each-bytes': { input: bytes, output: bytes },
      'each-default': {},
      'each-own': { input: uint32, output: uint32 },
      'each-late': { input: slow, output: slow },
    })
    const seen: string[] = []
    const worker = site.worker()
    for (const name of Object.keys(jobs)) {
      worker.handle(name, (job) => {
        seen.push(Buffer.from(job.workload).toString('latin1'))
        return job.workload
      })
    }
    await worker.start()
    const client = site.keep(await Client.connect(site.address, { jobs }))
    const picture: Picture = { width: 3, data: 'ü' }
    assert.deepEqual(await client.submit('each-json', picture).result(), picture)
    assert.equal(await client.submit('each-text', 'Grüße').result(), 'Grüße')
    assert.deepEqual(await client.submit('each-bytes', Uint8Array.of(0, 255)).result(), Uint8Array.of(0, 255))
    assert.deepEqual(await client.submit('each-default', 'x').result(), Uint8Array.of(120))
    assert.equal(await client.submit('each-own', 0xfffe_0001).result(), 0xfffe_0001)
    assert.equal(await client.submit('each-late', 'late').result(), 'decoded late')
    await assert.rejects(client.submit('each-late', 'bad').result(), isInvalid('the input of each-late', []))
    await assert.rejects(client.submitBackground('each-own', 1.5), isInvalid('the input of each-own', []))
    const utf8 = (written: string) => Buffer.from(written).toString('latin1')
    assert.deepEqual(seen, [utf8('{"width":3,"data":"ü"}'), utf8('Grüße'), '\0\xff', 'x', '\xff\xfe\0\x01', 'late'])
  })

  test('a function that the table does not name takes bytes, also one that all objects have', async (site) => {
    const f = `${site.functionName()}-constructor`
    const client = site.keep(await Client.connect(site.address, { jobs: defineJobs({ named: { output: text } }) }))
    const worker = site.worker().handle(f, (job) => job.text())
    await worker.start()
    // What a program without types may do.
    const untyped = client as unknown as Client
    assert.deepEqual(await untyped.submit(f, 'x').result(), Uint8Array.of(120))
    const job = untyped.submit('constructor', 'x', { signal: AbortSignal.abort() })
    await assert.rejects(job.result(), { code: 'ABORTED' })
    assert.match(await untyped.submitBackground('toString', 'x'), /^H:/)
  })

  test('text(), bytes() and json() say what came, whatever the codec', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, () => '7')
      .start()
    const client = site.keep(await Client.connect(site.address, { jobs: defineJobs({ [f]: { output: uint32 } }) }))
    const job = client.submit(f, '')
    assert.equal(await job.text(), '7')
    assert.deepEqual(await job.bytes(), Uint8Array.of(55))
    assert.equal(await job.json(), 7)
    await assert.rejects(job.result(), { code: 'INVALID_DATA' })
    await assert.rejects(job.result(), (error) => {
      assert.ok(error instanceof InvalidDataError)
      assert.equal(error.message, `the output of ${f} is not valid: 1 bytes are not a number`)
      assert.ok(error.cause instanceof RangeError)
      assert.deepEqual(error.issues, [])
      assert.equal(error.retryable, false)
      return true
    })
    assert.equal(job.hasEnded, true)
  })

  test('what JSON has not is refused before it is sent; what is no JSON when it has come', async (site) => {
    const f = site.functionName()
    const received: string[] = []
    await site
      .worker()
      .handle(f, (job) => {
        received.push(job.text())
        return job.text() === '"empty"' ? '' : '{"half":'
      })
      .start()
    const jobs = defineJobs({ [f]: { input: json<unknown>(), output: json<unknown>() } })
    const client = site.keep(await Client.connect(site.address, { jobs }))
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const input of [() => 1, Symbol('s'), 10n, circle]) {
      await assert.rejects(client.submit(f, input).result(), isInvalid(`the input of ${f}`, []))
      await assert.rejects(client.submit(f, input).created(), isInvalid(`the input of ${f}`, []))
      await assert.rejects(client.submitBackground(f, input), isInvalid(`the input of ${f}`, []))
    }
    await assert.rejects(client.submit(f, 'half').result(), isInvalid(`the output of ${f}`, []))
    // Nothing is no bytes, and the other way round.
    assert.equal(await client.submit(f, 'empty').result(), undefined)
    await assert.rejects(client.submit(f, undefined).result(), isInvalid(`the output of ${f}`, []))
    assert.deepEqual(received, ['"half"', '"empty"', ''])
  })

  const date = { zod: z.iso.date(), valibot: v.pipe(v.string(), v.isoDate()), arktype: type('string.date.iso') }
  const schemas: readonly [string, StandardSchema<{ id: string; at: string }, unknown>][] = [
    ['zod', z.object({ id: z.string().min(2), at: date.zod })],
    ['valibot', v.object({ id: v.pipe(v.string(), v.minLength(2)), at: date.valibot })],
    ['arktype', type({ id: 'string >= 2', at: 'string.date.iso' })],
    ['zod, async', z.object({ id: z.string().refine(async (id) => id.length >= 2), at: date.zod })],
    [
      'valibot, async',
      v.objectAsync({
        id: v.pipeAsync(
          v.string(),
          v.checkAsync(async (id) => id.length >= 2),
        ),
        at: date.valibot,
      }),
    ],
  ]
  for (const [name, schema] of schemas) {
    test(`${name}: input and output are checked here, with what the schema says`, async (site) => {
      const f = site.functionName()
      const received: unknown[] = []
      await site
        .worker()
        .handle(f, (job) => {
          received.push(job.json())
          return job.text().replace('"turn"', '7')
        })
        .start()
      const jobs = defineJobs({ [f]: { input: json(schema), output: json(schema) } })
      const client = site.keep(await Client.connect(site.address, { jobs }))
      const good = { id: 'ab', at: '2024-02-29' }
      assert.deepEqual(await client.submit(f, good).result(), good)

      const short = { ...good, id: 'a' }
      for (const wrong of [client.submit(f, short).result(), client.submitBackground(f, short)]) {
        await assert.rejects(wrong, isInvalid(`the input of ${f}`, ['id']))
      }
      const events: string[] = []
      await assert.rejects(
        async () => {
          for await (const event of client.submit(f, short)) events.push(event.type)
        },
        isInvalid(`the input of ${f}`, ['id']),
      )
      assert.deepEqual(events, [])
      // The types do not let it through either.
      await assert.rejects(client.submit(f, { id: 'ab' } as never).result(), isInvalid(`the input of ${f}`, ['at']))

      const turned = client.submit(f, { ...good, id: 'turn' })
      await assert.rejects(turned.result(), isInvalid(`the output of ${f}`, ['id']))
      assert.deepEqual(await turned.json(), { ...good, id: 7 })
      // All that was wrong had not been sent.
      assert.deepEqual(received, [good, { ...good, id: 'turn' }])
    })
  }

  const sizes: readonly [string, StandardSchema<string, number>][] = [
    ['zod', z.string().transform((written) => written.length)],
    ['zod, async', z.string().transform(async (written) => written.length)],
    [
      'valibot',
      v.pipe(
        v.string(),
        v.transform((written) => written.length),
      ),
    ],
    [
      'valibot, async',
      v.pipeAsync(
        v.string(),
        v.transformAsync(async (written) => written.length),
      ),
    ],
    ['arktype', type('string').pipe((written) => written.length)],
  ]
  for (const [name, schema] of sizes) {
    test(`${name}: a transform is done where the value is received, and once`, async (site) => {
      const f = site.functionName()
      const received: string[] = []
      await site
        .worker()
        .handle(f, (job) => {
          received.push(job.text())
          return '"12345"'
        })
        .start()
      const jobs = defineJobs({ [f]: { input: json(schema), output: json(schema) } })
      const client = site.keep(await Client.connect(site.address, { jobs }))
      assert.equal(await client.submit(f, 'abc').result(), 5)
      assert.deepEqual(received, ['"abc"'])
    })
  }

  test('defaults and coercions of a schema leave what is sent alone', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, (job) => job.text())
      .start()
    const schema = z.object({ id: z.coerce.number<string>(), size: z.enum(['s', 'l']).default('s') })
    const jobs = defineJobs({ [f]: { input: json(schema), output: json(schema) } })
    const client = site.keep(await Client.connect(site.address, { jobs }))
    const job = client.submit(f, { id: '17' })
    assert.deepEqual(await job.result(), { id: 17, size: 's' })
    assert.equal(await job.text(), '{"id":"17"}')
  })

  test('checked() puts a schema on any codec', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, (job) => job.workload)
      .start()
    const small = checked(uint32, z.number().max(9))
    const client = site.keep(
      await Client.connect(site.address, { jobs: defineJobs({ [f]: { input: small, output: small } }) }),
    )
    assert.equal(await client.submit(f, 9).result(), 9)
    await assert.rejects(client.submit(f, 10).result(), isInvalid(`the input of ${f}`, ['']))
  })

  test('a schema whose validate is a method that needs its object', async (site) => {
    const f = site.functionName()
    class Longer {
      readonly version = 1
      readonly vendor = 'test'
      readonly #min = 2
      validate(value: unknown) {
        if (typeof value === 'string' && value.length >= this.#min) return { value }
        return { issues: [{ message: 'too short' }] }
      }
    }
    await site
      .worker()
      .handle(f, (job) => job.text())
      .start()
    const schema: StandardSchema<string> = { '~standard': new Longer() }
    const client = site.keep(await Client.connect(site.address, { jobs: defineJobs({ [f]: { input: json(schema) } }) }))
    assert.equal(await client.submit(f, 'ab').text(), '"ab"')
    await assert.rejects(client.submit(f, 'a').result(), isInvalid(`the input of ${f}`, ['']))
  })

  for (const isBackground of [false, true]) {
    test(`${isBackground ? 'background' : 'foreground'} jobs are sent in the order in which they were submitted`, async (site) => {
      const f = site.functionName()
      const jobs = defineJobs({ [f]: { input: json(z.number()), output: text } })
      const client = site.keep(await Client.connect(site.address, { jobs }))
      const numbers = Array.from({ length: 100 }, (_, i) => i)
      await Promise.all(
        numbers.map((i) => (isBackground ? client.submitBackground(f, i) : client.submit(f, i).created())),
      )
      const order: unknown[] = []
      const all = signal()
      await site
        .worker()
        .handle(f, (job) => {
          if (order.push(job.json()) === numbers.length) all.give()
        })
        .start()
      await all.given
      assert.deepEqual(order, numbers)
    })
  }

  for (const how of ['signal', 'close()'] as const) {
    test(`${how} while an input is being encoded: it is not sent`, async (site) => {
      const f = site.functionName()
      const [encoding, goOn] = [signal(), signal()]
      let encodings = 0
      const held: Codec<string, string> = {
        encode: async (value) => {
          if (++encodings === 2) encoding.give()
          await goOn.given
          return Buffer.from(value)
        },
        decode: (received) => Buffer.from(received).toString(),
      }
      const client = site.keep(await Client.connect(site.address, { jobs: defineJobs({ [f]: { input: held } }) }))
      const abort = new AbortController()
      const outcomes = [
        client.submit(f, 'x', { signal: abort.signal }).result(),
        client.submitBackground(f, 'x', { signal: abort.signal }),
      ].map((call) => call.then(String, (error: { code: string }) => error.code))
      await encoding.given
      if (how === 'signal') abort.abort()
      else await client.close()
      if (how === 'signal') assert.deepEqual(await Promise.all(outcomes), ['ABORTED', 'ABORTED'])
      goOn.give()
      await new Promise(setImmediate)
      if (how === 'close()') assert.deepEqual(await Promise.all(outcomes), ['CLOSED', 'CLOSED'])
      else await client.echo('behind what was sent')
      const rows = await (await site.admin()).status()
      assert.equal(rows.find((row) => row.function === f)?.jobs ?? 0, 0)
    })
  }
})

onServers('one table for both ends', (test) => {
  test('each receives what the schema makes of it', async (site) => {
    const length = z.string().transform((written) => written.length)
    const jobs = defineJobs({ 'both-ends': { input: json(length), output: json(length) } })
    const inputs: unknown[] = []
    const worker = site.keep(new Worker(site.address, { jobs }))
    await worker
      .handle('both-ends', (job) => {
        inputs.push([job.input, job.text()])
        return 'x'.repeat(job.input + 1)
      })
      .start()
    const client = site.keep(await Client.connect(site.address, { jobs }))
    const job = client.submit('both-ends', 'abc')
    assert.equal(await job.result(), 4)
    assert.equal(await job.text(), '"xxxx"')
    assert.deepEqual(inputs, [[3, '"abc"']])
  })

  test('the worker checks for itself what comes and what it gives', async (site) => {
    const small = json(v.pipe(v.number(), v.maxValue(9)))
    const jobs = defineJobs({ 'both-check': { input: small, output: small } })
    const errors: unknown[] = []
    const worker = site.keep(new Worker(site.address, { jobs, onError: (error) => errors.push(error) }))
    await worker.handle('both-check', (job) => job.input * 2).start()
    // One that does not check: another program, in another language.
    const client = await site.client()
    assert.equal(await client.submit('both-check', '4').text(), '8')
    await assert.rejects(client.submit('both-check', '10').result(), {
      code: 'JOB_EXCEPTION',
      message: /^the input of both-check is not valid: /,
    })
    await assert.rejects(client.submit('both-check', 'x').result(), /the input of both-check is not valid/)
    await assert.rejects(client.submit('both-check', '5').result(), /the output of both-check is not valid/)
    assert.equal(errors.length, 3)
    for (const error of errors) assert.ok(error instanceof InvalidDataError)
  })
})

describe('types', () => {
  const jobs = defineJobs({
    resize: { input: json<Picture>(), output: bytes },
    count: { input: text, output: json(z.string().transform(Number)) },
    plain: {},
    swap: {
      input: json(z.object({ at: z.string().transform((written) => new Date(written)) })),
      output: json(
        v.pipe(
          v.string(),
          v.transform((written) => written.length),
        ),
      ),
    },
    ark: { input: json(type({ id: 'number' })), output: json(type('string')) },
  })

  // Compiled, and not run.
  async function wrong(client: Client<typeof jobs>, untyped: Client): Promise<void> {
    // @ts-expect-error no such function
    client.submit('resise', { width: 1, data: '' })
    // @ts-expect-error no such function
    await client.submitBackground('resise', { width: 1, data: '' })
    // @ts-expect-error no such function
    client.submitMany('resise', [{ width: 1, data: '' }])
    // @ts-expect-error a missing property
    client.submit('resize', { width: 1 })
    // @ts-expect-error a property of another type
    client.submit('resize', { width: '1', data: '' })
    // @ts-expect-error bytes, where there is a codec
    client.submit('resize', new Uint8Array(1))
    // @ts-expect-error in the background as well
    await client.submitBackground('resize', 'x')
    // @ts-expect-error one of many
    client.submitMany('resize', [{ width: 1, data: '' }, { width: 2 }])
    // @ts-expect-error one of many, in the background
    client.submitManyBackground('count', ['x', 1])
    // @ts-expect-error what the schema makes of it is not what is sent
    client.submit('swap', { at: new Date() })
    // @ts-expect-error arktype
    client.submit('ark', { id: 'x' })
    // @ts-expect-error a number is no workload
    client.submit('plain', 1)
    // @ts-expect-error without a table as well
    untyped.submit('any', { a: 1 })
    // @ts-expect-error the result is bytes
    const notText: string = await client.submit('resize', { width: 1, data: '' }).result()
    // @ts-expect-error the result is what the schema makes
    const notWritten: string = await client.submit('count', '').result()
    // @ts-expect-error a job is no promise
    const notResult: Promise<number> = client.submit('count', '')
    // @ts-expect-error a table is of codecs
    defineJobs({ bad: { input: 'json' } })
    // @ts-expect-error one time only
    await untyped.submitBackground('f', '', { delayMs: 1, runAt: new Date() })
    assert.ok([notText, notWritten, notResult])
    const worker = new Worker('', { jobs })
    // @ts-expect-error no such function
    worker.handle('resise', () => new Uint8Array(1))
    // @ts-expect-error a result of another type
    worker.handle('ark', () => 1)
    // @ts-expect-error the input is what the schema makes of it
    worker.handle('swap', (job) => job.input.at.length)
  }

  async function right(client: Client<typeof jobs>, untyped: Client): Promise<void> {
    const image: Uint8Array = await client.submit('resize', { width: 1, data: '' }).result()
    const count: number = await client.submit('count', 'x').result()
    const plain: Uint8Array = await client.submit('plain', 'x').result()
    const length: number = await client.submit('swap', { at: '2024-01-01' }).result()
    const name: string = await client.submit('ark', { id: 1 }).result()
    const any: Uint8Array = await untyped.submit('whatever', Buffer.from('x')).result()
    for await (const one of client.submitMany('count', ['a', 'b'])) {
      if (one.status !== 'fulfilled') continue
      const value: number = one.value
      assert.ok(value)
    }
    for await (const one of client.submitManyBackground('resize', [{ width: 1, data: '' }])) {
      if (one.status !== 'fulfilled') continue
      const handle: string = one.value
      assert.ok(handle)
    }
    const worker = new Worker('', { jobs })
    worker.handle('swap', (job) => String(job.input.at.getTime()))
    worker.handle('resize', (job) => new Uint8Array(job.input.width))
    assert.ok([image, count, plain, length, name, any])
  }

  it('wrong names, inputs and outputs do not compile, right ones do', () => {
    // tsc has checked both; that nothing of it runs needs to be said to it.
    assert.equal(typeof wrong, typeof right)
  })
})

/** An InvalidDataError about something, with an issue at each of the places. */
function isInvalid(what: string, places: readonly string[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof InvalidDataError, String(error))
    assert.equal(error.code, 'INVALID_DATA')
    assert.ok(error.message.startsWith(`${what} is not valid: `), error.message)
    const found = error.issues.map(({ path = [] }) =>
      path.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.'),
    )
    assert.deepEqual(found, places)
    for (const issue of error.issues) assert.ok(error.message.includes(issue.message), error.message)
    return true
  }
}
