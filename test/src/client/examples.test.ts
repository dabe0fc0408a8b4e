import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { repositoryRoot } from '../support/peers.ts'
import { onServers } from './site.ts'

const endMs = 30_000

onServers('examples', (test) => {
  test('worker.js, client.js, status.js and access-logs.js', async (site) => {
    const environment = { ...process.env, GEARMAN_SERVERS: site.address }
    const run = async (name: string) => {
      const script = join(repositoryRoot, 'examples', name)
      return (await promisify(execFile)(process.execPath, [script], { env: environment, timeout: endMs })).stdout
    }

    const worker = spawn(process.execPath, [join(repositoryRoot, 'examples/worker.js')], { env: environment })
    const exited = once(worker, 'exit')
    try {
      const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]()
      assert.equal((await lines.next()).value, `takes jobs from ${site.address}`)
      assert.equal(
        await run('client.js'),
        '!dlroW olleH\neno owt eerht\nline 1 of 2\nline 2 of 2\n6 words\nit waits for its time\nTIMEOUT\n',
      )
      assert.match(
        await run('status.js'),
        /^Gearman server \S+, \d connections\n(.*\n)*reverse +\d waiting, 0 running, 1 workers\n/,
      )
      const pages = "[ [ '/', 10000 ], [ '/prices', 3333 ], [ '/article/1', 953 ] ]\n"
      assert.equal(await run('access-logs.js'), pages + pages)
      worker.kill('SIGTERM')
      assert.equal((await lines.next()).value, 'all jobs are done')
      assert.deepEqual(await exited, [0, null])
    } finally {
      worker.kill('SIGKILL')
    }
  })
})
