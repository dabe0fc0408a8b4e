import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { JobEventReader, type ServerSentEvent } from '../http/job-event-reader.ts'
import { originOf } from '../http/local-http.ts'
import { grab } from '../server/desk.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { type Member, TwoServers } from './two-servers.ts'

const options = { http: '127.0.0.1:0', functions: { kept: { 'keep-results': '1h' }, dying: { attempts: '1' } } }

/** The stream of a job's events at one of the servers, of which the snapshot has been read. */
async function watch({ local }: Member, handle: string): Promise<JobEventReader> {
  const reader = await JobEventReader.open(`${originOf(local)}/api/jobs/${encodeURIComponent(handle)}/events`)
  assert.equal((await reader.next())?.event, 'snapshot')
  return reader
}

/** A worker of that server has the job. */
async function begin(servers: TwoServers, member: Member, name: string): Promise<{ worker: RawPeer; own: string }> {
  const worker = await servers.worker(member, name)
  await servers.beat()
  return { worker, own: await grab(worker) }
}

/** What is still told while time passes. */
async function rest(servers: TwoServers, reader: JobEventReader): Promise<ServerSentEvent[]> {
  let isOver = false
  const events = reader.rest().finally(() => (isOver = true))
  for (let beats = 0; !isOver && beats < 20; beats++) await servers.beat()
  return await events
}

suite('the events of a job that another server has', () => {
  test('are told over the link', async () => {
    await using servers = await TwoServers.linked(options)
    const { a, b } = servers
    const handle = await servers.submit(a, 'f', 'work')
    const reader = await watch(a, handle)
    const { worker, own } = await begin(servers, b, 'f')
    const late = await watch(a, handle)
    worker.send(PACKET.WORK_STATUS, own, '1', '2')
    worker.send(PACKET.WORK_DATA, own, 'some')
    worker.send(PACKET.WORK_WARNING, own, 'careful')
    worker.send(PACKET.WORK_COMPLETE, own, 'done')
    const told = [
      { event: 'progress', data: { numerator: 1, denominator: 2 } },
      { event: 'data', data: { text: 'some' } },
      { event: 'warning', data: { text: 'careful' } },
      { event: 'ended', data: { outcome: 'complete', dead: false, result: { text: 'done' } } },
    ]
    assert.deepEqual(await reader.rest(), [{ event: 'started', data: { attempt: 1 } }, ...told])
    assert.deepEqual(await late.rest(), told)
  })

  test('end once for one that is cancelled', async () => {
    await using servers = await TwoServers.linked(options)
    const { a, b } = servers
    const handle = await servers.submit(a, 'f')
    await begin(servers, b, 'f')
    const readers = [await watch(a, handle), await watch(b, handle)]
    await servers.ask(a, 'job cancel', { handle })
    const ended = { event: 'ended', data: { outcome: 'cancelled', dead: false } }
    for (const reader of readers) assert.deepEqual(await rest(servers, reader), [ended])
  })

  test('end without a link as well, with what is known of the end', async () => {
    await using servers = await TwoServers.linked(options)
    const { a, b } = servers
    a.local.server.links.close()
    const ends = {
      f: { outcome: 'unknown', dead: false },
      kept: { outcome: 'complete', dead: false, result: { text: 'done' } },
      dying: { outcome: 'failed', dead: true },
    }
    for (const [name, data] of Object.entries(ends)) {
      const reader = await watch(a, await servers.submit(a, name))
      const { worker, own } = await begin(servers, b, name)
      await servers.beat()
      if (name === 'dying') worker.send(PACKET.WORK_FAIL, own)
      else worker.send(PACKET.WORK_COMPLETE, own, 'done')
      await worker.sync()
      assert.deepEqual(await rest(servers, reader), [{ event: 'ended', data }])
    }
  })

  test('go on when that server dies and another one takes it', async () => {
    await using servers = await TwoServers.linked(options)
    const { a, b } = servers
    const c = await servers.add('C', options)
    await servers.link()
    const handle = await servers.submit(a, 'f')
    const reader = await watch(a, handle)
    await begin(servers, b, 'f')
    assert.equal((await reader.next())?.event, 'started')
    b.store.isCut = true
    b.store.expire()
    b.local.server.links.close()
    const { worker, own } = await begin(servers, c, 'f')
    worker.send(PACKET.WORK_EXCEPTION, own, 'no')
    assert.deepEqual(await rest(servers, reader), [
      { event: 'started', data: { attempt: 1 } },
      { event: 'ended', data: { outcome: 'exception', dead: false, result: { text: 'no' } } },
    ])
    await b.store.goOn()
  })

  test('are still to come while the store can not say', async () => {
    await using servers = await TwoServers.linked(options)
    const { a, b } = servers
    a.local.server.links.close()
    const reader = await watch(a, await servers.submit(a, 'f'))
    const { worker, own } = await begin(servers, b, 'f')
    a.store.isCut = true
    for (let beats = 0; beats < 5; beats++) await servers.beat()
    worker.send(PACKET.WORK_COMPLETE, own, 'done')
    await worker.sync()
    await a.store.goOn()
    assert.deepEqual(await rest(servers, reader), [{ event: 'ended', data: { outcome: 'unknown', dead: false } }])
  })
})
