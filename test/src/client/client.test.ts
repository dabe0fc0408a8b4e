import assert from 'node:assert/strict'
import { collect, shorten } from './events.ts'
import { signal } from './signal.ts'
import { onServers, text } from './site.ts'

const MiB = 1024 * 1024
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)

onServers('client', (test) => {
  for (const [name, workload] of [
    ['text', 'Hello World!'],
    ['text that is not ASCII', 'Grüße, 世界 🚂'],
    ['no bytes at all', ''],
    ['every byte', everyByte],
    ['a Buffer', Buffer.from('buffer')],
    ['100 KB', new Uint8Array(100_000).fill(7)],
  ] as const) {
    test(`a workload comes back as it was: ${name}`, async (site) => {
      const f = site.functionName()
      await site
        .worker()
        .handle(f, (job) => job.workload)
        .start()
      const client = await site.client()
      const result = await client.submit(f, workload).result()
      assert.deepEqual(Buffer.from(result), Buffer.from(workload))
    })
  }

  test('20 MB there and back, with other jobs behind it', async (site) => {
    const f = site.functionName()
    const workload = new Uint8Array(20 * MiB).map((_, i) => i % 251)
    await site
      .worker({ concurrency: 4 })
      .handle(f, (job) => job.workload)
      .start()
    const client = await site.client()
    const jobs = [client.submit(f, 'before'), client.submit(f, workload), client.submit(f, 'behind')]
    const results = await Promise.all(jobs.map((job) => job.result()))
    assert.deepEqual(
      results.map((result) => result.length),
      [6, workload.length, 6],
    )
    assert.ok(Buffer.from(results[1] ?? '').equals(workload))
  })

  test('1,000 jobs in flight: every one gets its own answer', async (site) => {
    const f = site.functionName()
    await site
      .worker({ concurrency: 100 })
      .handle(f, (job) => `answer to ${job.text()}`)
      .start()
    const client = await site.client()
    const numbers = Array.from({ length: 1000 }, (_, i) => i)
    const answers = await Promise.all(numbers.map((i) => client.submit(f, String(i)).text()))
    assert.deepEqual(
      answers,
      numbers.map((i) => `answer to ${i}`),
    )
  })

  test('requests of all kinds, sent at once, get their own answers', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, (job) => job.text())
      .start()
    const client = await site.client()
    const [status, echo, job, unique, handle, secondEcho] = await Promise.all([
      client.status('H:none:1'),
      client.echo('first'),
      client.submit(f, 'job').text(),
      client.statusByUnique('none'),
      client.submitBackground(f, ''),
      client.echo(everyByte),
    ])
    assert.equal(status.isKnown, false)
    assert.equal(text(echo), 'first')
    assert.equal(job, 'job')
    assert.deepEqual(unique, { isKnown: false, isRunning: false, numerator: 0, denominator: 0, waiters: 0 })
    assert.match(handle, /^H:/)
    assert.deepEqual([...secondEcho], [...everyByte])
  })

  test('result(), text() and json() of one job, before and after its end', async (site) => {
    const f = site.functionName()
    await site
      .worker()
      .handle(f, () => '{"lines":3}')
      .start()
    const job = (await site.client()).submit(f, '')
    assert.equal(job.hasEnded, false)
    assert.equal(job.handle, undefined)
    const early = job.result()
    assert.equal(text(await early), '{"lines":3}')
    assert.equal(job.hasEnded, true)
    assert.equal(await job.created(), job.handle)
    assert.equal(await job.text(), '{"lines":3}')
    assert.deepEqual(await job.json(), { lines: 3 })
  })

  test('a submitted job is not a promise: to await it is not to wait for it', async (site) => {
    const client = await site.client()
    const f = site.functionName()
    const job = client.submit(f, 'nobody does it')
    assert.equal(await Promise.resolve(job), job)
    assert.equal(job.hasEnded, false)
    await job.created()
  })

  test('names in any script', async (site) => {
    const f = `${site.functionName()}-größe-世界`
    const unique = 'schlüssel'
    const seen = signal<readonly string[]>()
    const worker = site.worker().handle(f, (job) => seen.give([job.function, job.unique, job.handle]))
    const client = await site.client()
    const job = client.submit(f, '', { unique })
    assert.equal((await client.statusByUnique(unique)).isKnown, true)
    await worker.start()
    await job.result()
    assert.deepEqual(await seen.given, [f, unique, job.handle])
    const names = (await (await site.admin()).status()).map((row) => row.function)
    assert.ok(names.includes(f), names.join())
  })

  for (const isBackground of [false, true]) {
    test(`priorities of ${isBackground ? 'background' : 'foreground'} jobs`, async (site) => {
      const f = site.functionName()
      const client = await site.client()
      for (const priority of ['low', 'normal', 'high', undefined] as const) {
        const workload = priority ?? 'default'
        if (isBackground) await client.submitBackground(f, workload, { priority })
        else await client.submit(f, workload, { priority }).created()
      }
      const order: string[] = []
      const allDone = signal()
      await site
        .worker()
        .handle(f, (job) => {
          order.push(job.text())
          if (order.length === 4) allDone.give()
        })
        .start()
      await allDone.given
      assert.deepEqual(order, ['high', 'normal', 'default', 'low'])
    })
  }

  test('a background job: handle, status before, meanwhile and after', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const handle = await client.submitBackground(f, 'x', { unique: f })
    assert.deepEqual(await client.status(handle), { isKnown: true, isRunning: false, numerator: 0, denominator: 0 })
    const [started, goOn] = [signal(), signal()]
    const worker = site.worker().handle(f, async (job) => {
      job.progress(3, 10)
      started.give()
      await goOn.given
    })
    await worker.start()
    await started.given
    let status = await client.status(handle)
    while (status.numerator === 0) status = await client.status(handle)
    assert.deepEqual(status, { isKnown: true, isRunning: true, numerator: 3, denominator: 10 })
    assert.deepEqual(await client.statusByUnique(f), { ...status, waiters: 0 })
    goOn.give()
    // Closed is the worker only when the server has the result.
    await worker.close()
    assert.deepEqual(await client.status(handle), { isKnown: false, isRunning: false, numerator: 0, denominator: 0 })
  })

  test('a delayed job does not run before its time', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const ran = signal<number>()
    const worker = site.worker().handle(f, () => ran.give(Date.now()))
    await worker.start()
    const runAt = new Date(Date.now() + 400)
    const handle = await client.submitBackground(f, 'x', { runAt, unique: f })
    assert.equal((await client.status(handle)).isRunning, false)
    const asking = setInterval(() => {
      // gearmand 1.1 wakes nobody when the time comes; a new function makes the worker ask for jobs again.
      if (site.kind === 'gearmand') worker.handle(site.functionName(), () => undefined)
    }, 100)
    try {
      assert.ok((await ran.given) >= runAt.getTime() - 50)
    } finally {
      clearInterval(asking)
    }
  })

  test('a delayed job of the past runs at once', async (site) => {
    const f = site.functionName()
    const ran = signal()
    await site
      .worker()
      .handle(f, () => ran.give())
      .start()
    await (await site.client()).submitBackground(f, '', { runAt: new Date(1000) })
    await ran.given
  })

  test('submissions with one unique are one job, and all of one connection get every event and the end', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const other = await site.client()
    const jobs = [client.submit(f, 'first', { unique: 'u' }), client.submit(f, 'second', { unique: 'u' })]
    const handles = await Promise.all(jobs.map((job) => job.created()))
    const third = other.submit(f, 'third', { unique: 'u' })
    jobs.push(third)
    handles.push(await third.created())
    assert.equal(new Set(handles).size, 1)
    assert.equal((await client.statusByUnique('u')).waiters, 3)
    const [heard, goOn] = [signal(), signal()]
    const told = jobs.map((job) => collect(job, ({ type }) => type === 'data' && heard.give()))
    await site
      .worker()
      .handle(f, async (job) => {
        await job.data('one')
        await goOn.given
        await job.data('two')
        job.progress(1, 1)
        await job.warn('careful')
        return job.text()
      })
      .start()
    // The server has it from the worker: one that the worker has only sent could come to the one who is late as well.
    await heard.given
    const late = client.submit(f, 'fourth', { unique: 'u' })
    assert.equal(await late.created(), handles[0])
    goOn.give()
    const rest = ['data two', 'status 1/1', 'warning careful', 'complete first']
    assert.deepEqual((await Promise.all([...told, collect(late)])).map(shorten), [
      ['data one', ...rest],
      ['data one', ...rest],
      ['data one', ...rest],
      rest,
    ])
    assert.equal((await client.statusByUnique('u')).isKnown, false)
  })

  test('a unique of - stands for the workload', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const submit = (workload: string) => client.submit(f, workload, { unique: '-' }).created()
    const [a, b, again] = await Promise.all([submit('a'), submit('b'), submit('a')])
    assert.equal(a, again)
    assert.notEqual(a, b)
  })

  test('without a unique equal jobs are two', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    assert.notEqual(await client.submit(f, 'x').created(), await client.submit(f, 'x').created())
  })
})
