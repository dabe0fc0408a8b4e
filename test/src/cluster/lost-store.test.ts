import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { grab } from '../server/desk.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { TwoServers } from './two-servers.ts'

suite('a server whose way to the store is lost', () => {
  for (const isKept of [true, false]) {
    test(`a batch that was ${isKept ? '' : 'not '}kept is answered when the store says so`, async () => {
      await using servers = await TwoServers.start()
      const { a } = servers
      const client = await a.local.connect('client')
      a.store.isCut = true
      client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'first')
      await until('the batch was at the store', () => a.local.server.isStoreBusy)
      a.store.lose(isKept)
      await until('the store was given up', () => !a.local.server.isStoreBusy)

      a.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'second')
      assert.match((await a.peer.receive('ERROR')).body.toString(), /CUT_OFF|connection is lost/)
      assert.equal(client.pending.length, 0, 'nobody knows')

      a.store.isCut = false
      servers.clock.advance(1000)
      const { name, body } = await client.receive('JOB_CREATED')
      assert.equal(name, 'JOB_CREATED')
      assert.deepEqual(
        servers.disk.jobs.map(({ number }) => String(number)),
        [body.toString().slice(-16)],
      )
      await servers.submit(a, 'f', 'third')
    })
  }

  test('what runs there goes on if nobody else has it', async () => {
    await using servers = await TwoServers.start()
    const { a } = servers
    const worker = await servers.worker(a, 'f')
    const handle = await servers.submit(a, 'f')
    assert.equal(await grab(worker), handle)
    a.store.lose(true)
    servers.clock.advance(1000)
    await servers.beat()
    assert.deepEqual(servers.disk.ownedBy(a.store), [Number(handle.slice(-16))])
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    await worker.sync()
    await servers.beat()
    assert.deepEqual(servers.disk.jobs, [])
  })

  test('what others have taken is theirs, and what is said of it here counts no more', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const worker = await servers.worker(a, 'f')
    const handle = await servers.submit(a, 'f')
    await grab(worker)
    a.store.isCut = true
    a.store.listener?.onLeaseOver()
    a.store.expire()
    const other = await servers.worker(b, 'f')
    await servers.beat()
    const taken = await grab(other)
    assert.equal(taken.slice(-16), handle.slice(-16))

    worker.send(PACKET.WORK_COMPLETE, handle, 'late')
    a.store.isCut = false
    servers.clock.advance(1000)
    await servers.settle()
    await servers.beat()
    assert.equal(servers.disk.jobs.length, 1, 'it is still at the other server')
    assert.deepEqual(servers.disk.ownedBy(b.store), [Number(handle.slice(-16))])
    other.send(PACKET.WORK_COMPLETE, taken, 'done')
    await other.sync()
    await servers.beat()
    assert.deepEqual(servers.disk.jobs, [])
  })

  test('what has ended while the store was away does not run again', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const worker = await servers.worker(a, 'f')
    const handle = await servers.submit(a, 'f')
    await grab(worker)
    a.store.isCut = true
    a.store.lose(false)
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    await worker.close()
    const other = await servers.worker(b, 'f')
    other.send(PACKET.PRE_SLEEP)
    a.store.isCut = false
    servers.clock.advance(1000)
    await servers.settle()
    assert.deepEqual(a.store.held, [Number(handle.slice(-16))], 'nobody is to take it before the store has heard')
    await other.expectNothing()
    await servers.beat()
    assert.deepEqual(servers.disk.jobs, [])
  })
})
