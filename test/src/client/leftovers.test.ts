import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onServers } from './site.ts'

const program = fileURLToPath(new URL('./leftovers.js', import.meta.url))
const endMs = 30_000

onServers('after close', (test) => {
  test('no socket, timer or listener is left, and nothing was warned of', async (site) => {
    const run = promisify(execFile)(process.execPath, [program, site.address], { timeout: endMs })
    const { stdout, stderr } = await run
    assert.deepEqual(JSON.parse(stdout), { resources: [], listeners: 0 })
    assert.equal(stderr, '')
  })
})
