import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Worker } from '@geartrain/client'
import fc from 'fast-check'
import { startServer } from '../support/peers.ts'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { response } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'
import { Talk } from './talk.ts'

const options = { timeout: 60_000 }
const runs = 20

onServers('a function with a limit of its own', (test) => {
  test('its jobs above the limit go to other workers', async (site) => {
    const f = site.functionName()
    const [three, goOn] = [signal(), signal()]
    const running: string[] = []
    for (const [name, concurrency] of [
      ['limited', 1],
      ['other', undefined],
    ] as const) {
      await site
        .worker({ concurrency: 2 })
        .handle(
          f,
          async () => {
            if (running.push(name) === 3) three.give()
            await goOn.given
          },
          { concurrency },
        )
        .start()
    }
    const client = await site.client()
    const jobs = [1, 2, 3].map(() => client.submit(f, ''))
    await three.given
    assert.deepEqual(running.sort(), ['limited', 'other', 'other'])
    goOn.give()
    await Promise.all(jobs.map((job) => job.result()))
  })

  test('while it is full the jobs of others are done', async (site) => {
    const [limited, free] = [site.functionName(), site.functionName()]
    const [started, goOn] = [signal(), signal()]
    let [running, most] = [0, 0]
    await site
      .worker({ concurrency: 2 })
      .handle(
        limited,
        async () => {
          most = Math.max(most, ++running)
          started.give()
          await goOn.given
          running--
        },
        { concurrency: 1 },
      )
      .handle(free, (job) => job.text())
      .start()
    const client = await site.client()
    const jobs = Array.from({ length: 10 }, () => client.submit(limited, ''))
    await started.given
    for (let i = 0; i < 20; i++) assert.equal(await client.submit(free, String(i)).text(), String(i))
    goOn.give()
    await Promise.all(jobs.map((job) => job.result()))
    assert.equal(most, 1)
  })

  test('it and the others together have no more slots than there are', async (site) => {
    const [limited, free] = [site.functionName(), site.functionName()]
    const full = signal()
    let [running, most] = [0, 0]
    const handler = async () => {
      most = Math.max(most, ++running)
      if (running === 2) full.give()
      await full.given
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
      running--
    }
    await site.worker({ concurrency: 2 }).handle(limited, handler, { concurrency: 1 }).handle(free, handler).start()
    const client = await site.client()
    const jobs = [limited, free].flatMap((f) => Array.from({ length: 20 }, () => client.submit(f, '').result()))
    await Promise.all(jobs)
    assert.equal(most, 2)
  })

  test('a worker of such functions only', async (site) => {
    const names = [site.functionName(), site.functionName()]
    const worker = site.worker({ concurrency: 4 })
    for (const name of names) worker.handle(name, () => name, { concurrency: 2 })
    await worker.start()
    const client = await site.client()
    assert.deepEqual(await Promise.all(names.map((name) => client.submit(name, '').text())), names)
  })

  test('timeouts of its jobs, one at a time, beside others', async (site) => {
    const [timed, free] = [site.functionName(), site.functionName()]
    let attempts = 0
    await site
      .worker({ concurrency: 3 })
      .handle(timed, () => (++attempts === 1 ? new Promise<void>(() => {}) : 'second attempt'), {
        concurrency: 1,
        timeoutMs: 1000,
      })
      .handle(free, (job) => job.text())
      .start()
    const client = await site.client()
    const job = client.submit(timed, '')
    let isDone = false
    const result = job.text().finally(() => {
      isDone = true
    })
    let count = 0
    while (!isDone) assert.equal(await client.submit(free, 'free').text(), 'free', `job ${count++}`)
    assert.equal(await result, 'second attempt')
    assert.equal(attempts, 2)
  })

  // A worker for whom two servers have jobs of functions with and without limits, and that loses its connections.
  test('whatever comes, no limit is passed and nothing is lost', async (site) => {
    const other = site.keep(await startServer(site.kind))
    const ports = [site.server.port, other.port] as const
    const clients = [await site.client(), await site.client({}, `127.0.0.1:${other.port}`)]
    const someJob = fc.record({
      function: fc.nat(2),
      server: fc.nat(1),
      /** How long it takes, in turns of the event loop. */
      turns: fc.nat(5),
      /** Its handler cuts all connections of that server when it begins. */
      cut: fc.option(fc.nat(1), { freq: 15, nil: undefined }),
    })
    const someWork = fc.record({
      concurrency: fc.integer({ min: 1, max: 5 }),
      limits: fc.array(fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), { minLength: 3, maxLength: 3 }),
      jobs: fc.array(someJob, { minLength: 1, maxLength: 60 }),
    })
    await fc.assert(
      fc.asyncProperty(someWork, async ({ concurrency, limits, jobs }) => {
        await using here = await TcpProxy.to(ports[0])
        await using there = await TcpProxy.to(ports[1])
        const proxies = [here, there]
        const cuts = new Set<number>()
        const errors: unknown[] = []
        await using worker = new Worker([here.address, there.address], {
          concurrency,
          reconnect: { minMs: 1, maxMs: 4 },
        })
        const running = new Map<string, number>()
        const names = limits.map(() => site.functionName())
        for (const [i, name] of names.entries()) {
          const limit = Math.min(limits[i] ?? concurrency, concurrency)
          const handler = async (number: number) => {
            const job = jobs[number]
            if (job?.cut !== undefined && !cuts.has(number)) {
              cuts.add(number)
              proxies[job.cut]?.reset()
            }
            for (let turn = 0; turn < (job?.turns ?? 0); turn++) await new Promise(setImmediate)
          }
          worker.handle(
            name,
            async (job) => {
              running.set(name, (running.get(name) ?? 0) + 1)
              const all = [...running.values()].reduce((sum, count) => sum + count, 0)
              if (all > concurrency) errors.push(`${all} at once, ${concurrency} are allowed`)
              if ((running.get(name) ?? 0) > limit) errors.push(`${running.get(name)} of ${i}, ${limit} are allowed`)
              await handler(Number(job.text()))
              running.set(name, (running.get(name) ?? 0) - 1)
              return `${job.text()} is done`
            },
            { concurrency: limits[i] },
          )
        }
        await worker.start()
        const results = await Promise.all(
          jobs.map(async ({ function: f, server }, i) => clients[server]?.submit(names[f] ?? '', String(i)).text()),
        )
        assert.deepEqual(
          results,
          jobs.map((_, i) => `${i} is done`),
        )
        assert.deepEqual(errors, [])
      }),
      { numRuns: runs },
    )
  })
})

