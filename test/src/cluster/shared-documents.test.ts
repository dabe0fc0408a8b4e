import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { grab } from '../server/desk.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { TwoServers } from './two-servers.ts'

async function grabIfAwake(worker: RawPeer): Promise<void> {
  await worker.sync()
  if (worker.pending.length === 0) return
  assert.equal((await worker.receive('NOOP')).name, 'NOOP')
  worker.send(PACKET.GRAB_JOB)
  if ((await worker.receive('a job or none')).name === 'NO_JOB') worker.send(PACKET.PRE_SLEEP)
}

suite('what is set at one server holds at the others', () => {
  test('a policy', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'function set', { name: 'f*', values: { paused: 'true' } })
    await servers.beat()
    assert.equal(b.local.server.engine.findFunction('f')?.policy.paused ?? true, true)
    await servers.submit(b, 'f')
    assert.equal(b.local.server.engine.findFunction('f')?.policy.paused, true)
    await servers.ask(b, 'function set', { name: 'f*', values: { paused: null } })
    await servers.beat()
    const { settings } = await servers.ask(a, 'function show', { name: 'f' })
    assert.equal(settings.find(({ key }) => key === 'paused')?.value, 'false')
    assert.deepEqual(servers.disk.documents('policy'), [])
  })

  test('what was changed while a server was cut off', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    b.store.isCut = true
    b.store.lose(false)
    await servers.ask(a, 'function set', { name: 'f', values: { paused: 'true' } })
    b.store.news.documents.length = 0
    b.store.isCut = false
    servers.clock.advance(1000)
    await servers.settle()
    await servers.submit(b, 'f')
    assert.equal(b.local.server.engine.findFunction('f')?.policy.paused, true)
  })

  test('a limit is shared', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    servers.disk.shares.set('f A', 2)
    servers.disk.shares.set('f B', 1)
    await servers.ask(a, 'function set', { name: 'f', values: { concurrency: '3' } })
    await servers.beat()
    for (let i = 0; i < 6; i++) await servers.submit(a, 'f')
    await servers.beat()
    const workers: RawPeer[] = []
    for (const member of [a, b, a, b, a, b]) workers.push(await servers.worker(member, 'f'))
    for (const worker of workers) worker.send(PACKET.PRE_SLEEP)
    for (let i = 0; i < 5; i++) {
      await servers.beat()
      for (const worker of workers) await grabIfAwake(worker)
    }
    const count = (member: typeof a) => member.local.server.engine.findFunction('f')?.runningCount
    assert.deepEqual([count(a), count(b)], [2, 1])
    assert.deepEqual(a.store.demands.at(0)?.concurrency, 3, 'the limit as it was set')
  })

  test('without a share nothing is begun, and with one it is', async () => {
    await using servers = await TwoServers.start()
    const { a } = servers
    await servers.ask(a, 'function set', { name: 'f', values: { concurrency: '1' } })
    const worker = await servers.worker(a, 'f')
    await servers.submit(a, 'f')
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
    worker.send(PACKET.PRE_SLEEP)
    await worker.sync()
    await servers.beat()
    assert.equal(a.store.demands[0]?.wanted, 1)
    servers.disk.shares.set('f A', 1)
    await servers.beat()
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    await grab(worker)
  })

  test('a part of a limit is asked for where a foreground job of another server could be done', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    await servers.ask(a, 'function set', { name: 'f', values: { concurrency: '1' } })
    await servers.beat()
    a.peer.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
    await a.peer.receive('JOB_CREATED')
    const worker = await servers.worker(b, 'f')
    worker.send(PACKET.PRE_SLEEP)
    await worker.sync()
    for (let i = 0; i < 3; i++) await servers.beat()
    assert.deepEqual(
      b.store.demands.map(({ function: name, wanted }) => [name, wanted]),
      [['f', 1]],
    )
  })
})
