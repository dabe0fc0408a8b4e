import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type AssignedJob, ClosedError, JobFailure } from '@geartrain/client'
import { connect, PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { doLoose, handlers, LooseJob, type PooledHandler } from './loose-job.ts'
import { signal } from './signal.ts'
import { onServers, text } from './site.ts'

// What threads and processes have in common.

const leftovers = fileURLToPath(new URL('./pool-leftovers.js', import.meta.url))

interface Pool extends AsyncDisposable {
  handler(module: URL, exportName?: string): PooledHandler
  close(): Promise<void>
}

type MakePool = (places: number, graceMs?: number) => Pool

/** Long enough for a test to end by its timeout rather than by it. */
const neverMs = 600_000

export function testPool(subject: string, make: MakePool): void {
  onServers(subject, (test) => {
    test('what a handler knows of its job', async (site) => {
      await using pool = make(1)
      const [f, r] = [site.functionName(), site.functionName()]
      await site
        .worker()
        .handle(f, pool.handler(handlers, 'describe'))
        .handle(r, pool.handler(handlers, 'read'))
        .start()
      const raw = site.keep(await connect(site.server.port))
      raw.send(PACKET.SUBMIT_REDUCE_JOB, f, 'my-unique', 'my-reducer', '', 'parts')
      const created = await raw.receive('JOB_CREATED')
      const { data } = await raw.receive('WORK_COMPLETE')
      const known = JSON.parse(data.toString())
      delete known.rest
      const [handle] = created.args
      assert.deepEqual(known, { handle, function: f, unique: 'my-unique', reducer: 'my-reducer', isBytes: true })
      const client = await site.client()
      assert.deepEqual(await client.submit(r, '"ü"').json(), ['"ü"', 'ü', [34, 195, 188, 34]])
    })

    for (const [name, workload, expected] of [
      ['default', 'grün', ['nürg']],
      ['part', '3', ['\x07\x07\x07']],
      ['nothing', '', ['']],
      ['list', '', ['[1,"1970-01-01T00:00:00.000Z"]']],
      ['stream', 'one two', ['one', 'two', '']],
    ] as const) {
      test(`the result of ${name}`, async (site) => {
        await using pool = make(1)
        const f = site.functionName()
        await site.worker().handle(f, pool.handler(handlers, name)).start()
        const client = await site.client()
        const data: string[] = []
        for await (const event of client.submit(f, workload)) if ('data' in event) data.push(text(event.data))
        assert.deepEqual(data, expected)
      })
    }

    test('progress, data and warnings, in their order', async (site) => {
      await using pool = make(1)
      const f = site.functionName()
      await site.worker().handle(f, pool.handler(handlers, 'talk')).start()
      const client = await site.client()
      const told: unknown[] = []
      for await (const event of client.submit(f, '')) {
        if (event.type === 'status') told.push([event.numerator, event.denominator])
        else if ('data' in event) told.push([event.type, text(event.data)])
      }
      assert.deepEqual(told, [
        [1, 2],
        ['data', 'grün'],
        ['data', '\x01\x02'],
        ['warning', 'careful'],
        ['complete', 'end'],
      ])
    })

    test('16 MiB there, and 16 MiB back in chunks', async (site) => {
      await using pool = make(1)
      const [there, back] = [site.functionName(), site.functionName()]
      await site.worker().handle(there, pool.handler(handlers)).handle(back, pool.handler(handlers, 'flood')).start()
      const client = await site.client()
      const workload = Buffer.alloc(16 * 1024 * 1024, 'ab')
      assert.equal(await client.submit(there, workload).text(), 'ba'.repeat(8 * 1024 * 1024))
      let chunks = 0
      for await (const event of client.submit(back, '128 131072')) {
        if (event.type !== 'data') continue
        assert.deepEqual([event.data.length, event.data[0]], [131_072, chunks++])
      }
      assert.equal(chunks, 128)
    })

    for (const [name, message] of [
      ['boom', 'boom'],
      ['throwText', 'only text'],
      ['throwSymbol', 'Symbol(unspeakable) could not be cloned.'],
      ['wrongProgress', 'progress is in whole numbers up to 4294967295, not 0.5'],
      ['wrongResult', /^a handler returns .*, not this symbol$/],
      ['missing', `${handlers.href} exports no function missing`],
    ] as const) {
      test(`the exception of ${name}`, async (site) => {
        await using pool = make(1)
        const f = site.functionName()
        await site.worker().handle(f, pool.handler(handlers, name)).start()
        const client = await site.client()
        await assert.rejects(client.submit(f, '').result(), { code: 'JOB_EXCEPTION', message })
      })
    }

    test('a handler that gives its job up', async (site) => {
      await using pool = make(1)
      const f = site.functionName()
      const failed = signal<unknown>()
      await site.worker({ onError: failed.give }).handle(f, pool.handler(handlers, 'giveUp')).start()
      const client = await site.client()
      await assert.rejects(client.submit(f, '').result(), { code: 'JOB_FAILED' })
      const error = await failed.given
      assert.ok(error instanceof JobFailure && error.cause instanceof Error)
      assert.equal(error.cause.message, 'too hard')
    })

    test('never more jobs than places, and one at a time in each', async (site) => {
      await using pool = make(2)
      const f = site.functionName()
      await site.worker({ concurrency: 8 }).handle(f, pool.handler(handlers, 'place')).start()
      const client = await site.client()
      const told = await Promise.all(Array.from({ length: 40 }, () => client.submit(f, '').text()))
      const places = new Set(told.map((each) => each.split(' ')[0]))
      assert.ok(places.size <= 2, `they ran in ${places.size} places`)
      assert.deepEqual(new Set(told.map((each) => each.split(' ')[1])), new Set(['1']))
    })

    test('a handler that ends when its job is aborted', async (site) => {
      await using pool = make(1, neverMs)
      const f = site.functionName()
      const ended = signal<[AssignedJob, unknown]>()
      const handler = pool.handler(handlers, 'untilAborted')
      const errors: unknown[] = []
      const onError = (error: unknown, of: AssignedJob | undefined) => void (of === undefined || errors.push(error))
      const worker = site.worker({ onError }).handle(f, async (job) => {
        try {
          return await handler(job)
        } catch (thrown) {
          ended.give([job, thrown])
          throw thrown
        }
      })
      await worker.start()
      const client = await site.client()
      for await (const { type } of client.submit(f, '')) if (type === 'status') break
      await worker.close()
      const [job, thrown] = await ended.given
      assert.ok(job.signal.aborted)
      assert.equal(thrown, job.signal.reason)
      assert.deepEqual(errors, [])
    })

    test('a handler that never ends does not keep its place', async (site) => {
      await using pool = make(1, 1)
      const [stuck, next] = [site.functionName(), site.functionName()]
      const worker = site.worker().handle(stuck, pool.handler(handlers, 'hang'))
      await worker.start()
      const client = await site.client()
      for await (const { type } of client.submit(stuck, '')) if (type === 'status') break
      await worker.close()
      await site.worker().handle(next, pool.handler(handlers)).start()
      assert.equal(await client.submit(next, 'abc').text(), 'cba')
    })

    test('a handler that ends its place with process.exit', async (site) => {
      await using pool = make(1)
      const [bad, good] = [site.functionName(), site.functionName()]
      await site
        .worker({ concurrency: 2 })
        .handle(bad, pool.handler(handlers, 'exit'))
        .handle(good, pool.handler(handlers))
        .start()
      const client = await site.client()
      const outcome = client.submit(bad, '3').result()
      const after = client.submit(good, 'abc').text()
      await assert.rejects(outcome, { code: 'JOB_EXCEPTION', message: /^the (thread|process) of the job ended.* 3$/ })
      assert.equal(await after, 'cba')
    })
  })

  describe(`${subject}, without a server`, { timeout: 60_000 }, () => {
    it('an error keeps its name, code, stack and cause', async () => {
      await using pool = make(1)
      await assert.rejects(() => doLoose(pool.handler(handlers, 'boom')), {
        name: 'RangeError',
        message: 'boom',
        code: 'E_BOOM',
        cause: 'a spark',
        stack: /boom \(.*pool-handlers\.js/,
      })
    })

    it('a handler waits until its chunk is taken', async () => {
      await using pool = make(1)
      const job = new LooseJob()
      const outcome = doLoose(pool.handler(handlers, 'wait'), job)
      await job.progressed.given
      job.taken.give()
      assert.equal(await outcome, 'false true')
    })

    it('what the job does not take is thrown at the handler', async () => {
      await using pool = make(1)
      const job = new LooseJob()
      job.data = () => Promise.reject(new TypeError('no chunk'))
      assert.equal(await doLoose(pool.handler(handlers, 'wrong'), job), 'TypeError')
    })

    it('a job that is aborted while it waits is given up at once, and those behind it are done', async () => {
      await using pool = make(1, neverMs)
      const [first, second, third] = [new LooseJob(), new LooseJob(), new LooseJob()]
      const handler = pool.handler(handlers, 'untilAborted')
      const outcomes = [first, second].map((job) => doLoose(handler, job))
      const last = doLoose(pool.handler(handlers), third)
      await first.progressed.given
      second.abort.abort(new Error('too late'))
      await assert.rejects(async () => outcomes[1], /^Error: too late$/)
      first.abort.abort(new Error('enough'))
      await assert.rejects(async () => outcomes[0], /^Error: enough$/)
      assert.equal(await last, '')
    })

    it('an aborted job is not begun', async () => {
      await using pool = make(1, neverMs)
      const job = new LooseJob()
      job.abort.abort(new Error('too late'))
      await assert.rejects(() => doLoose(pool.handler(handlers), job), /^Error: too late$/)
    })

    it('close() lets jobs end, and takes no more', async () => {
      const pool = make(1)
      const job = new LooseJob()
      const handler = pool.handler(handlers, 'wait')
      const outcome = doLoose(handler, job)
      await job.progressed.given
      const closed = pool.close()
      await assert.rejects(doLoose(handler), ClosedError)
      job.taken.give()
      assert.equal(await outcome, 'false true')
      await Promise.all([closed, pool.close()])
    })

    it('a place that ends without a job is replaced, and is warned of', async () => {
      await using pool = make(1)
      const warnings: Error[] = []
      const onWarning = (warning: Error) => warnings.push(warning)
      process.on('warning', onWarning)
      try {
        assert.equal(await doLoose(pool.handler(handlers, 'leaveTrap')), 'all is well')
        await until('a warning came', () => warnings.length > 0)
        assert.match(String(warnings), /trapped|the process of the job ended with code 1/)
      } finally {
        process.off('warning', onWarning)
      }
      assert.equal(await doLoose(pool.handler(handlers)), '')
    })

    it('a file that is not there, and numbers that make no sense, are refused at once', () => {
      const wrong = [
        () => make(1).handler(new URL('./nowhere.js', import.meta.url)),
        () => make(0),
        () => make(1.5),
        () => make(1, -1),
        () => make(1, Number.POSITIVE_INFINITY),
      ]
      for (const run of wrong) assert.throws(run, { code: 'INVALID_ARGUMENT' })
    })

    it('nothing is left after close()', async () => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [leftovers, subject])
      assert.deepEqual([JSON.parse(stdout), stderr], [[], ''])
    })
  })
}
