import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { grab } from '../server/desk.ts'
import { PACKET } from '../support/raw.ts'
import { TwoServers } from './two-servers.ts'

suite('jobs of one queue at two servers', () => {
  test('what is submitted to one is done at the other, and seen at both', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const handle = await servers.submit(a, 'f', 'work')
    assert.match(handle, /^H:A:\d{16}$/)
    assert.equal(await servers.status(b, handle), 'known', 'the number of a handle says which job it is')

    const worker = await servers.worker(b, 'f')
    await servers.beat()
    const own = await grab(worker)
    assert.equal(own.slice(-16), handle.slice(-16))
    assert.match(own, /^H:B:/)
    await servers.beat()
    await servers.beat()
    assert.equal(await servers.status(a, handle), 'known, running', 'it is where it is')
    assert.equal(await servers.status(b, handle), 'known, running')
    assert.equal(await servers.table(a, 'status'), 'f\t1\t1\t1\n', 'of all servers')
    assert.equal(await servers.table(b, 'status'), 'f\t1\t1\t1\n')
    const shown = await servers.ask(a, 'job show', { handle })
    assert.deepEqual([shown.state, shown.server], ['running', 'B'])

    worker.send(PACKET.WORK_COMPLETE, own, 'done')
    await worker.sync()
    await servers.beat()
    await servers.beat()
    assert.equal(await servers.status(a, handle), 'unknown')
    assert.equal(await servers.table(a, 'status'), 'f\t0\t0\t1\n')
    assert.deepEqual(servers.disk.jobs, [])
  })

  test('a job that another server runs is cancelled there', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const handle = await servers.submit(a, 'f')
    const worker = await servers.worker(b, 'f')
    worker.send(PACKET.OPTION_REQ, 'cancellation')
    await worker.receive('OPTION_RES')
    await servers.beat()
    await grab(worker)
    await servers.ask(a, 'job cancel', { handle })
    assert.deepEqual(servers.disk.jobs, [])
    await servers.beat()
    assert.equal(b.local.server.engine.jobCount, 0)
    assert.equal(await servers.status(b, handle), 'unknown')
  })

  test('a handle that is none is of no job', async () => {
    await using servers = await TwoServers.start()
    await servers.submit(servers.a, 'f')
    for (const handle of ['', ':', '1234567890123456', ':123456789012345', `${'H'.repeat(50)}:1234567890123456`]) {
      assert.equal(await servers.status(servers.b, handle), 'unknown', handle)
    }
  })

  test('a server that ends lets go of what it has not begun', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const worker = await servers.worker(a, 'f')
    for (let i = 0; i < 3; i++) await servers.submit(a, 'f')
    await grab(worker)
    await servers.settle()
    await servers.close(a)
    assert.deepEqual(servers.disk.ownedBy(a.store), [])
    const other = await servers.worker(b, 'f')
    servers.clock.advance(1000)
    servers.disk.beat()
    for (let i = 0; i < 3; i++) await grab(other)
  })

  test('the servers of the cluster are listed', async () => {
    await using servers = await TwoServers.start()
    const { cluster, features } = await servers.ask(servers.b, 'server show', {})
    assert.ok(features.includes('cluster'))
    assert.equal(cluster?.leaseMs, 10_000)
    const rows = cluster.servers.map(({ name, isThis, isLeader }) => ({ name, isThis, isLeader }))
    assert.deepEqual(rows, [
      { name: 'A', isThis: false, isLeader: true },
      { name: 'B', isThis: true, isLeader: false },
    ])
  })
})
