import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { LinkedServers, type Member, sleepingWorker, submit, take, workerElsewhere } from './links-cluster.ts'

/** Ends every connection of other servers with this one. */
function cut(member: Member): void {
  closeConnections(member, 'server ')
}

/** Those that call themselves so. */
function closeConnections({ local: { server } }: Member, name: string): void {
  server.control.perform({ op: 'connections' }, everyone, (answer) => {
    assert.ok(answer.ok)
    // What the operation answers.
    const { connections } = answer.answer as { connections: { id: number; clientId: string }[] }
    for (const { id, clientId } of connections) {
      if (clientId.startsWith(name)) server.control.perform({ op: 'connection close', id }, everyone, () => {})
    }
  })
}

const everyone = { name: 'test', address: '-', may: () => true, mayAnywhere: () => true, mayEverywhere: () => true }

/** Attempts that have ended of the one job that the server has. */
function attempts({ local: { server } }: Member): number | undefined {
  const [job] = server.engine.jobs()
  return job?.retries
}

describe('a job that another server has', () => {
  it('is done here when the link is cut and a worker comes, and the attempt counts', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const worker = await sleepingWorker(cluster, b)
    worker.send(PACKET.OPTION_REQ, 'cancellation')
    await worker.receive('OPTION_RES')
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    const [there = ''] = (await take(worker)).args
    cut(a)
    await until('the job waited again', () => attempts(a) === 1)
    // Nobody wants what it does any more.
    assert.equal((await worker.receive('JOB_CANCEL')).type, 1002)
    worker.send(PACKET.WORK_COMPLETE, there, 'of the first attempt')
    const here = await a.local.connect('worker at A')
    here.send(PACKET.CAN_DO, 'f')
    here.send(PACKET.GRAB_JOB)
    const [handle = ''] = (await here.receive('JOB_ASSIGN')).args
    here.send(PACKET.WORK_COMPLETE, handle, 'here')
    assert.equal((await client.receive()).data.toString(), 'here')
    await client.expectNothing()
    await cluster.linked()
  })

  it('goes to the other server once more when it is linked again', async () => {
    await using cluster = await LinkedServers.start(2)
    const { a, worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    const [there = ''] = (await take(worker)).args
    cut(a)
    await until('the job waited again', () => attempts(a) === 1)
    worker.send(PACKET.WORK_COMPLETE, there, 'of the first attempt')
    worker.send(PACKET.PRE_SLEEP)
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'of the second')
    assert.equal((await client.receive()).data.toString(), 'of the second')
  })

  it('goes there once more when the session that it had there was closed', async () => {
    await using cluster = await LinkedServers.start(2)
    const { a, b, worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    await take(worker)
    closeConnections(b, 'jobs of A')
    await until('the job waited again', () => attempts(a) === 1)
    worker.send(PACKET.PRE_SLEEP)
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
  })

  it('is done elsewhere when its worker is lost, and the attempt counts', async () => {
    await using cluster = await LinkedServers.start(3)
    const [a, b, c] = cluster.members
    assert.ok(a && b && c)
    const lost = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    await take(lost)
    lost.destroy()
    await until('the job waited again', () => attempts(a) === 1)
    assert.equal(b.local.server.engine.jobCount, 0)
    const worker = await c.local.connect('worker at C')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.PRE_SLEEP)
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'by C')
    assert.equal((await client.receive()).data.toString(), 'by C')
  })

  it('fails when it may have no more attempts', async () => {
    await using cluster = await LinkedServers.start(2, { attemptsMax: 1 })
    const { worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    await take(worker)
    worker.destroy()
    assert.equal((await client.receive()).name, 'WORK_FAIL')
  })

  it('is tried as often as this server says, and not the other', async () => {
    await using cluster = await LinkedServers.start(1)
    const b = await cluster.add({ attemptsMax: 1 })
    await cluster.linked()
    const [a] = cluster.members
    assert.ok(a)
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    await take(worker)
    worker.destroy()
    await until('the job waited again', () => attempts(a) === 1)
    await client.expectNothing()
  })

  it('goes on there if others wait for it, though it is cancelled here', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client at A')
    const other = await b.local.connect('client at B')
    const handle = await submit(client, 'f', 'same', 'x')
    const { args } = await take(worker)
    assert.equal(await submit(other, 'f', 'same', 'x'), args[0])
    const admin = await a.local.connect('admin')
    admin.sendLine(`cancel job ${handle}`)
    await admin.receiveText('\n')
    assert.equal((await client.receive()).name, 'WORK_FAIL')
    await until('B knew', () => b.local.server.links.jobCount === 0)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'for B')
    assert.equal((await other.receive()).data.toString(), 'for B')
    await client.expectNothing()
  })

  it('does not wait there for a worker that has taken another one', async () => {
    await using cluster = await LinkedServers.start(3)
    const [a, b, c] = cluster.members
    assert.ok(a && b && c)
    const worker = await sleepingWorker(cluster, b)
    worker.send(PACKET.CAN_DO, 'g')
    await worker.sync()
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    await until('B had it', () => b.local.server.links.jobCount === 1)
    // Of another function, and of a higher priority.
    const own = await b.local.connect('client at B')
    own.send(PACKET.SUBMIT_JOB_HIGH, 'g', '', 'own')
    await own.receive('JOB_CREATED')
    assert.equal((await take(worker)).data.toString(), 'own')
    await until('B had it no longer', () => b.local.server.links.jobCount === 0)
    assert.equal(attempts(a), 0)
    const idle = await c.local.connect('worker at C')
    idle.send(PACKET.CAN_DO, 'f')
    idle.send(PACKET.PRE_SLEEP)
    assert.equal((await take(idle)).data.toString(), 'x')
  })

  it('is not tried again there, but as its policy says here', async () => {
    const functions = { f: { attempts: 2, 'retry-foreground': true, 'backoff-first': '1ms' } }
    await using cluster = await LinkedServers.start(2, { functions })
    const { worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    for (let attempt = 1; attempt <= 2; attempt++) {
      const { args } = await take(worker)
      worker.send(PACKET.WORK_FAIL, args[0] ?? '')
      worker.send(PACKET.PRE_SLEEP)
    }
    assert.equal((await client.receive()).name, 'WORK_FAIL')
    await worker.expectNothing()
  })

  it('sends its result on from one server only', async () => {
    await using cluster = await LinkedServers.start(2, { functions: { f: { then: 'next' } } })
    const { a, b, worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'result')
    assert.equal((await client.receive()).name, 'WORK_COMPLETE')
    const waiting = [a, b].map(({ local: { server } }) => server.engine.findFunction('next')?.readyCount ?? 0)
    assert.deepEqual(waiting, [1, 0])
  })

  it('whose result is larger than this server takes ends with an exception that says so', async () => {
    await using cluster = await LinkedServers.start(1, { limits: { packetBytesMax: 4096 } })
    const b = await cluster.add()
    await cluster.linked()
    const [a] = cluster.members
    assert.ok(a)
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    client.send(PACKET.OPTION_REQ, 'exceptions')
    await client.receive('OPTION_RES')
    await submit(client, 'f', '', 'x')
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', Buffer.alloc(5000))
    const { name, data } = await client.receive()
    assert.deepEqual([name, data.toString()], ['WORK_EXCEPTION', 'A packet may have 4096 bytes on this server'])
    await client.sync()
    assert.deepEqual(
      b.lines.filter((line) => line.includes('is lost')),
      [],
    )
  })

  it('is given back if it is larger than the other server takes', async () => {
    await using cluster = await LinkedServers.start(1)
    const b = await cluster.add({ limits: { packetBytesMax: 4096 } })
    await cluster.linked()
    const [a] = cluster.members
    assert.ok(a)
    await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', Buffer.alloc(5000))
    const here = await a.local.connect('worker at A')
    here.send(PACKET.CAN_DO, 'f')
    here.send(PACKET.PRE_SLEEP)
    assert.equal((await take(here)).data.length, 5000)
    assert.equal(attempts(a), 0)
    await cluster.linked()
  })
})

