import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LinkedServers, sleepingWorker, submit, take, workerElsewhere } from './links-cluster.ts'

/** Does whatever comes until it is destroyed; the result says who has done it. */
async function serve(worker: RawPeer, name: string, onJob: () => void = () => {}): Promise<void> {
  while (!worker.isClosed) {
    const packet = await worker.receive('work').catch(() => undefined)
    if (packet === undefined) return
    if (packet.name === 'NO_JOB') worker.send(PACKET.PRE_SLEEP)
    else {
      const [handle] = packet.args
      if (handle !== undefined) {
        onJob()
        worker.send(PACKET.WORK_COMPLETE, handle, `${name} ${packet.data.toString()}`)
      }
      worker.send(PACKET.GRAB_JOB_ALL)
    }
  }
}

describe('who gets a job', () => {
  it('a worker here, if there is an idle one', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const there = await sleepingWorker(cluster, b)
    const here = await sleepingWorker(cluster, a)
    const client = await a.local.connect('client')
    for (let i = 0; i < 5; i++) {
      await submit(client, 'f', '', String(i))
      const { args } = await take(here)
      here.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
      here.send(PACKET.PRE_SLEEP)
      assert.equal((await client.receive()).name, 'WORK_COMPLETE')
      await here.sync()
    }
    await there.expectNothing()
  })

  it('one elsewhere while those here are busy, and one here again afterwards', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const there = await sleepingWorker(cluster, b)
    const here = await sleepingWorker(cluster, a)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'first')
    const first = await take(here)
    await submit(client, 'f', '', 'second')
    const second = await take(there)
    assert.equal(second.data.toString(), 'second')
    await submit(client, 'f', '', 'third')
    here.send(PACKET.WORK_COMPLETE, first.args[0] ?? '', '')
    here.send(PACKET.GRAB_JOB)
    assert.equal((await here.receive('JOB_ASSIGN')).data.toString(), 'third')
  })

  it('first those of the server that has the worker', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const worker = await sleepingWorker(cluster, b)
    const own = await b.local.connect('client at B')
    const other = await a.local.connect('client at A')
    await submit(own, 'f', '', 'own 1')
    await submit(own, 'f', '', 'own 2')
    // The worker is about to take one, and nobody is idle.
    await submit(other, 'f', '', 'other')
    const done: string[] = []
    for (let packet = await take(worker); ; packet = await worker.receive('a job')) {
      if (packet.name === 'NO_JOB') {
        worker.send(PACKET.PRE_SLEEP)
        assert.equal((await worker.receive()).name, 'NOOP')
        worker.send(PACKET.GRAB_JOB)
        continue
      }
      done.push(packet.data.toString())
      worker.send(PACKET.WORK_COMPLETE, packet.args[0] ?? '', '')
      if (done.length === 3) break
      worker.send(PACKET.GRAB_JOB)
    }
    assert.deepEqual(done, ['own 1', 'own 2', 'other'])
    assert.equal((await other.receive()).name, 'WORK_COMPLETE')
  })

  it('is asked again for those that wait when a worker elsewhere is idle', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    const worker = await b.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.PRE_SLEEP)
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
  })

  it('never a server that has it from another one', async () => {
    await using cluster = await LinkedServers.start(3)
    const [a, b, c] = cluster.members
    assert.ok(a && b && c)
    const worker = await sleepingWorker(cluster, b)
    const idle = await sleepingWorker(cluster, c, 'g')
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    await until('B had it', () => b.local.server.links.jobCount === 1)
    // B's worker does not come for it. C could do it now, and A's job it is.
    idle.send(PACKET.CAN_DO, 'f')
    worker.destroy()
    const taken = await take(idle)
    assert.equal(taken.data.toString(), 'x')
    idle.send(PACKET.WORK_COMPLETE, taken.args[0] ?? '', 'by C')
    assert.equal((await client.receive()).data.toString(), 'by C')
    assert.deepEqual([b.local.server.links.jobCount, b.local.server.engine.jobCount], [0, 0])
  })

  it('no background job', async () => {
    await using cluster = await LinkedServers.start(2)
    const { a, worker, client } = await workerElsewhere(cluster)
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await client.receive('JOB_CREATED')
    await client.sync()
    await worker.expectNothing()
    assert.equal(a.local.server.engine.findFunction('f')?.readyCount, 1)
  })

  it('hundreds from everywhere to everywhere', async () => {
    await using cluster = await LinkedServers.start(3)
    const doneBy = new Map<string, number>()
    const serving: Promise<void>[] = []
    const workers: RawPeer[] = []
    for (const member of cluster.members.slice(1)) {
      for (let i = 0; i < 3; i++) {
        const worker = await sleepingWorker(cluster, member)
        workers.push(worker)
        serving.push(serve(worker, member.name, () => doneBy.set(member.name, (doneBy.get(member.name) ?? 0) + 1)))
      }
    }
    const count = 300
    await Promise.all(
      cluster.members.map(async (member) => {
        const client = await member.local.connect(`client at ${member.name}`)
        for (let i = 0; i < count; i++) client.send(PACKET.SUBMIT_JOB, 'f', `${member.name}${i}`, `${member.name}${i}`)
        const results = new Set<string>()
        while (results.size < count) {
          const { name, data } = await client.receive('a result')
          if (name === 'JOB_CREATED') continue
          assert.equal(name, 'WORK_COMPLETE')
          const [, job = ''] = data.toString().split(' ')
          assert.ok(!results.has(job), `${job} has ended twice`)
          results.add(job)
        }
      }),
    )
    const [b = 0, c = 0] = cluster.members.slice(1).map(({ name }) => doneBy.get(name))
    assert.equal(b + c, 3 * count)
    assert.ok(b > 0 && c > 0, `B has done ${b}, C ${c}`)
    for (const worker of workers) worker.destroy()
    await Promise.all(serving)
  })
})
