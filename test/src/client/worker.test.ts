import assert from 'node:assert/strict'
import { type AssignedJob, ClosedError, TimeoutError } from '@geartrain/client'
import { connect, PACKET } from '../support/raw.ts'
import { signal } from './signal.ts'
import { onServers, text } from './site.ts'

onServers('worker', (test) => {
  test('what a handler knows of its job', async (site) => {
    const f = site.functionName()
    const jobs: AssignedJob[] = []
    const both = signal()
    const worker = site.worker().handle(f, (job) => {
      jobs.push(job)
      if (jobs.length === 2) both.give()
    })
    const client = await site.client()
    const plain = client.submit(f, '{"width":100}')
    await plain.created()
    const raw = site.keep(await connect(site.server.port))
    raw.send(PACKET.SUBMIT_REDUCE_JOB, f, 'my-unique', 'my-reducer', '', 'parts')
    const created = await raw.receive()
    await worker.start()
    await both.given
    const told = jobs.map((job) => [job.handle, job.function, job.unique, job.reducer, text(job.workload)])
    assert.deepEqual(told, [
      [plain.handle, f, '', undefined, '{"width":100}'],
      [created.args[0], f, 'my-unique', 'my-reducer', 'parts'],
    ])
    assert.equal(jobs[0]?.text(), '{"width":100}')
    assert.deepEqual(jobs[0]?.json(), { width: 100 })
    assert.equal(jobs[0]?.signal.aborted, false)
  })

  for (const [name, result, expected] of [
    ['text', 'grün', 'grün'],
    ['bytes', Uint8Array.of(104, 105), 'hi'],
    ['nothing', undefined, ''],
  ] as const) {
    test(`a handler that returns ${name}, with and without a promise`, async (site) => {
      const [now, later] = [site.functionName(), site.functionName()]
      await site
        .worker()
        .handle(now, () => result)
        .handle(later, async () => result)
        .start()
      const client = await site.client()
      assert.equal(await client.submit(now, '').text(), expected)
      assert.equal(await client.submit(later, '').text(), expected)
    })
  }

  for (const concurrency of [1, 3, 16]) {
    test(`${concurrency} at once, and never more`, async (site) => {
      const f = site.functionName()
      const full = signal()
      let running = 0
      let most = 0
      await site
        .worker({ concurrency })
        .handle(f, async () => {
          running++
          most = Math.max(most, running)
          if (running === concurrency) full.give()
          await full.given
          await new Promise(setImmediate)
          running--
        })
        .start()
      const client = await site.client()
      await Promise.all(Array.from({ length: 10 * concurrency }, () => client.submit(f, '').result()))
      assert.equal(most, concurrency)
    })
  }

  test('a worker that sleeps is woken, again and again', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 2 })
      .handle(f, (job) => job.text())
      .start()
    const client = await site.client()
    for (let i = 0; i < 100; i++) assert.equal(await client.submit(f, String(i)).text(), String(i))
  })

  test('a worker that is busy and has slots takes more', async (site) => {
    const f = site.functionName()
    const [started, goOn] = [signal(), signal()]
    await site
      .worker({ concurrency: 2 })
      .handle(f, async (job) => {
        if (job.text() !== 'long') return 'short'
        started.give()
        await goOn.given
        return 'long'
      })
      .start()
    const client = await site.client()
    const long = client.submit(f, 'long')
    await started.given
    for (let i = 0; i < 10; i++) assert.equal(await client.submit(f, '').text(), 'short')
    goOn.give()
    assert.equal(await long.text(), 'long')
  })

  test('a function added later: its jobs that wait are done', async (site) => {
    const [first, later] = [site.functionName(), site.functionName()]
    const client = await site.client()
    const worker = site.worker().handle(first, () => 'first')
    await worker.start()
    const job = client.submit(later, '')
    await job.created()
    assert.equal(await client.submit(first, '').text(), 'first')
    worker.handle(later, () => 'later')
    assert.equal(await job.text(), 'later')
  })

  test('start() and run() any number of times are one start', async (site) => {
    const f = site.functionName()
    const worker = site.worker().handle(f, () => '')
    const runs = [worker.start(), worker.run(), worker.start(), worker.run()]
    await worker.start()
    const rows = await (await site.admin()).status()
    assert.equal(rows.find((row) => row.function === f)?.workers, 1)
    await worker.close()
    await Promise.all(runs)
  })

  test('run() ends with its signal, after the jobs that run', async (site) => {
    const f = site.functionName()
    const stop = new AbortController()
    const [started, goOn] = [signal(), signal()]
    const worker = site.worker({ closeTimeoutMs: undefined }).handle(f, async () => {
      started.give()
      await goOn.given
      return 'done'
    })
    const run = worker.run({ signal: stop.signal })
    const job = (await site.client()).submit(f, '')
    await started.given
    stop.abort()
    goOn.give()
    await run
    assert.equal(await job.text(), 'done')
  })

  test('run() with a signal that was aborted before', async (site) => {
    const worker = site.worker().handle(site.functionName(), () => '')
    await worker.run({ signal: AbortSignal.abort() })
  })

  test('close() finishes what runs and leaves the rest to others', async (site) => {
    const f = site.functionName()
    const [started, goOn] = [signal(), signal()]
    const worker = site.worker({ concurrency: 2, closeTimeoutMs: undefined }).handle(f, async (job) => {
      if (job.text() === '1') started.give()
      await goOn.given
      return `${job.text()} by the first`
    })
    await worker.start()
    const client = await site.client()
    const jobs = ['0', '1', '2', '3'].map((workload) => client.submit(f, workload))
    await started.given
    const closed = worker.close()
    assert.equal(worker.close(), closed)
    goOn.give()
    await closed
    assert.deepEqual(await Promise.all(jobs.slice(0, 2).map((job) => job.text())), ['0 by the first', '1 by the first'])
    await site
      .worker()
      .handle(f, (job) => `${job.text()} by the second`)
      .start()
    assert.deepEqual(await Promise.all(jobs.slice(2).map((job) => job.text())), ['2 by the second', '3 by the second'])
  })

  test('close() with a limit aborts what still runs, and the server gives it to others', async (site) => {
    const f = site.functionName()
    const [started, aborted] = [signal(), signal<unknown>()]
    const errors: unknown[] = []
    const worker = site
      .worker({ closeTimeoutMs: 20, onError: (error) => errors.push(error) })
      .handle(f, async (job) => {
        job.signal.addEventListener('abort', () => aborted.give(job.signal.reason))
        started.give()
        await new Promise(() => {})
      })
    await worker.start()
    const job = (await site.client()).submit(f, '')
    await started.given
    await worker.close()
    assert.ok((await aborted.given) instanceof ClosedError)
    await site
      .worker()
      .handle(f, () => 'by another')
      .start()
    assert.equal(await job.text(), 'by another')
  })

  test('a job that takes longer than its timeout goes to the next, and the slot is free', async (site) => {
    const f = site.functionName()
    const errors: unknown[] = []
    const aborted = signal<unknown>()
    let attempts = 0
    await site
      .worker({ onError: (error) => errors.push(error) })
      .handle(
        f,
        async (job) => {
          if (attempts++ > 0) return 'second attempt'
          await new Promise<void>((resolve) => job.signal.addEventListener('abort', () => resolve()))
          aborted.give(job.signal.reason)
          job.progress(1, 1)
          await job.data('too late')
          return 'too late'
        },
        { timeoutMs: 1000 },
      )
      .start()
    const job = (await site.client()).submit(f, '')
    assert.equal(await job.text(), 'second attempt')
    const reason = await aborted.given
    assert.ok(reason instanceof TimeoutError)
    assert.match(reason.message, /^the job \S+ of \S+ took longer than 1000 ms$/)
    assert.deepEqual(errors, [reason])
  })

  test('the signal of a job whose outcome was unwanted before anyone asked for it', async (site) => {
    const f = site.functionName()
    const [started, closed, seen] = [signal(), signal(), signal<AbortSignal>()]
    const worker = site.worker({ closeTimeoutMs: 10 }).handle(f, async (job) => {
      started.give()
      await closed.given
      seen.give(job.signal)
    })
    await worker.start()
    await (await site.client()).submit(f, '').created()
    await started.given
    await worker.close()
    closed.give()
    assert.equal((await seen.given).aborted, true)
  })

  test('what a handler says after its end goes nowhere', async (site) => {
    const f = site.functionName()
    const errors: unknown[] = []
    let ended: AssignedJob | undefined
    const worker = site.worker({ onError: (error) => errors.push(error) }).handle(f, (job) => {
      ended = job
    })
    await worker.start()
    const client = await site.client()
    await client.submit(f, '').result()
    ended?.progress(1, 1)
    await ended?.data('x')
    await ended?.warn('x')
    await client.submit(f, '').result()
    assert.deepEqual(errors, [])
  })

  for (const [numerator, denominator] of [
    [0.5, 1],
    [-1, 1],
    [1, 2 ** 32],
    [Number.NaN, 1],
  ] as const) {
    test(`progress(${numerator}, ${denominator}) is refused`, async (site) => {
      const f = site.functionName()
      await site
        .worker()
        .handle(f, (job) => job.progress(numerator, denominator))
        .start()
      const message = /^progress is in whole numbers up to 4294967295, not /
      await assert.rejects((await site.client()).submit(f, '').result(), { code: 'JOB_EXCEPTION', message })
    })
  }

  test('its id, as the server lists it', async (site) => {
    const f = site.functionName()
    await site
      .worker({ clientId: 'größe-1' })
      .handle(f, () => '')
      .start()
    const rows = await (await site.admin()).workers()
    const row = rows.find(({ functions }) => functions.includes(f))
    assert.equal(row?.clientId, 'größe-1')
  })

  test('several workers share the jobs', async (site) => {
    const f = site.functionName()
    const all = signal()
    const names = new Set<string>()
    for (const name of ['a', 'b', 'c']) {
      await site
        .worker()
        .handle(f, async () => {
          names.add(name)
          if (names.size === 3) all.give()
          await all.given
        })
        .start()
    }
    const client = await site.client()
    await Promise.all([1, 2, 3, 4, 5, 6].map(() => client.submit(f, '').result()))
    assert.deepEqual([...names].sort(), ['a', 'b', 'c'])
  })
})
