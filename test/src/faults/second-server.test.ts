import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { describe, it } from 'node:test'
import { scratch } from '../cli/command.ts'
import { DurableServer } from './durable-server.ts'
import { assertForeground, assertHasSamples, submitSamples } from './sample.ts'

function inUseBy(pid: number): RegExp {
  return new RegExp(`\\.db is in use by process ${pid}; stop that process, or let this one use another file$`)
}

describe('a second server on the same file', () => {
  it("is refused with the first's pid, and the first goes on", async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await using first = await DurableServer.start(path)
    await submitSamples(first.port, 0, 20)
    for (let i = 0; i < 2; i++) assert.match(await DurableServer.refused(path), inUseBy(first.pid))
    await submitSamples(first.port, 20, 40)
    await assertForeground(first.port)
    await assertHasSamples(first.port, 40)
    assert.deepEqual(first.complaints, [])
  })

  it('is refused also by way of a link', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await using first = await DurableServer.start(path)
    symlinkSync(path, directory.path('link.db'))
    symlinkSync(directory.path(''), directory.path('here'))
    assert.match(await DurableServer.refused(directory.path('link.db')), inUseBy(first.pid))
    assert.match(await DurableServer.refused(directory.path('here/jobs.db')), inUseBy(first.pid))
  })

  it('is refused while the first stands still, and starts at once when that is killed', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await using first = await DurableServer.start(path)
    await submitSamples(first.port, 0, 40)
    process.kill(first.pid, 'SIGSTOP')
    assert.match(await DurableServer.refused(path), inUseBy(first.pid))
    await first.kill()
    await using second = await DurableServer.start(path)
    await assertHasSamples(second.port, 40)
    assert.match(await DurableServer.refused(path), inUseBy(second.pid))
  })

  it('starts when the first has stopped', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await using first = await DurableServer.start(path)
    await submitSamples(first.port, 0, 40)
    assert.equal(await first.stop(), 0)
    await using second = await DurableServer.start(path)
    await assertHasSamples(second.port, 40)
  })

  it('of several that start at once, one runs and is named by the others', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    for (let round = 0; round < 2; round++) {
      const outcomes = await Promise.all(Array.from({ length: 4 }, () => DurableServer.tryToStart(path)))
      const servers = outcomes.filter((outcome) => typeof outcome !== 'string')
      const [winner] = servers
      try {
        assert.equal(servers.length, 1)
        for (const outcome of outcomes) {
          if (typeof outcome === 'string') assert.match(outcome, inUseBy(winner?.pid ?? 0))
        }
      } finally {
        // The next round finds what it leaves.
        for (const server of servers) await server.kill()
      }
    }
  })
})
