import assert from 'node:assert/strict'
import { AbortedError, Client, ClosedError, type JobStatus, TimeoutError } from '@geartrain/client'
import { PACKET } from '../support/raw.ts'
import { FakeServer, response } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

const unknown: JobStatus = { isKnown: false, isRunning: false, numerator: 0, denominator: 0 }

onServers('the status of a job', (test) => {
  test('waiting, running, and ended', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const job = client.submit(f, '')
    assert.deepEqual(await job.status(), { ...unknown, isKnown: true })
    const goOn = signal()
    await site
      .worker()
      .handle(f, async (assigned) => {
        assigned.progress(3, 4)
        await goOn.given
      })
      .start()
    for await (const event of job) if (event.type === 'status') break
    assert.deepEqual(await job.status(), { isKnown: true, isRunning: true, numerator: 3, denominator: 4 })
    goOn.give()
    await job.result()
    assert.deepEqual(await job.status(), unknown)
  })

  test('asked for at once it waits for the handle', async (site) => {
    const job = (await site.client()).submit(site.functionName(), '')
    assert.equal(job.handle, undefined)
    assert.equal((await job.status()).isKnown, true)
    assert.notEqual(job.handle, undefined)
  })

  test('many at once, each of its own job', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const started = signal()
    let running = 0
    await site
      .worker({ concurrency: 20 })
      .handle(f, async (job) => {
        job.progress(Number(job.text()), 20)
        if (++running === 20) started.give()
        await new Promise<void>((resolve) => job.signal.addEventListener('abort', () => resolve()))
      })
      .start()
    const jobs = Array.from({ length: 20 }, (_, i) => client.submit(f, String(i)))
    await started.given
    for (const job of jobs) for await (const event of job) if (event.type === 'status') break
    const told = await Promise.all(jobs.map((job) => job.status()))
    assert.deepEqual(
      told.map(({ numerator }) => numerator),
      [...jobs.keys()],
    )
  })

  test('of a job that was never sent, or that nobody waits for any more', async (site) => {
    const client = await site.client()
    const f = site.functionName()
    const aborted = client.submit(f, '', { signal: AbortSignal.abort() })
    await assert.rejects(aborted.status(), AbortedError)
    const abort = new AbortController()
    const job = client.submit(f, '', { signal: abort.signal })
    await job.created()
    abort.abort()
    await assert.rejects(job.result(), AbortedError)
    // The server has it all the same.
    assert.equal((await job.status()).isKnown, true)
    await client.close()
    await assert.rejects(job.status(), ClosedError)
  })

  test('statusByUnique counts who waits', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const [a, b] = [await site.client(), await site.client()]
    await client.submitBackground(f, '', { unique: f })
    assert.deepEqual(await client.statusByUnique(f), { ...unknown, isKnown: true, waiters: 0 })
    await Promise.all([a, b].map((waiting) => waiting.submit(f, '', { unique: f }).created()))
    assert.equal((await client.statusByUnique(f)).waiters, 2)
    assert.deepEqual(await client.statusByUnique(`${f} nobody`), { ...unknown, waiters: 0 })
  })

  test('a server that does not answer: timeoutMs and signal', async () => {
    await using silent = await FakeServer.toClients((socket) => {
      socket.once('data', () => socket.write(response(PACKET.JOB_CREATED, 'H:x:1')))
    })
    const client = await Client.connect(silent.address, { closeTimeoutMs: 1 })
    const job = client.submit('f', '')
    await job.created()
    const abort = new AbortController()
    const waiting = [
      assert.rejects(job.status({ timeoutMs: 20 }), TimeoutError),
      assert.rejects(job.status({ signal: abort.signal }), AbortedError),
      assert.rejects(job.status(), ClosedError),
    ]
    await waiting[0]
    abort.abort()
    await waiting[1]
    await client.close()
    await waiting[2]
    await assert.rejects(job.result(), ClosedError)
  })
})
