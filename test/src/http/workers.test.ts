import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConnectionState } from '@geartrain/protocol'
import { PACKET } from '../support/raw.ts'
import { type Office, onStores, wire } from './office.ts'

async function connections(office: Office, id: string, query = {}): Promise<readonly ConnectionState[]> {
  return ((await office.ask(id, query)) as { connections: ConnectionState[] }).connections
}

describe('workers and connections', () => {
  it(
    'are shown with what they do',
    onStores(async (office) => {
      await office.submit(wire('größe'), 'x'.repeat(1000))
      const { peer, handle } = await office.worker(wire('größe'))
      const [worker, ...others] = await connections(office, 'listWorkers')
      assert.ok(worker !== undefined && others.length === 0)
      const { id, number, bytesIn, bytesOut, openedAt, lastInputAt, jobs, ...rest } = worker
      assert.deepEqual(rest, {
        kind: 'tcp',
        address: '127.0.0.1',
        clientId: 'joe',
        actor: 'anyone',
        functions: ['größe'],
        isSleeping: false,
        waiting: 0,
        outputBytes: 0,
      })
      assert.deepEqual(
        jobs.map((job) => [job.handle, job.function]),
        [[handle, 'größe']],
      )
      assert.ok(Date.now() - (jobs[0]?.startedAt ?? 0) < 60_000)
      assert.ok(number >= 0 && bytesIn > 0 && bytesOut > 1000)
      assert.ok(openedAt <= lastInputAt && lastInputAt <= Date.now() + 1000)
      const running = await office.job(handle)
      assert.equal(running.connection, id)
      assert.ok((running.startedAt ?? 0) > 0)
      assert.equal((await connections(office, 'listConnections')).length, 2)
      assert.deepEqual(await connections(office, 'listWorkers', { function: 'nobody' }), [])
      assert.equal((await connections(office, 'listWorkers', { function: 'gr*' })).length, 1)
      await peer.close()
    }),
  )

  it(
    'are shown page by page',
    onStores(async (office) => {
      for (let i = 0; i < 3; i++) await office.submit('f')
      const peers = [await office.worker('f'), await office.worker('f'), await office.worker('f')]
      const ids: number[] = []
      for (let after: string | undefined = '0'; after !== undefined; ) {
        const page = (await office.ask('listWorkers', { limit: '2', after })) as {
          connections: ConnectionState[]
          next?: string
        }
        ids.push(...page.connections.map(({ id }) => id))
        after = page.next
      }
      assert.equal(new Set(ids).size, 3)
      for (const { peer } of peers) await peer.close()
    }),
  )

  it(
    'can be ended; the number of one is never that of another',
    onStores(async (office) => {
      await office.submit('f')
      const { peer, handle } = await office.worker('f')
      peer.send(PACKET.ECHO_REQ, 'still there')
      await peer.receive('ECHO_RES')
      const [worker] = await connections(office, 'listWorkers')
      const params = { id: String(worker?.id) }
      assert.equal(await office.status('closeConnection', { params }), '204')
      await peer.expectClosed()
      assert.equal(await office.state(handle), 'ready')
      const next = await office.worker('f')
      assert.equal(await office.status('closeConnection', { params }), '404 NOT_FOUND')
      assert.equal(await office.state(handle), 'running')
      for (const id of ['0', 'x', '-1', '1.5']) {
        assert.equal(await office.status('closeConnection', { params: { id } }), '400 BAD_REQUEST', id)
      }
      await next.peer.close()
    }),
  )
})
