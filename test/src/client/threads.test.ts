import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ThreadPool } from '@geartrain/client/threads'
import { doLoose, handlers } from './loose-job.ts'
import { testPool } from './pools.ts'

testPool('threads', (threads, graceMs) => new ThreadPool({ threads, graceMs }))

describe('threads alone', { timeout: 60_000 }, () => {
  it('run in this process, beside its event loop', async () => {
    await using pool = new ThreadPool({ threads: 1 })
    const [place = ''] = (await doLoose(pool.handler(handlers, 'place'))).split(' ')
    assert.match(place, new RegExp(`^${process.pid}-[1-9]`))
  })

  it('an error that nobody caught is the end of the job', async () => {
    await using pool = new ThreadPool({ threads: 1 })
    const outcome = () => doLoose(pool.handler(handlers, 'stumble'))
    await assert.rejects(outcome, { message: 'the thread of the job ended: stumbled' })
  })

  it('a job that takes more memory than a thread may have fails, and costs nobody else anything', async () => {
    await using pool = new ThreadPool({ threads: 1, resourceLimits: { maxOldGenerationSizeMb: 16 } })
    await assert.rejects(() => doLoose(pool.handler(handlers, 'devour')), {
      message: 'the thread of the job ended: Worker terminated due to reaching memory limit: JS heap out of memory',
    })
    assert.equal(await doLoose(pool.handler(handlers)), '')
  })
})
