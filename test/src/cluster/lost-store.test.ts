import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { silentLog } from '@geartrain/server'
import { RecordedLog } from '../faults/recorded-log.ts'
import { originOf } from '../http/local-http.ts'
import { grab } from '../server/desk.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { TwoServers } from './two-servers.ts'

/** With more on its way to the store, who adds to it is not read from. */
const openBytesMax = 16 * 1024 * 1024

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

  test('what follows a job that has ended meanwhile is done when the store is back', async () => {
    await using servers = await TwoServers.start()
    const { a } = servers
    await servers.ask(a, 'function set', { name: 'f', values: { then: 'g' } })
    const worker = await servers.worker(a, 'f')
    const next = await servers.worker(a, 'g')
    const handle = await servers.submit(a, 'f')
    await grab(worker)
    a.store.isCut = true
    a.store.lose(false)
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    await worker.sync()
    a.store.isCut = false
    servers.clock.advance(1000)
    await servers.settle()
    await servers.beat()
    const following = await grab(next)
    assert.deepEqual(servers.disk.ownedBy(a.store), [Number(following.slice(-16))])
    next.send(PACKET.WORK_COMPLETE, following, 'done')
    await next.sync()
    await servers.beat()
    assert.deepEqual(servers.disk.jobs, [])
  })

  test('a lease that is over while the store has a batch is over when that is kept', async () => {
    await using servers = await TwoServers.start()
    const { a } = servers
    const worker = await servers.worker(a, 'f')
    worker.send(PACKET.PRE_SLEEP)
    await worker.sync()
    const client = await a.local.connect('client')
    a.store.isCut = true
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await until('the batch was at the store', () => a.local.server.isStoreBusy)
    a.store.listener?.onLeaseOver()
    await a.store.goOn()
    const handle = (await client.receive('JOB_CREATED')).body.toString()
    assert.equal(a.local.server.engine.durable?.isLapsed, true)

    servers.clock.advance(1000)
    await servers.settle()
    assert.equal(a.local.server.engine.durable?.isLapsed, false, 'it was opened anew')
    await servers.beat()
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    assert.equal(await grab(worker), handle)
  })

  test('its parts of limits are used no longer when others may have them', async () => {
    await using servers = await TwoServers.start()
    const { a } = servers
    servers.disk.shares.set('f A', 1)
    await servers.ask(a, 'function set', { name: 'f', values: { concurrency: '1' } })
    const worker = await servers.worker(a, 'f')
    worker.send(PACKET.PRE_SLEEP)
    await worker.sync()
    const client = await a.local.connect('client')
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
    await client.receive('JOB_CREATED')
    await servers.beat()
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    a.store.isCut = true
    a.store.listener?.onLeaseOver()
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
  })

  test('who watches a job that another server has taken hears so', async () => {
    const lines: string[] = []
    const debug = (_facts: unknown, line = '') => void lines.push(line)
    await using servers = await TwoServers.start({ log: { ...silentLog, debug, isLevelEnabled: () => true } })
    const { a, b } = servers
    const worker = await servers.worker(a, 'f')
    worker.send(PACKET.OPTION_REQ, 'cancellation')
    await worker.receive('OPTION_RES')
    const handle = await servers.submit(a, 'f')
    await grab(worker)
    a.store.isCut = true
    a.store.expire()
    const other = await servers.worker(b, 'f')
    await servers.beat()
    await grab(other)
    a.store.lose(false)
    a.store.isCut = false
    await servers.settle()
    servers.clock.advance(1000)
    await servers.settle()
    assert.equal((await worker.receive('JOB_CANCEL')).args[0], handle)
    assert.equal(lines.filter((line) => line === 'job moved to another server').length, 1)
  })

  test('a store that takes writes again gives no numbers twice', async () => {
    await using servers = await TwoServers.start()
    const { a, b } = servers
    const before = await servers.submit(a, 'f')
    a.store.isFull = true
    a.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', '')
    assert.match((await a.peer.receive('ERROR')).body.toString(), /it is full/)
    a.store.isFull = false
    servers.clock.advance(1000)
    await servers.settle()
    // Looking whether it does has set a number aside, and this server's range is not used up.
    const after = await servers.submit(a, 'f')
    assert.ok(Number(after.slice(-16)) - Number(before.slice(-16)) < 10, `${before} ${after}`)
    await servers.submit(b, 'f')
  })

  test('one that is found again works, and is said to at once; one that is lost again right then has to for a while', async () => {
    const log = new RecordedLog()
    await using servers = await TwoServers.start({ log, http: '127.0.0.1:0' })
    const { a } = servers
    const ready = async () => (await fetch(`${originOf(a.local)}/readyz`)).status
    const told = () => log.lines.filter((line) => /(fails|works again)/.test(line)).map((line) => line.split(':')[0])
    const loseAndFind = async (): Promise<void> => {
      a.store.lose(true)
      assert.equal(await ready(), 503)
      servers.clock.advance(1000)
      await servers.settle()
    }
    await loseAndFind()
    assert.equal(await ready(), 200)
    assert.deepEqual(told(), ['error', 'info'])

    await loseAndFind()
    assert.equal(await ready(), 503)
    await servers.submit(a, 'f')
    servers.clock.advance(9999)
    assert.equal(await ready(), 503)
    servers.clock.advance(1)
    assert.equal(await ready(), 200)
    assert.deepEqual(told(), ['error', 'info', 'error', 'info'])

    servers.clock.advance(10_000)
    await loseAndFind()
    assert.equal(await ready(), 200)
  })

  test('one that takes no writes for a while has to work for a while', async () => {
    await using servers = await TwoServers.start({ http: '127.0.0.1:0' })
    const { a } = servers
    const ready = async () => (await fetch(`${originOf(a.local)}/readyz`)).status
    a.store.isFull = true
    a.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', '')
    await a.peer.receive('ERROR')
    a.store.isFull = false
    await servers.submit(a, 'f')
    servers.clock.advance(9999)
    assert.equal(await ready(), 503)
    servers.clock.advance(1)
    assert.equal(await ready(), 200)
  })

  test('results that are sent on meanwhile do not pile up without bound', async () => {
    await using servers = await TwoServers.start()
    const { a } = servers
    await servers.ask(a, 'function set', { name: 'f', values: { then: 'g' } })
    const { client, worker, handle } = await a.local.jobInHand('f')
    a.store.isCut = true
    a.store.lose(false)
    worker.send(PACKET.WORK_COMPLETE, handle, Buffer.alloc(openBytesMax))
    await client.receive('WORK_COMPLETE')
    worker.send(PACKET.ECHO_REQ, 'x')
    await client.sync()
    assert.equal(worker.pending.length, 0, 'it is not read from')
    a.store.isCut = false
    servers.clock.advance(1000)
    assert.equal((await worker.receive('ECHO_RES')).name, 'ECHO_RES')
    await servers.settle()
    assert.equal(servers.disk.jobs.length, 1)
  })
})
