import assert from 'node:assert/strict'
import { JobExceptionError, JobFailedError, JobFailure, type JobHandler } from '@geartrain/client'
import { collect, shorten } from './events.ts'
import { signal } from './signal.ts'
import { onServers, text } from './site.ts'

const chatty: JobHandler = async (job) => {
  await job.data('one')
  job.progress(1, 2)
  await job.warn('careful')
  await job.data('two')
  job.progress(2, 2)
  return 'done'
}

const told = ['data one', 'status 1/2', 'warning careful', 'data two', 'status 2/2', 'complete done']

onServers('events of a job', (test) => {
  test('all of them, in their order, the first being that it was created', async (site) => {
    const f = site.functionName()
    await site.worker().handle(f, chatty).start()
    const job = (await site.client()).submit(f, '')
    const events = await collect(job)
    assert.deepEqual(events[0], { type: 'created', handle: job.handle })
    assert.deepEqual(shorten(events), told)
  })

  test('whoever comes late has missed nothing', async (site) => {
    const f = site.functionName()
    await site.worker().handle(f, chatty).start()
    const job = (await site.client()).submit(f, '')
    assert.equal(await job.text(), 'done')
    assert.deepEqual(shorten(await collect(job)), told)
  })

  test('each event is given once: who goes on later goes on where the other stopped', async (site) => {
    const f = site.functionName()
    await site.worker().handle(f, chatty).start()
    const job = (await site.client()).submit(f, '')
    for await (const event of job) if (event.type === 'status') break
    assert.deepEqual(shorten(await collect(job)), told.slice(2))
  })

  test('they come while the job runs', async (site) => {
    const f = site.functionName()
    const heard = signal()
    await site
      .worker()
      .handle(f, async (job) => {
        await job.data('now')
        await heard.given
        return 'later'
      })
      .start()
    const job = (await site.client()).submit(f, '')
    for await (const event of job) if (event.type === 'data') heard.give()
    assert.equal(await job.text(), 'later')
  })

  const ends: readonly [string, JobHandler, readonly string[], (error: unknown, handle: string) => void][] = [
    [
      'an exception',
      () => {
        throw new Error('no paper left')
      },
      ['exception no paper left'],
      (error, handle) => {
        assert.ok(error instanceof JobExceptionError)
        assert.equal(error.code, 'JOB_EXCEPTION')
        assert.equal(error.message, 'no paper left')
        assert.equal(text(error.data), 'no paper left')
        assert.equal(error.handle, handle)
        assert.equal(error.retryable, false)
      },
    ],
    [
      'a failure',
      async (job) => {
        await job.data('half')
        throw new JobFailure()
      },
      ['data half', 'fail'],
      (error, handle) => {
        assert.ok(error instanceof JobFailedError)
        assert.equal(error.code, 'JOB_FAILED')
        assert.equal(error.handle, handle)
        assert.equal(error.name, 'JobFailedError')
        assert.equal(error.retryable, false)
      },
    ],
  ]
  for (const [name, handler, events, check] of ends) {
    test(`${name} is the last event, and rejects result()`, async (site) => {
      const f = site.functionName()
      await site.worker().handle(f, handler).start()
      const job = (await site.client()).submit(f, '')
      assert.deepEqual(shorten(await collect(job)), events)
      await assert.rejects(job.result(), (error) => {
        check(error, job.handle ?? '')
        return true
      })
    })
  }

  for (const [name, thrown, message] of [
    ['an Error without a message', new RangeError(), 'RangeError'],
    ['a string', 'just text', 'just text'],
    ['undefined', undefined, 'undefined'],
    ['an object', { toString: () => 'my text' }, 'my text'],
    ['an object that is no text', Object.create(null), 'the handler threw something that is not an error'],
    ['text that is not ASCII', new Error('Größe fehlt'), 'Größe fehlt'],
  ] as const) {
    test(`a handler that throws ${name}`, async (site) => {
      const f = site.functionName()
      const errors: unknown[] = []
      await site
        .worker({ onError: (error) => errors.push(error) })
        .handle(f, () => Promise.reject(thrown))
        .start()
      const client = await site.client()
      await assert.rejects(client.submit(f, '').result(), { code: 'JOB_EXCEPTION', message })
      assert.deepEqual(errors, [thrown])
      // The exception was the end: a WORK_FAIL behind it would have come back as an ERROR.
      await site
        .worker()
        .handle(site.functionName(), () => undefined)
        .start()
      assert.equal(errors.length, 1)
    })
  }

  test('a handler that returns what can not be sent', async (site) => {
    const f = site.functionName()
    // What a program without types may do.
    const handler = (() => Symbol('a secret')) as unknown as JobHandler
    await site.worker().handle(f, handler).start()
    await assert.rejects((await site.client()).submit(f, '').result(), {
      code: 'JOB_EXCEPTION',
      message: 'a handler returns a string, a Uint8Array, a stream of them, what JSON has or nothing, not this symbol',
    })
  })
})
