import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onStores } from './office.ts'

describe('a change of many jobs', () => {
  it(
    'cancels what a filter lets through, and says first how many that are',
    onStores(async (office) => {
      const handles: string[] = []
      for (let i = 0; i < 20; i++) handles.push(await office.submit(i % 2 === 0 ? 'f' : 'g'))
      const filter = { function: 'f' }
      const nothing = { changed: 0, refused: 0, refusals: [], isExact: true }
      assert.deepEqual(await office.change({ action: 'cancel', filter, dryRun: true }), { ...nothing, matched: 10 })
      assert.equal((await office.handles({})).length, 20)
      const done = await office.change({ action: 'cancel', filter })
      assert.deepEqual(done, { ...nothing, matched: 10, changed: 10 })
      assert.deepEqual(
        await office.handles({}),
        handles.filter((_, i) => i % 2 === 1),
      )
    }),
  )

  it(
    'retries and deletes dead jobs by their group',
    onStores(async (office) => {
      await office.set('f', { attempts: 1 })
      await office.bury('f', 'timeout after 1 ms')
      await office.bury('f', 'timeout after 2 ms')
      const other = await office.bury('f', 'no disk')
      const filter = { state: 'dead', function: 'f', reason: 'exception', message: 'timeout after # ms' }
      assert.equal((await office.change({ action: 'retry', filter, dryRun: true })).matched, 2)
      assert.equal((await office.change({ action: 'retry', filter })).changed, 2)
      assert.deepEqual(await office.handles({ state: 'dead' }), [other])
      assert.equal((await office.handles({ state: 'ready' })).length, 2)
      assert.equal((await office.change({ action: 'delete', filter: { state: 'dead' } })).changed, 1)
      assert.deepEqual(await office.handles({ state: 'dead' }), [])
    }),
  )

  it(
    'deletes results, and leaves what runs',
    onStores(async (office) => {
      await office.set('f', { 'keep-results': '1h' })
      const done = await office.finish('f', 'ok')
      assert.equal((await office.change({ action: 'delete', filter: { state: 'complete' } })).changed, 1)
      assert.equal(await office.state(done), 'gone')
      await office.submit('f')
      const { peer, handle } = await office.worker('f')
      const { changed, refused, refusals } = await office.change({ action: 'delete', handles: [handle, 'H:none:1'] })
      assert.deepEqual([changed, refused, refusals.map((each) => each.handle)], [0, 2, [handle, 'H:none:1']])
      assert.match(refusals[0]?.why ?? '', /is running/)
      await peer.close()
    }),
  )

  it(
    'moves jobs to another line',
    onStores(async (office) => {
      const handles = [await office.submit('f'), await office.submit('f'), await office.submit('g')]
      const change = { action: 'prioritize', priority: 'high' }
      assert.equal((await office.change({ ...change, filter: { function: 'f' } })).changed, 2)
      assert.deepEqual(await office.handles({ priority: 'high' }), handles.slice(0, 2))
      assert.equal((await office.change({ ...change, handles: [handles[2], handles[2]] })).matched, 1)
      assert.deepEqual(await office.handles({ priority: 'high' }), handles)
    }),
  )

  it(
    'lets delayed jobs begin',
    onStores(async (office) => {
      const later = [await office.submitLater('f'), await office.submitLater('f')]
      const ready = await office.submit('f')
      assert.equal(await office.status('runJob', { params: { handle: ready } }), '409 CONFLICT')
      assert.equal((await office.change({ action: 'run', filter: {} })).changed, 2)
      assert.deepEqual((await office.handles({ state: 'ready' })).sort(), [...later, ready].sort())
      const another = await office.submitLater('f')
      assert.equal(await office.status('runJob', { params: { handle: another } }), '204')
      assert.equal(await office.state(another), 'ready')
      assert.equal(await office.status('runJob', { params: { handle: 'H:none:1' } }), '404 NOT_FOUND')
    }),
  )

  it(
    'of one job: deletes what is dead, kept or waits',
    onStores(async (office) => {
      await office.set('f', { attempts: 1, 'keep-results': '1h' })
      for (const handle of [await office.bury('f', 'no'), await office.finish('f', 'ok'), await office.submit('f')]) {
        assert.notEqual(await office.state(handle), 'gone')
        assert.equal(await office.status('deleteJob', { params: { handle } }), '204')
        assert.equal(await office.state(handle), 'gone')
        assert.equal(await office.status('deleteJob', { params: { handle } }), '404 NOT_FOUND')
      }
    }),
  )

  it(
    'is refused if it makes no sense',
    onStores(async (office) => {
      const handle = await office.submit('f')
      const rows: readonly object[] = [
        {},
        { action: 'cancel' },
        { action: 'explode', filter: {} },
        { action: 'cancel', filter: {}, handles: [handle] },
        { action: 'cancel', handles: [] },
        { action: 'cancel', filter: { nobody: 'knows' } },
        { action: 'cancel', filter: { olderThan: 5 } },
        { action: 'cancel', filter: {}, priority: 'high' },
        { action: 'prioritize', filter: {} },
        { action: 'prioritize', filter: {}, priority: 'urgent' },
        { action: 'delete', filter: {} },
        { action: 'cancel', filter: {}, dryRun: 'yes' },
      ]
      for (const body of rows) {
        assert.equal(await office.status('changeJobs', { body }), '400 BAD_REQUEST', JSON.stringify(body))
      }
      assert.equal(await office.state(handle), 'ready')
      const plain = { headers: { 'content-type': 'text/plain' } }
      assert.equal(await office.status('changeJobs', { body: '{}', ...plain }), '415 UNSUPPORTED_MEDIA_TYPE')
    }),
  )
})