describe('a server that leaves', () => {
  it('lets its workers finish what others have given it', async () => {
    await using cluster = await LinkedServers.start(2)
    const { a, b, worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    const { args } = await take(worker)
    const closed = b.local.server.close(10_000)
    await submit(client, 'f', '', 'another')
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
    await closed
    assert.equal(a.local.server.engine.findFunction('f')?.readyCount, 1)
    cluster.members.pop()
  })

  it('gives back what its workers have not begun', async () => {
    await using cluster = await LinkedServers.start(2)
    const { a, b, worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'first')
    await take(worker)
    worker.send(PACKET.PRE_SLEEP)
    await submit(client, 'f', '', 'second')
    assert.equal((await worker.receive()).name, 'NOOP')
    const closed = b.local.server.close(10_000)
    await until('A had one of them again', () => a.local.server.engine.findFunction('f')?.readyCount === 1)
    worker.destroy()
    await closed
    await until('A had both', () => a.local.server.engine.findFunction('f')?.readyCount === 2)
    cluster.members.pop()
  })

  it('comes back, and works for the others again', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const lost = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    await take(lost)
    await cluster.remove(b)
    assert.equal(attempts(a), 1)
    const again = await cluster.add({ port: b.local.port })
    await cluster.linked()
    const worker = await again.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.PRE_SLEEP)
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
  })

  it('is dialled again for as long as it is known, and not after that', async () => {
    const clock = new ManualClock()
    await using cluster = await LinkedServers.start(2, {}, clock)
    const [a, b] = cluster.members
    assert.ok(a && b)
    await using _ = b.local
    cut(b)
    await until('the link was lost', () => a.local.server.links.open.to.length === 0)
    clock.advance(200)
    await until('it was linked again', () => a.local.server.links.open.to.length === 1)
    // It may only have lost its way to the ledger.
    cluster.forget(b)
    clock.advance(6000)
    assert.equal(a.local.server.links.open.to.length, 1)
    cut(b)
    await until('the link was lost', () => a.local.server.links.open.to.length === 0)
    const timers = clock.timerCount
    clock.advance(60_000)
    await a.local.assertServes()
    assert.equal(a.local.server.links.open.to.length, 0)
    assert.ok(clock.timerCount <= timers)
  })

  it('is given up when nothing is heard of it', async () => {
    const clock = new ManualClock()
    // They have run for a while.
    clock.advance(60_000)
    let proxy: TcpProxy | undefined
    await using cluster = new LinkedServers(clock)
    const a = await cluster.add({}, async (port) => {
      proxy = await TcpProxy.to(port)
      return proxy.address
    })
    const b = await cluster.add()
    await cluster.linked()
    assert.ok(proxy)
    await using _ = proxy
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    await take(worker)
    // All that B says to A, and what A says to that. The other link goes on.
    proxy.cut()
    for (let second = 0; second < 13; second++) {
      clock.advance(1000)
      await a.local.server.links.jobOf(cluster.idOf(b), 1)
    }
    assert.equal(attempts(a), 1)
    assert.ok(a.lines.some((line) => line.includes('the link of B has ended: it has said nothing for 10 s')))
    await until('B had given up as well', () => b.local.server.links.open.to.length === 0)
    assert.ok(b.lines.some((line) => line.includes('it has said nothing for 10 s')))
    assert.equal(a.local.server.links.open.to.length, 1)
    proxy.heal()
    await until('B had linked again', () => {
      clock.advance(10)
      return b.local.server.links.open.to.length === 1
    })
    await cluster.linked()
  })

  it('keeps its links when it has another id', async () => {
    const clock = new ManualClock()
    await using cluster = await LinkedServers.start(2, {}, clock)
    const { a, b, worker, client } = await workerElsewhere(cluster)
    await submit(client, 'f', '', 'x')
    const { args } = await take(worker)
    const before = a.lines.length
    cluster.renew(b)
    worker.send(PACKET.WORK_DATA, args[0] ?? '', '')
    assert.equal((await client.receive()).name, 'WORK_DATA')
    clock.advance(6000)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
    assert.deepEqual(a.lines.slice(before), [])
    assert.equal(attempts(a), undefined)
  })
})
