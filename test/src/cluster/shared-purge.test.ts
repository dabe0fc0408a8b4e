import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { grab } from '../server/desk.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { TwoServers } from './two-servers.ts'

/** A has the jobs that it was given, and as many workers: so many have one, the others sleep, and are woken. */
async function start({ jobs, running }: { jobs: number; running: number }): Promise<{
  readonly servers: TwoServers
  readonly workers: readonly RawPeer[]
}> {
  const servers = await TwoServers.linked()
  const workers: RawPeer[] = []
  for (let i = 0; i < jobs; i++) workers.push(await servers.worker(servers.a, 'f'))
  for (const worker of workers.slice(running)) worker.send(PACKET.PRE_SLEEP)
  for (let i = 0; i < jobs; i++) await servers.submit(servers.a, 'f')
  for (const worker of workers.slice(0, running)) await grab(worker)
  await servers.beat()
  assert.equal(servers.disk.ownedBy(servers.a.store).length, jobs)
  return { servers, workers }
}

suite('a purge of a function at one of two servers', () => {
  test('ends what waits in the memory of the other one, foreground jobs too, and not what runs', async () => {
    const { servers } = await start({ jobs: 5, running: 1 })
    await using _ = servers
    const { a, b } = servers
    const client = await a.local.connect('client')
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'foreground')
    await client.receive('JOB_CREATED')
    await servers.submit(b, 'f')
    await servers.submit(b, 'g')
    assert.deepEqual(await servers.ask(b, 'function purge', { name: 'f' }), { purged: 4 + 1 + 1 })
    assert.deepEqual(
      servers.disk.jobs.map((job) => job.function),
      ['f', 'g'],
    )
    assert.equal((await client.receive()).name, 'WORK_FAIL')
    assert.equal(a.local.server.engine.jobCount, 1)
    await servers.beat()
    await servers.beat()
    assert.equal(await servers.table(b, 'status'), 'f\t1\t1\t5\ng\t1\t0\t0\n')
    assert.deepEqual(await servers.ask(b, 'function purge', { name: '*' }), { purged: 1 })
  })

  test('ends what the other one lets go meanwhile', async () => {
    const { servers, workers } = await start({ jobs: 4, running: 0 })
    await using _ = servers
    const { a, b } = servers
    a.store.isCut = true
    const purged = servers.ask(b, 'function purge', { name: 'f' })
    await until('it had come to the other one', () => a.local.server.isStoreBusy)
    for (const worker of workers) await worker.close()
    await until('nobody was there to begin them', () => a.local.server.engine.findFunction('f')?.readyCount === 0)
    await a.store.goOn()
    assert.deepEqual(await purged, { purged: 4 })
    assert.deepEqual(servers.disk.jobs, [])
  })

  test('ends what the store has given to the other one, and that does not know yet', async () => {
    await using servers = await TwoServers.linked()
    const { a, b } = servers
    for (let i = 0; i < 3; i++) await servers.submit(b, 'f')
    await servers.beat()
    a.store.isLate = true
    const worker = await a.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.PRE_SLEEP)
    await until('it had claimed some', () => servers.disk.ownedBy(a.store).length > 0)
    const claimed = servers.disk.ownedBy(a.store).length
    const purged = servers.ask(b, 'function purge', { name: 'f' })
    await until('the store had no others', () => servers.disk.jobs.length === claimed)
    await a.store.goOn()
    assert.deepEqual(await purged, { purged: 3 })
    assert.deepEqual(servers.disk.jobs, [])
  })

  test('says what is left where the other one can not be asked', async () => {
    const { servers } = await start({ jobs: 5, running: 1 })
    await using _ = servers
    const { b } = servers
    b.local.server.links.close()
    await servers.submit(b, 'f')
    await servers.submit(b, 'f')
    for (const name of ['f', '*']) {
      assert.equal(
        await servers.refuse(b, { op: 'function purge', name }),
        `CONFLICT: ${name === 'f' ? 2 : 0} jobs have ended, but others still wait: about 4 in the memory of the server A ` +
          '(there is no link to it); purge once more at that server, or when it can be reached from here',
      )
    }
    assert.equal(servers.disk.jobs.length, 5)
    assert.deepEqual(await servers.ask(servers.a, 'function purge', { name: 'f' }), { purged: 4 })
  })

  test('is not told of a server that can not be asked and only runs what it has', async () => {
    const { servers } = await start({ jobs: 1, running: 1 })
    await using _ = servers
    const { b } = servers
    b.local.server.links.close()
    await servers.submit(b, 'f')
    assert.deepEqual(await servers.ask(b, 'function purge', { name: 'f' }), { purged: 1 })
    assert.equal(servers.disk.jobs.length, 1)
  })

  test('says what the other one says, if its store fails', async () => {
    const { servers } = await start({ jobs: 3, running: 0 })
    await using _ = servers
    servers.a.store.isFull = true
    assert.match(
      await servers.refuse(servers.b, { op: 'function purge', name: 'f' }),
      /^CONFLICT: 0 jobs have ended, but others still wait: about 3 in the memory of the server A \(the store has failed: it is full/,
    )
    servers.a.store.isFull = false
  })
})
