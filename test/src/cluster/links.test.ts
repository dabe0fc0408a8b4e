import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LinkedServers, type Member, sleepingWorker, submit, take } from './links-cluster.ts'

async function two(): Promise<{ cluster: LinkedServers; a: Member; b: Member }> {
  const cluster = await LinkedServers.start(2)
  const [a, b] = cluster.members
  assert.ok(a && b)
  return { cluster, a, b }
}

/** Packets that Gearman does not have. */
const submitJobWith = 1003
const jobAssignTraced = 1004

describe('a foreground job of one server with a worker at another', () => {
  it('comes there as it is, and all that is said of it comes back', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    client.send(PACKET.OPTION_REQ, 'exceptions')
    await client.receive('OPTION_RES')
    const handle = await submit(client, 'f', 'u', 'work\0load')
    const assigned = await take(worker)
    assert.deepEqual([assigned.name, ...assigned.args.slice(1)], ['JOB_ASSIGN_UNIQ', 'f', 'u'])
    assert.equal(assigned.data.toString(), 'work\0load')
    const [there = ''] = assigned.args
    assert.match(there, /^H:B:/)
    worker.send(PACKET.WORK_STATUS, there, '3', '10')
    worker.send(PACKET.WORK_DATA, there, 'some')
    worker.send(PACKET.WORK_WARNING, there, 'careful')
    worker.send(PACKET.WORK_COMPLETE, there, 'done')
    const said: unknown[] = []
    for (let i = 0; i < 4; i++) {
      const { name, body } = await client.receive()
      said.push([name, body.toString('latin1')])
    }
    assert.deepEqual(said, [
      ['WORK_STATUS', `${handle}\x003\x0010`],
      ['WORK_DATA', `${handle}\0some`],
      ['WORK_WARNING', `${handle}\0careful`],
      ['WORK_COMPLETE', `${handle}\0done`],
    ])
    await client.expectNothing()
    await worker.expectNothing()
  })

  it('fails there', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    const handle = await submit(client, 'f', '', 'x')
    const [there = ''] = (await take(worker)).args
    worker.send(PACKET.WORK_FAIL, there)
    const { name, body } = await client.receive()
    assert.deepEqual([name, body.toString('latin1')], ['WORK_FAIL', handle])
  })

  it('throws there', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const plain = await a.local.connect('client')
    const client = await a.local.connect('client with exceptions')
    client.send(PACKET.OPTION_REQ, 'exceptions')
    await client.receive('OPTION_RES')
    const handle = await submit(plain, 'f', 'u', 'x')
    assert.equal(await submit(client, 'f', 'u', 'x'), handle)
    const [there = ''] = (await take(worker)).args
    worker.send(PACKET.WORK_EXCEPTION, there, 'no such image')
    const thrown = await client.receive()
    assert.deepEqual([thrown.name, thrown.data.toString()], ['WORK_EXCEPTION', 'no such image'])
    assert.equal((await plain.receive()).name, 'WORK_FAIL')
  })

  it('has its reducer', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    client.send(PACKET.SUBMIT_REDUCE_JOB, 'f', '', 'sum', '0', 'x')
    await client.receive('JOB_CREATED')
    const assigned = await take(worker)
    assert.deepEqual([assigned.name, ...assigned.args.slice(1)], ['JOB_ASSIGN_ALL', 'f', '', 'sum'])
    worker.send(PACKET.WORK_COMPLETE, assigned.args[0] ?? '', '')
    assert.equal((await client.receive()).name, 'WORK_COMPLETE')
  })

  it('has its trace', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    worker.send(PACKET.OPTION_REQ, 'tracing')
    await worker.receive('OPTION_RES')
    const client = await a.local.connect('client')
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    client.send(submitJobWith, 'f', 'u', '{"priority":"high"}', trace, 'x')
    await client.receive('JOB_CREATED')
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    worker.send(PACKET.GRAB_JOB_ALL)
    const { type, body } = await worker.receive('a job with its trace')
    assert.equal(type, jobAssignTraced)
    assert.match(body.toString('latin1'), new RegExp(`^H:B:\\d+\0f\0u\0\0${trace}\0x$`))
  })

  it('is joined where it was submitted', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const clients = [await a.local.connect('one'), await a.local.connect('two')]
    const handles: string[] = []
    for (const client of clients) handles.push(await submit(client, 'f', 'same', 'x'))
    assert.equal(new Set(handles).size, 1)
    const [there = ''] = (await take(worker)).args
    worker.send(PACKET.WORK_COMPLETE, there, 'once')
    for (const client of clients) assert.equal((await client.receive()).data.toString(), 'once')
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive()).name, 'NO_JOB')
  })

  it('may be larger than a MiB, and so may its result', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    const workload = Buffer.alloc(5_000_000, 'workload ')
    await submit(client, 'f', '', workload)
    const assigned = await take(worker)
    assert.ok(assigned.data.equals(workload))
    worker.send(PACKET.WORK_DATA, assigned.args[0] ?? '', workload)
    worker.send(PACKET.WORK_COMPLETE, assigned.args[0] ?? '', workload)
    assert.ok((await client.receive('WORK_DATA')).data.equals(workload))
    assert.ok((await client.receive('WORK_COMPLETE')).data.equals(workload))
  })

  it('is cancelled there when it is cancelled here', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    worker.send(PACKET.OPTION_REQ, 'cancellation')
    await worker.receive('OPTION_RES')
    const client = await a.local.connect('client')
    const handle = await submit(client, 'f', '', 'x')
    const [there = ''] = (await take(worker)).args
    const admin = await a.local.connect('admin')
    admin.sendLine(`cancel job ${handle}`)
    assert.match(await admin.receiveText('\n'), /^OK/)
    assert.equal((await client.receive()).name, 'WORK_FAIL')
    const told = await worker.receive('JOB_CANCEL')
    assert.deepEqual([told.type, told.body.toString('latin1')], [1002, `${there}\0cancelled`])
    assert.equal(b.local.server.engine.jobCount, 0)
    // What the worker still says of it is nobody's.
    worker.send(PACKET.WORK_COMPLETE, there, 'too late')
    await worker.expectNothing()
    await client.expectNothing()
  })

  it('is done though nobody waits for it any more, as by a worker here', async () => {
    const { cluster, a, b } = await two()
    await using _ = cluster
    const worker = await sleepingWorker(cluster, b)
    const client = await a.local.connect('client')
    await submit(client, 'f', '', 'x')
    const [there = ''] = (await take(worker)).args
    client.destroy()
    await until('the client was gone', () => a.local.server.engine.findFunction('f')?.runningCount === 1)
    worker.send(PACKET.WORK_COMPLETE, there, 'done')
    await worker.sync()
    await until('the job had ended', () => a.local.server.engine.jobCount + b.local.server.engine.jobCount === 0)
  })
})