describe('a function with a limit, on the wire', () => {
  it('no more is asked for than there may be, and more when one has ended', options, async () => {
    const own = await Talk.start()
    const goOn = signal()
    const worker = new Worker(own.address, { concurrency: 4, clientId: 'w' }).handle(
      'f',
      async (job) => {
        await goOn.given
        return job.text()
      },
      { concurrency: 2, timeoutMs: 2000 },
    )
    await own.welcome(worker, 'SET_CLIENT_ID w', 'CAN_DO_TIMEOUT f|2000')
    own.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'one'))
    await own.expect('GRAB_JOB_ALL ')
    own.say(response(PACKET.JOB_ASSIGN, 'H:2', 'f', 'two'))
    goOn.give()
    await own.expectLast('WORK_COMPLETE H:1|one', 'WORK_COMPLETE H:2|two', 'GRAB_JOB_ALL ', 'GRAB_JOB_ALL ')
    await own.end()
    await worker.close()
  })
})

describe('concurrency', () => {
  for (const concurrency of [0, -1, 1.5, Number.NaN]) {
    it(`${concurrency} is refused`, () => {
      const message = `concurrency is a whole number from 1, not ${concurrency}`
      assert.throws(() => new Worker('x', { concurrency }), { code: 'INVALID_ARGUMENT', message })
      const worker = new Worker('x')
      assert.throws(() => worker.handle('f', () => '', { concurrency }), { code: 'INVALID_ARGUMENT', message })
      // What was refused is not there.
      worker.handle('f', () => '')
    })
  }
})
