import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onOwnServer, text } from '../client/site.ts'
import { geartrain } from './command.ts'

describe('geartrain do: what a job has of its own', { concurrency: 2 }, () => {
  it('on our server', (t) =>
    onOwnServer('ours', t, async (site) => {
      const job = ['--at', '+1h', '--priority', 'high', '--then', 'après', '--keep-results', '1h', '--unique-for', '5m']
      const times = ['--backoff', 'fixed', '--backoff-first', '2s', '--job-timeout', '30s', '--ttl', '1d']
      const attempts = ['--attempts', '3', '--retry-on', 'lost,timeout', '--retry-foreground']
      const handle = await geartrain(['do', 'f', 'x', '-b', '-s', site.address, ...job, ...times, ...attempts])
      assert.equal(handle.stderr, '')
      assert.equal(handle.code, 0)
      const described = await (await site.admin()).job(handle.stdout.trim())
      assert.deepEqual([described?.state, described?.priority, described?.then], ['delayed', 'high', 'après'])
    }))

  it('attempts of a job in the foreground', (t) =>
    onOwnServer('ours', t, async (site) => {
      let attempts = 0
      const worker = site.worker()
      worker.handle('f', (job) => {
        if (++attempts < 3) throw new Error('not yet')
        return `${text(job.workload)} at last`
      })
      await worker.start()
      const flags = ['--attempts', '3', '--retry-foreground', '--backoff-first', '0']
      const { stdout, code } = await geartrain(['do', 'f', 'x', '-s', site.address, ...flags])
      assert.deepEqual([stdout, code, attempts], ['x at last', 0, 3])
    }))

  it('on C gearmand it is refused', (t) =>
    onOwnServer('gearmand', t, async (site) => {
      for (const [flags, needs] of [
        [['--attempts', '3'], 'a policy'],
        [['--then', 'g'], 'then'],
        [['--at', '+1h', '--priority', 'high'], 'a priority with a time'],
      ] as const) {
        const { stdout, stderr, code } = await geartrain(['do', 'f', 'x', '-b', '-s', site.address, ...flags])
        assert.equal(stderr, `geartrain do: ${site.address} is no Geartrain, which it takes for ${needs}\n`)
        assert.deepEqual([stdout, code], ['', 1])
      }
    }))
})
