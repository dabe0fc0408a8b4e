import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ProcessPool } from '@geartrain/client/processes'
import { doLoose, handlers, LooseJob } from './loose-job.ts'
import { testPool } from './pools.ts'

testPool('processes', (processes, graceMs) => new ProcessPool({ processes, graceMs }))

describe('processes alone', { timeout: 60_000 }, () => {
  for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGKILL']) {
    it(`a process that is ended by ${signal}`, async () => {
      await using pool = new ProcessPool({ processes: 1 })
      const job = new LooseJob()
      job.workload = Buffer.from(signal)
      const outcome = () => doLoose(pool.handler(handlers, 'die'), job)
      await assert.rejects(outcome, { message: `the process of the job was ended by ${signal}` })
      assert.equal(await doLoose(pool.handler(handlers)), '')
    })
  }

  it('a job that takes more memory than a process may have', async () => {
    await using pool = new ProcessPool({ processes: 1, execArgv: ['--max-old-space-size=16'] })
    const outcome = () => doLoose(pool.handler(handlers, 'devour'))
    await assert.rejects(outcome, { message: 'the process of the job was ended by SIGABRT' })
    assert.equal(await doLoose(pool.handler(handlers)), '')
  })

  it('after jobsMax jobs there is another one', async () => {
    await using pool = new ProcessPool({ processes: 1, jobsMax: 2 })
    const places: unknown[] = []
    for (let i = 0; i < 5; i++) places.push(await doLoose(pool.handler(handlers, 'place')))
    const [a, b, c, d, e] = places
    assert.deepEqual([a === b, b === c, c === d, d === e], [true, false, true, false])
  })

  it('SIGINT and SIGTERM, which a terminal sends to all of them, end no job', async () => {
    await using pool = new ProcessPool({ processes: 1 })
    assert.equal(await doLoose(pool.handler(handlers, 'interrupt')), 'still here')
  })

  it('processes end with the one that has started them', async () => {
    const program = fileURLToPath(new URL('./pool-orphan.js', import.meta.url))
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.resume()
    // Comes when nobody has its stdout open any more.
    assert.deepEqual(await once(child, 'close'), [null, 'SIGKILL'])
  })

  it('what cannot be started', async () => {
    await using pool = new ProcessPool({ processes: 1, execArgv: ['--no-such-flag'] })
    const outcome = () => doLoose(pool.handler(handlers))
    await assert.rejects(outcome, { message: 'the process of the job ended with code 9' })
  })
})
