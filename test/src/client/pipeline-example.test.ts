import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { it } from 'node:test'
import { repositoryRoot, startServer } from '../support/peers.ts'

it('examples/pipeline.js with pipeline.toml', { timeout: 60_000 }, async () => {
  const examples = join(repositoryRoot, 'examples')
  await using server = await startServer('ours', ['--config', join(examples, 'pipeline.toml')])
  const env = { ...process.env, GEARMAN_SERVERS: `127.0.0.1:${server.port}` }
  const worker = spawn(process.execPath, [join(examples, 'pipeline.js')], { env })
  const exited = once(worker, 'exit')
  try {
    const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]()
    for (const expected of [
      'news.fetch has failed: the site of news does not answer',
      'new: an old article of news',
      'new: article 2 of news',
      'new: article 3 of news',
    ]) {
      assert.equal((await lines.next()).value, expected)
    }
    worker.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
  } finally {
    worker.kill('SIGKILL')
  }
})
