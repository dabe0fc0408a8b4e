import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Client, defineJobs, InvalidArgumentError, type Settled, text } from '@geartrain/client'
import { until } from '../support/until.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

function range(length: number): string[] {
  return Array.from({ length }, (_, i) => String(i))
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** What became of one, as a test writes it. */
function shorten(one: Settled<unknown>): string {
  if (one.status === 'rejected') return `${one.index} ${one.reason instanceof Error ? one.reason.message : one.reason}`
  return `${one.index} ${one.value instanceof Uint8Array ? Buffer.from(one.value).toString() : String(one.value)}`
}

onServers('many jobs', (test) => {
  test('results come in the order of the inputs, failures among them', async (site) => {
    const f = site.functionName()
    const late: (() => void)[] = []
    await site
      .worker({ concurrency: 20 })
      .handle(f, async (job) => {
        const number = Number(job.text())
        // Each ten end backwards.
        if (number % 10 < 9) await new Promise<void>((resolve) => late.push(resolve))
        else for (const end of late.splice(0).reverse()) end()
        if (number % 7 === 0) throw new Error('seven')
        return `did ${number}`
      })
      .start()
    const client = await site.client()
    const told = (await collect(client.submitMany(f, range(100), { inFlight: 20 }))).map(shorten)
    assert.deepEqual(
      told,
      range(100).map((i) => (Number(i) % 7 === 0 ? `${i} seven` : `${i} did ${i}`)),
    )
  })

  test('no inputs, one input, and one at a time', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 5 })
      .handle(f, (job) => job.text())
      .start()
    const client = await site.client()
    assert.deepEqual(await collect(client.submitMany(f, [])), [])
    assert.deepEqual((await collect(client.submitMany(f, ['x']))).map(shorten), ['0 x'])
    assert.deepEqual(
      (await collect(client.submitMany(f, range(5), { inFlight: 1 }))).map(shorten),
      range(5).map((i) => `${i} ${i}`),
    )
  })

  for (const inFlight of [1, 2, 7]) {
    test(`never more than ${inFlight} are in flight, and so many are`, async (site) => {
      const f = site.functionName()
      let [running, most] = [0, 0]
      let full = signal()
      await site
        .worker({ concurrency: 50 })
        .handle(f, async () => {
          most = Math.max(most, ++running)
          if (running === inFlight) full.give()
          await full.given
          running--
        })
        .start()
      const client = await site.client()
      let taken = 0
      let given = 0
      function* inputs() {
        for (const input of range(10 * inFlight)) {
          taken++
          assert.ok(taken - given <= inFlight, `${taken} taken, ${given} given`)
          yield input
        }
      }
      for await (const one of client.submitMany(f, inputs(), { inFlight })) {
        assert.equal(one.status, 'fulfilled')
        given++
        if (given === inFlight) full = signal()
        // At the end there are not enough to fill it.
        if (given >= inFlight) full.give()
      }
      assert.equal(most, inFlight)
      assert.equal(given, 10 * inFlight)
    })
  }

  test('a reader that stops to read holds the inputs back', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 50 })
      .handle(f, () => undefined)
      .start()
    const client = await site.client()
    let taken = 0
    function* inputs() {
      for (;;) {
        taken++
        yield ''
      }
    }
    const results = client.submitMany(f, inputs(), { inFlight: 10 })
    assert.equal(taken, 0)
    await results.next()
    for (let i = 0; i < 5; i++) await client.echo('')
    assert.equal(taken, 10)
    await results.return()
  })

  test('a result is given when it is there, also while the next input is not', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, (job) => `did ${job.text()}`)
      .start()
    const client = await site.client()
    const admin = await site.admin()
    let answers = 0
    // As a person does at a terminal: the next line is typed when the answer to this one has been read.
    async function* inputs() {
      for (const input of range(3)) {
        yield input
        while ((await admin.status()).find((row) => row.function === f)?.jobs !== 0);
        // gearmand may answer an echo before it tells of the job. What is withheld until the next input never comes.
        while (answers <= Number(input)) await client.echo('')
        assert.equal(answers, Number(input) + 1)
      }
    }
    const told: string[] = []
    for await (const one of client.submitMany(f, inputs())) {
      told.push(shorten(one))
      answers++
    }
    assert.deepEqual(told, ['0 did 0', '1 did 1', '2 did 2'])
  })

  test('inputs of an async generator, and promises in an array', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 5 })
      .handle(f, (job) => job.text())
      .start()
    const client = await site.client()
    async function* inputs() {
      for (const input of range(50)) {
        await new Promise(setImmediate)
        yield input
      }
    }
    const expected = range(50).map((i) => `${i} ${i}`)
    assert.deepEqual((await collect(client.submitMany(f, inputs(), { inFlight: 8 }))).map(shorten), expected)
  })

  for (const isAsync of [false, true]) {
    test(`inputs that throw, ${isAsync ? 'in their time' : 'at once'}: so do the results, and nothing else is lost`, async (site) => {
      const f = site.functionName()
      const [allDone, done] = [signal(), new Set<string>()]
      await site
        .worker({ concurrency: 5 })
        .handle(f, (job) => {
          if (done.add(job.text()).size === 5) allDone.give()
          throw new Error('nobody waits for it')
        })
        .start()
      const client = await site.client()
      function* syncInputs() {
        yield* range(5)
        throw new RangeError('no more of them')
      }
      async function* asyncInputs() {
        yield* syncInputs()
      }
      await assert.rejects(
        collect(client.submitMany(f, isAsync ? asyncInputs() : syncInputs(), { inFlight: 10 })),
        (error) => error instanceof RangeError && error.message === 'no more of them',
      )
      // The five fail behind it, and that is no unhandled rejection.
      await allDone.given
      await client.echo('')
    })
  }

  test('who stops early ends the inputs, and what is in flight ends in peace', async (site) => {
    const f = site.functionName()
    let done = 0
    const allDone = signal()
    await site
      .worker({ concurrency: 5 })
      .handle(f, () => {
        if (++done === 12) allDone.give()
        throw new Error('nobody waits for it')
      })
      .start()
    const client = await site.client()
    let [taken, isEnded] = [0, false]
    async function* inputs() {
      try {
        for (;;) {
          taken++
          yield ''
        }
      } finally {
        isEnded = true
      }
    }
    let given = 0
    for await (const one of client.submitMany(f, inputs(), { inFlight: 10 })) {
      assert.equal(one.status, 'rejected')
      if (++given === 3) break
    }
    assert.equal(isEnded, true)
    assert.equal(taken, 12)
    await allDone.given
    await client.echo('')
  })

  test('in the background: the handles, in the order of the inputs', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const results = await collect(client.submitManyBackground(f, range(250), { inFlight: 20, unique: '-' }))
    assert.deepEqual(
      results.map(({ index }) => index),
      [...results.keys()],
    )
    const handles = results.map((one) => (one.status === 'fulfilled' ? one.value : ''))
    assert.equal(new Set(handles).size, 250)
    const workloads = new Map<string, string>()
    const all = signal()
    await site
      .worker({ concurrency: 10 })
      .handle(f, (job) => {
        workloads.set(job.handle, job.text())
        if (workloads.size === 250) all.give()
      })
      .start()
    await all.given
    assert.deepEqual(
      handles.map((handle) => workloads.get(handle)),
      range(250),
    )
  })

  test('a signal ends all that are in flight', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const abort = new AbortController()
    const results = client.submitMany(f, range(50), { signal: abort.signal })
    const first = results.next()
    await client.echo('')
    abort.abort()
    const rest = await collect(results)
    const ends = [(await first).value, ...rest].map((one) => {
      assert.ok(one?.status === 'rejected')
      return one.reason.code
    })
    assert.deepEqual(
      ends,
      range(50).map(() => 'ABORTED'),
    )
  })

  test('one that is not of its type fails alone', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 5 })
      .handle(f, (job) => job.text())
      .start()
    const whole = { encode: (value: number) => Buffer.from(BigInt(value).toString()), decode: Number }
    const client = site.keep(
      await Client.connect(site.address, { jobs: defineJobs({ [f]: { input: whole, output: text } }) }),
    )
    const told = (await collect(client.submitMany(f, [1, 1.5, 2]))).map((one) =>
      one.status === 'fulfilled' ? one.value : one.reason.code,
    )
    assert.deepEqual(told, ['1', 'INVALID_DATA', '2'])
    const handles = await collect(client.submitManyBackground(f, [1, 1.5, 2]))
    assert.deepEqual(
      handles.map((one) => one.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  })

  test('inFlight is a whole number from 1', async (site) => {
    const client = await site.client()
    for (const inFlight of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => client.submitMany('f', [], { inFlight }), InvalidArgumentError)
      assert.throws(() => client.submitManyBackground('f', [], { inFlight }), InvalidArgumentError)
    }
  })

  test('20,000 jobs: what was given is not kept', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 200 })
      .handle(f, (job) => job.workload)
      .start()
    const client = await site.client()
    const total = 20_000
    const inFlight = 500
    let alive = 0
    const registry = new FinalizationRegistry<undefined>(() => alive--)
    function* inputs() {
      for (let i = 0; i < total; i++) {
        const workload = Buffer.allocUnsafeSlow(100).fill(i % 256)
        registry.register(workload, undefined)
        alive++
        yield workload
      }
    }
    let given = 0
    for await (const one of client.submitMany(f, inputs(), { inFlight })) {
      assert.ok(one.status === 'fulfilled')
      assert.equal(one.value[99], one.index % 256)
      if (++given % 5000 !== 0) continue
      collectGarbage()
      await until('the workloads of what has ended are gone', () => alive < 2 * inFlight)
    }
    assert.equal(given, total)
  })
})

/** Node has it where it is asked for. */
const collectGarbage: () => void = (() => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
})()
