import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControlOperations } from '@geartrain/protocol'
import { PACKET } from '../support/raw.ts'
import { type Office, onStores, wire } from './office.ts'

type Counts = ControlOperations['jobs counts']['answer']['states']

describe('a list of jobs', () => {
  it(
    'by function, pattern, state, priority, unique and worker, in both orders, page by page',
    onStores(async (office) => {
      const ready = [
        await office.submit('mail.a', 'x', 'u1'),
        await office.submit('mail.b', 'x', 'u2', PACKET.SUBMIT_JOB_HIGH_BG),
        await office.submit(wire('größe'), 'x', wire('ü')),
      ]
      const later = [await office.submitLater('mail.a'), await office.submitLater('other')]
      const { peer, handle: running } = await (async () => {
        await office.submit('run')
        return await office.worker('run')
      })()
      const [a = '', b = '', c = ''] = ready
      const [d = '', e = ''] = later
      const rows: readonly [query: Record<string, string>, expected: readonly string[]][] = [
        [{}, [a, b, c, d, e, running]],
        [{ state: 'ready' }, [a, b, c]],
        [{ state: 'delayed' }, [d, e]],
        [{ state: 'running' }, [running]],
        [{ function: 'mail.a' }, [a, d]],
        [{ function: 'mail.*' }, [a, b, d]],
        [{ function: 'mail.*', state: 'delayed' }, [d]],
        [{ function: 'nobody' }, []],
        [{ priority: 'high' }, [b]],
        [{ priority: 'low' }, []],
        [{ unique: 'u2' }, [b]],
        [{ unique: 'ü' }, [c]],
        [{ function: 'größe' }, [c]],
        [{ worker: 'JOE' }, [running]],
        [{ worker: '127.0.0.1', function: 'run' }, [running]],
        [{ worker: 'joe', state: 'ready' }, []],
        [{ worker: 'nobody' }, []],
        [{ state: 'dead' }, []],
        [{ state: 'complete' }, []],
      ]
      for (const [query, expected] of rows) {
        for (const limit of ['1', '2', '1000']) {
          assert.deepEqual(await office.handles({ ...query, limit }), expected, JSON.stringify(query))
          const newest = await office.handles({ ...query, limit, order: 'newest' })
          assert.deepEqual(newest.toReversed(), expected, `newest ${JSON.stringify(query)}`)
        }
        const count = await office.ask('countJobs', query)
        assert.deepEqual(count, { count: expected.length, isExact: true }, JSON.stringify(query))
      }
      await peer.close()
    }),
  )

  it(
    'of those that have ended, by reason, error and message',
    onStores(async (office) => {
      await office.set('f', { attempts: 1, 'keep-results': '1h' })
      const done = await office.finish('f', 'ok')
      const dead = [await office.bury('f', 'Timeout after 12 ms\n  at x'), await office.bury('f', 'timeout after 3 ms')]
      await office.bury('f', 'no disk')
      const rows: readonly [query: Record<string, string>, expected: readonly string[]][] = [
        [{ state: 'complete' }, [done]],
        [{ state: 'failed' }, []],
        [{ state: 'dead', error: 'TIMEOUT AFTER' }, dead],
        [{ state: 'dead', error: 'at x' }, dead.slice(0, 1)],
        [{ state: 'dead', message: 'timeout after # ms' }, dead.slice(1)],
        [{ state: 'dead', message: 'timeout after # ms', reason: 'exception' }, dead.slice(1)],
        [{ reason: 'expired' }, []],
        [{ reason: 'exception', error: 'disk', function: 'nobody' }, []],
        [{ state: 'ready', reason: 'exception' }, []],
      ]
      for (const [query, expected] of rows) {
        assert.deepEqual(await office.handles({ ...query, limit: '1' }), expected, JSON.stringify(query))
      }
      const { jobs } = (await office.ask('listJobs', {
        state: 'dead',
        error: 'disk',
      })) as ControlOperations['jobs']['answer']
      assert.equal(jobs[0]?.error, 'no disk')
      assert.equal(jobs[0]?.reason, 'exception')
      assert.ok((jobs[0]?.endedAt ?? 0) > 0)
    }),
  )

  it(
    'of those that failed and wait, by what went wrong',
    onStores(async (office) => {
      await office.set('f', { attempts: 5, 'backoff-first': '1h' })
      const handle = await office.bury('f', 'no disk')
      await office.submit('f')
      assert.deepEqual(await office.handles({ error: 'DISK' }), [handle])
      assert.deepEqual(await office.handles({ error: 'DISK', state: 'delayed' }), [handle])
      assert.deepEqual(await office.handles({ error: 'DISK', state: 'ready' }), [])
      assert.deepEqual(await office.handles({ error: 'tape' }), [])
    }),
  )

  it(
    'by age, of jobs that are kept',
    onStores(async (office, isDurable) => {
      const handle = await office.submit('f')
      if (!isDurable) return
      assert.deepEqual(await office.handles({ 'younger-than': '1h' }), [handle])
      assert.deepEqual(await office.handles({ 'older-than': '1h' }), [])
      assert.deepEqual(await office.handles({ 'older-than': '0' }), [handle])
      assert.deepEqual(await office.handles({ 'older-than': '0', 'younger-than': '1d', function: 'f' }), [handle])
    }),
  )

  it(
    'is counted by state',
    onStores(async (office) => {
      await office.set('f', { attempts: 1, 'keep-results': '1h' })
      await office.bury('f', 'no')
      await office.finish('f', 'ok')
      await office.submit('f', '', 'u')
      await office.submitLater('f')
      await office.submit('g')
      const counts = async (query: Record<string, string>) => {
        const { states } = (await office.ask('countJobsByState', query)) as { states: Counts }
        return Object.values(states).map(({ count }) => count)
      }
      assert.deepEqual(await counts({}), [2, 1, 0, 1, 1, 0, 0])
      assert.deepEqual(await counts({ function: 'f' }), [1, 1, 0, 1, 1, 0, 0])
      assert.deepEqual(await counts({ function: 'g' }), [1, 0, 0, 0, 0, 0, 0])
      assert.deepEqual(await counts({ unique: 'u' }), [1, 0, 0, 0, 0, 0, 0])
      assert.deepEqual(await counts({ error: 'no' }), [0, 0, 0, 1, 0, 0, 0])
    }),
  )

  it(
    'goes on where it was though jobs come and go',
    onStores(async (office) => {
      const handles: string[] = []
      for (let i = 0; i < 6; i++) handles.push(await office.submit('f'))
      const first = (await office.ask('listJobs', { limit: '2' })) as ControlOperations['jobs']['answer']
      for (const handle of handles.slice(1, 4)) await office.status('cancelJob', { params: { handle } })
      const last = await office.submit('f')
      assert.deepEqual(await office.handles({ limit: '2', after: first.next ?? '' }), [...handles.slice(4), last])
    }),
  )

  it('refuses what is no filter', async () => {
    await onStores(async (office: Office) => {
      const rows: readonly Record<string, string>[] = [
        { state: 'pending' },
        { limit: '0' },
        { limit: '1001' },
        { limit: 'x' },
        { after: 'x' },
        { order: 'random' },
        { priority: 'urgent' },
        { 'older-than': 'yesterday' },
        { 'older-than': '-1s' },
        { error: '' },
        { error: 'x'.repeat(1001) },
        { unique: '' },
        { function: '' },
        { function: 'x'.repeat(513) },
        { nobody: 'knows' },
      ]
      for (const query of rows) {
        assert.equal(await office.status('listJobs', { query }), '400 BAD_REQUEST', JSON.stringify(query))
      }
    })()
  })
})
