import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  type Admin,
  type AssignedJob,
  type Client,
  JobCancelledError,
  ServerError,
  TimeoutError,
  Worker,
} from '@geartrain/client'
import { ProcessPool } from '@geartrain/client/processes'
import { ThreadPool } from '@geartrain/client/threads'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { handlers } from './loose-job.ts'
import { response } from './proxy.ts'
import { signal } from './signal.ts'
import { onOwnServer, onServers, type SiteTest } from './site.ts'
import { Talk } from './talk.ts'

const options = { timeout: 60_000 }
const leftovers = fileURLToPath(new URL('./worker-cancellation-leftovers.js', import.meta.url))
/** Long enough for a test to end by its timeout rather than by it. */
const neverMs = 600_000
/** Of geartrain alone. */
const JOB_CANCEL = 1002

/** Resolves when the job is aborted. */
function aborted(job: AssignedJob): Promise<void> {
  return new Promise((resolve) => job.signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Cancels a job when its handler has said that it runs. Resolves when it has ended. */
async function cancelRunning(client: Client, admin: Admin, f: string, workload = ''): Promise<void> {
  const job = client.submit(f, workload)
  for await (const { type } of job) if (type === 'status') await admin.cancel(await job.created())
}

onServers('a job that is cancelled while it runs', (test) => {
  test('ends for its client; the worker goes on without an error of its own', async (site) => {
    // gearmand takes a job from no worker, and does not know the option.
    const isToldOf = site.kind === 'ours'
    const f = site.functionName()
    const [started, cancelled] = [signal(), signal()]
    const errors: unknown[] = []
    const seen: AbortSignal[] = []
    await site
      .worker({ onError: (error) => errors.push(error) })
      .handle(f, async (job) => {
        if (job.text() !== 'long') return 'the next one'
        seen.push(job.signal)
        started.give()
        await (isToldOf ? aborted(job) : cancelled.given)
        return 'done all the same'
      })
      .start()
    const client = await site.client()
    const admin = await site.admin()
    const job = client.submit(f, 'long')
    const handle = await job.created()
    await started.given
    assert.ok(await admin.cancel(handle))
    cancelled.give()
    await assert.rejects(job.result(), { code: 'JOB_FAILED' })
    assert.equal(await client.submit(f, '').text(), 'the next one')
    const [{ reason }] = seen as [AbortSignal]
    assert.deepEqual(errors, isToldOf ? [reason] : [])
    if (!isToldOf) return
    assert.ok(reason instanceof JobCancelledError)
    assert.deepEqual([reason.code, reason.function, reason.handle], ['JOB_CANCELLED', f, handle])
  })
})

/** On ours, since gearmand tells no worker of it. */
function test(name: string, run: SiteTest): void {
  it(name, options, (t) => onOwnServer('ours', t, run))
}

describe('the signal of a job that is cancelled', () => {
  test('a handler that ignores it keeps its slot until it ends, and what it says goes nowhere', async (site) => {
    const f = site.functionName()
    const [started, told, goOn] = [signal(), signal(), signal()]
    const order: string[] = []
    await site
      .worker({ onError: () => told.give() })
      .handle(f, async (job) => {
        order.push(`${job.text()} begins`)
        if (job.text() !== 'stubborn') return 'done'
        started.give()
        await goOn.given
        job.progress(1, 2)
        await job.data('late')
        await job.warn('late')
        order.push('stubborn ends')
        return 'late'
      })
      .start()
    const client = await site.client()
    const stubborn = client.submit(f, 'stubborn')
    const next = client.submit(f, 'next')
    await started.given
    await (await site.admin()).cancel(await stubborn.created())
    await told.given
    goOn.give()
    assert.equal(await next.text(), 'done')
    assert.deepEqual(order, ['stubborn begins', 'stubborn ends', 'next begins'])
    const events: string[] = []
    for await (const { type } of stubborn) events.push(type)
    assert.deepEqual(events, ['created', 'fail'])
  })

  test('its own timeout frees the slot of one that never ends', async (site) => {
    const f = site.functionName()
    const started = signal()
    const errors: unknown[] = []
    await site
      .worker({ onError: (error) => errors.push(error) })
      .handle(
        f,
        (job) => {
          if (job.text() !== 'stuck') return 'done'
          started.give()
          return new Promise<void>(() => {})
        },
        { timeoutMs: 2000 },
      )
      .start()
    const client = await site.client()
    const stuck = client.submit(f, 'stuck')
    await started.given
    await (await site.admin()).cancel(await stuck.created())
    assert.equal(await client.submit(f, '').text(), 'done')
    assert.deepEqual(errors.map(String), [
      `JobCancelledError: the server has taken the job ${await stuck.created()} of ${f} back: it was cancelled`,
      `TimeoutError: the job ${await stuck.created()} of ${f} took longer than 2000 ms`,
    ])
  })

  test('what a handler throws then: its reason is no news, all else is told', async (site) => {
    const f = site.functionName()
    const errors: string[] = []
    await site
      .worker({ onError: (error) => errors.push(error instanceof Error ? error.message.replace(/.*back/, '') : '') })
      .handle(f, async (job) => {
        job.progress(0, 1)
        await aborted(job)
        if (job.text() === 'reason') job.signal.throwIfAborted()
        if (job.text() === 'abort') throw new DOMException('stopped', 'AbortError')
        throw new Error('cannot clean up')
      })
      .handle(`${f}-end`, () => 'end')
      .start()
    const client = await site.client()
    const admin = await site.admin()
    for (const workload of ['reason', 'abort', 'other']) {
      await cancelRunning(client, admin, f, workload)
    }
    assert.equal(await client.submit(`${f}-end`, '').text(), 'end')
    const told = ': it was cancelled'
    assert.deepEqual(errors, [told, told, told, 'cannot clean up'])
  })

  test('on every connection of the worker, and on those that come after a lost one', async (site) => {
    await using proxy = await TcpProxy.to(site.server.port)
    const [common, limited] = [site.functionName(), site.functionName()]
    const codes: string[] = []
    const [first, second] = [signal(), signal()]
    let connects = 0
    const worker = site.worker(
      {
        concurrency: 2,
        reconnect: { minMs: 1, maxMs: 4 },
        onConnect: () => (++connects === 1 ? first.give() : second.give()),
      },
      proxy.address,
    )
    const handler = async (job: AssignedJob) => {
      job.progress(0, 1)
      await aborted(job)
      codes.push(job.signal.reason.code)
    }
    await worker.handle(common, handler).handle(limited, handler, { concurrency: 1 }).start()
    const client = await site.client()
    const admin = await site.admin()
    const cancelBoth = async () => {
      for (const f of [common, limited]) {
        await cancelRunning(client, admin, f)
      }
    }
    await first.given
    await cancelBoth()
    await until('both were told', () => codes.length === 2)
    proxy.reset()
    await second.given
    await cancelBoth()
    await until('both were told again', () => codes.length === 4)
    assert.deepEqual(codes, Array(4).fill('JOB_CANCELLED'))
  })

  test('a stream that is waiting for its next chunk is stopped', async (site) => {
    const f = site.functionName()
    const stopped = signal()
    const iterator: AsyncIterator<string, void> = {
      next: () => new Promise(() => {}),
      return: () => {
        stopped.give()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
    await site
      .worker()
      .handle(f, (job) => {
        job.progress(0, 1)
        return { [Symbol.asyncIterator]: () => iterator }
      })
      .start()
    await cancelRunning(await site.client(), await site.admin(), f)
    await stopped.given
  })

  test('cancelled when they end: each ends once, either way, and all slots are free again', async (site) => {
    const f = site.functionName()
    const [jobs, slots] = [400, 4]
    const errors: unknown[] = []
    const full = signal()
    let together = 0
    await site
      .worker({ concurrency: slots, onError: (error) => errors.push(error) })
      .handle(f, async (job) => {
        if (job.text() === 'together') {
          if (++together === slots) full.give()
          await full.given
        } else for (let turn = Number(job.text()); turn > 0; turn--) await new Promise(setImmediate)
        return 'done'
      })
      .start()
    const client = await site.client()
    const admin = await site.admin()
    const outcomes = new Map<string, number>()
    await Promise.all(
      Array.from({ length: jobs }, async (_, i) => {
        const job = client.submit(f, String(i % 7))
        const isCancelled = job.created().then((handle) => admin.cancel(handle))
        const outcome = await job.text().catch((error: unknown) => String(error).replace(/H:\S+ of \S+/, 'X'))
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        // What was cancelled had no result, and what had a result was not cancelled.
        assert.equal(await isCancelled, outcome !== 'done')
      }),
    )
    assert.deepEqual(
      [...outcomes.keys()].filter((outcome) => outcome !== 'done' && outcome !== 'JobFailedError: the job X failed'),
      [],
    )
    const all = Array.from({ length: slots }, () => client.submit(f, 'together').text())
    assert.deepEqual(new Set(await Promise.all(all)), new Set(['done']))
    for (const error of errors) assert.ok(error instanceof JobCancelledError, String(error))
  })

  for (const [name, make] of [
    ['thread', (graceMs: number) => new ThreadPool({ threads: 1, graceMs })],
    ['process', (graceMs: number) => new ProcessPool({ processes: 1, graceMs })],
  ] as const) {
    test(`in a ${name}: the handler there ends with the reason`, async (site) => {
      await using pool = make(neverMs)
      const f = site.functionName()
      const handler = pool.handler(handlers, 'untilAborted')
      const errors: unknown[] = []
      const ended = signal<unknown>()
      await site
        .worker({ onError: (error) => errors.push(error) })
        .handle(f, async (job) => {
          try {
            return await handler(job)
          } catch (thrown) {
            ended.give(thrown)
            throw thrown
          }
        })
        .handle(`${f}-next`, pool.handler(handlers))
        .start()
      const client = await site.client()
      const admin = await site.admin()
      await cancelRunning(client, admin, f)
      assert.ok((await ended.given) instanceof JobCancelledError)
      assert.equal(await client.submit(`${f}-next`, 'abc').text(), 'cba')
      assert.deepEqual(errors, [await ended.given])
    })

    test(`in a ${name}: one that never ends is ended with its ${name}`, async (site) => {
      await using pool = make(1)
      const f = site.functionName()
      await site.worker().handle(f, pool.handler(handlers, 'hang')).handle(`${f}-next`, pool.handler(handlers)).start()
      const client = await site.client()
      const admin = await site.admin()
      await cancelRunning(client, admin, f)
      assert.equal(await client.submit(`${f}-next`, 'abc').text(), 'cba')
    })
  }

  test('nothing is left of cancelled jobs', async (site) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [leftovers, site.address])
    assert.deepEqual([JSON.parse(stdout), stderr], [[], ''])
  })
})

describe('cancellation on the wire', () => {
  /** A worker of two slots with a handler that ends when it is told to, and what its jobs were. */
  async function begin(talk: Talk, timeoutMs?: number) {
    const goOn = signal()
    const jobs: AssignedJob[] = []
    const errors: unknown[] = []
    const worker = new Worker(talk.address, { concurrency: 2, onError: (error) => errors.push(error) })
    worker.handle(
      'f',
      async (job) => {
        jobs.push(job)
        if (job.text() !== 'short') await goOn.given
        return job.text()
      },
      { timeoutMs },
    )
    await talk.welcome(worker, timeoutMs === undefined ? 'CAN_DO f' : `CAN_DO_TIMEOUT f|${timeoutMs}`)
    return { worker, goOn, jobs, errors }
  }

  it('nothing is sent of a job that was cancelled, and its slot is used when it has ended', options, async () => {
    const talk = await Talk.start()
    const { worker, goOn, jobs, errors } = await begin(talk)
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'one'))
    await talk.expect('GRAB_JOB_ALL ')
    talk.say(response(PACKET.JOB_ASSIGN, 'H:2', 'f', 'short'))
    await talk.expect('WORK_COMPLETE H:2|short', 'GRAB_JOB_ALL ')
    // One that has ended, and one that never was.
    talk.say(
      response(JOB_CANCEL, 'H:2', 'cancelled'),
      response(JOB_CANCEL, 'H:3', 'cancelled'),
      response(PACKET.JOB_ASSIGN, 'H:4', 'f', 'short'),
    )
    await talk.expect('WORK_COMPLETE H:4|short', 'GRAB_JOB_ALL ')
    assert.deepEqual(errors, [])
    // The one that runs.
    talk.say(
      response(JOB_CANCEL, 'H:1', 'cancelled'),
      response(JOB_CANCEL, 'H:1', 'cancelled'),
      response(PACKET.JOB_ASSIGN, 'H:5', 'f', 'short'),
    )
    await talk.expect('WORK_COMPLETE H:5|short', 'GRAB_JOB_ALL ')
    assert.deepEqual(errors, [jobs[0]?.signal.reason])
    goOn.give()
    await talk.expect('GRAB_JOB_ALL ')
    await talk.end()
    await worker.close()
  })

  it('a job that comes again under its handle is another one', options, async () => {
    const talk = await Talk.start()
    const { worker, goOn, jobs, errors } = await begin(talk)
    const assign = response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'again')
    talk.say(assign)
    await talk.expect('GRAB_JOB_ALL ')
    talk.say(response(JOB_CANCEL, 'H:1', 'cancelled'), assign)
    await until('it has come again', () => jobs.length === 2)
    goOn.give()
    await talk.expectLast('WORK_COMPLETE H:1|again', 'GRAB_JOB_ALL ')
    assert.deepEqual(
      jobs.map((job) => job.signal.aborted),
      [true, false],
    )
    assert.equal(errors.length, 1)
    await talk.end()
    await worker.close()
  })

  it("the server's time being over is told apart", options, async (t) => {
    const talk = await Talk.start()
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { worker, goOn, jobs, errors } = await begin(talk, neverMs)
    talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'early'))
    await talk.expect('GRAB_JOB_ALL ')
    talk.say(response(PACKET.JOB_ASSIGN, 'H:2', 'f', 'late'), response(JOB_CANCEL, 'H:1', 'cancelled'))
    await until('the first was cancelled', () => errors.length === 1)
    talk.say(response(JOB_CANCEL, 'H:2', 'timeout'))
    // Its slot is free, though its handler goes on.
    await talk.expect('GRAB_JOB_ALL ')
    const reasons = jobs.map((job) => job.signal.reason)
    assert.ok(reasons[0] instanceof JobCancelledError)
    assert.ok(reasons[1] instanceof TimeoutError)
    assert.deepEqual(errors, reasons)
    // The worker's own clock says no more than that the first goes on all the same.
    t.mock.timers.tick(neverMs)
    assert.deepEqual(
      errors.map((error) => error instanceof TimeoutError && error.message.split(' ')[2]),
      [false, 'H:2', 'H:1'],
    )
    goOn.give()
    await talk.end()
    await worker.close()
  })

  for (const [name, answer] of [
    ['gearmand', ['UNKNOWN_OPTION', 'Server does not recognize given option']],
    ['the server of Perl', ['unknown_option', '']],
  ] as const) {
    it(`an old server, as ${name}, is no worse for not knowing the option`, options, async () => {
      const talk = await Talk.start()
      const refused = signal<unknown>()
      const worker = new Worker(talk.address, { onError: refused.give }).handle('f', (job) => job.text())
      const started = worker.start()
      await talk.expect('CAN_DO f', 'ECHO_REQ ')
      talk.say(response(PACKET.ERROR, ...answer), response(PACKET.ECHO_RES))
      await started
      await talk.expect('GRAB_JOB_ALL ')
      // Only that one is nobody's business.
      talk.say(response(PACKET.ERROR, ...answer))
      const error = await refused.given
      assert.ok(error instanceof ServerError && error.serverCode === answer[0])
      talk.say(response(PACKET.JOB_ASSIGN, 'H:1', 'f', 'one'))
      await talk.expect('WORK_COMPLETE H:1|one', 'GRAB_JOB_ALL ')
      await talk.end()
      await worker.close()
    })
  }

  for (const [name, packets] of [
    ['is full', [response(PACKET.ERROR, 'TOO_MANY_CONNECTIONS', 'full')]],
    ['refuses a function', [response(PACKET.OPTION_RES, 'cancellation'), response(PACKET.ERROR, 'NO', 'no')]],
  ] as const) {
    it(`that a server ${name} is still the reason why it can't be used`, options, async () => {
      const talk = await Talk.start()
      const worker = new Worker(talk.address).handle('f', () => '')
      const started = worker.start()
      await talk.expect('CAN_DO f', 'ECHO_REQ ')
      talk.say(...packets)
      await assert.rejects(started, (error: Error) => error.cause instanceof ServerError)
      await worker.close()
      await talk.end()
    })
  }
})
