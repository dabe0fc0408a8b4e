import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { grab } from '../server/desk.ts'
import type { LocalServer } from '../server/local-server.ts'
import { PACKET, type RawPeer, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LinkedServers, type Member } from './links-cluster.ts'

const CONTROL = 1000

/** The digits of a handle. */
function numberOf(handle: string): number {
  return Number(/\d+$/.exec(handle)?.[0])
}

/** What a server has been told so far of a job of another one. */
function watch({ local: { server } }: Member, handle: string): { readonly events: unknown[]; leave(): void } {
  const events: unknown[] = []
  return { events, leave: server.links.watch(numberOf(handle), (event) => events.push(event)) }
}

/** What was sent over links before this has been read at both ends. */
async function said(cluster: LinkedServers, from: Member, to: Member): Promise<void> {
  await from.local.server.links.jobOf(cluster.idOf(to), 1)
}

async function submit({ local }: Member, name = 'f'): Promise<string> {
  const client = await local.connect('client')
  client.send(PACKET.SUBMIT_JOB_BG, name, '', 'x')
  return (await client.receive('JOB_CREATED')).body.toString('latin1')
}

async function worker({ local }: Member, name = 'f'): Promise<RawPeer> {
  const peer = await local.connect('worker')
  peer.send(PACKET.CAN_DO, name)
  return peer
}

async function pair(): Promise<{ cluster: LinkedServers; a: Member; b: Member }> {
  const cluster = await LinkedServers.start(2)
  const [a, b] = cluster.members
  assert.ok(a && b)
  return { cluster, a, b }
}

describe('a job of another server is watched over the link', () => {
  it('from before it begins to its end', async () => {
    const { cluster, a, b } = await pair()
    await using _ = cluster
    const handle = await submit(b)
    const all = watch(a, handle)
    const some = watch(a, handle)
    await said(cluster, a, b)
    const peer = await worker(b)
    await grab(peer)
    peer.send(PACKET.WORK_STATUS, handle, '1', '2')
    peer.send(PACKET.WORK_DATA, handle, 'some')
    await until('it was told', () => some.events.length === 3)
    some.leave()
    await said(cluster, a, b)
    peer.send(PACKET.WORK_WARNING, handle, Buffer.from([255]))
    peer.send(PACKET.WORK_COMPLETE, handle, 'done')
    await until('it was told', () => all.events.length === 5)
    assert.deepEqual(all.events, [
      { kind: 'started', attempt: 1 },
      { kind: 'progress', numerator: 1, denominator: 2 },
      { kind: 'data', data: { text: 'some' } },
      { kind: 'warning', data: { base64: '/w==' } },
      { kind: 'ended', outcome: 'complete', isDead: false, result: { text: 'done' } },
    ])
    await said(cluster, a, b)
    assert.equal(some.events.length, 3)
  })

  it('also by a server that links later, and once more where a link was lost', async () => {
    const { cluster, b } = await pair()
    await using _ = cluster
    const handle = await submit(b)
    const c = await cluster.add()
    const { events } = watch(c, handle)
    assert.deepEqual(c.local.server.links.open.to, [])
    await cluster.linked()
    await said(cluster, c, b)
    const peer = await worker(b)
    await grab(peer)
    await until('it was told', () => events.length === 1)
    closeLinks(b, c)
    await until('the link was lost', () => c.lines.some((line) => line.includes('the link to B')))
    await cluster.linked()
    await said(cluster, c, b)
    peer.send(PACKET.WORK_FAIL, handle)
    await until('it was told', () => events.length === 2)
    assert.deepEqual(events.at(-1), { kind: 'ended', outcome: 'failed', isDead: false })
  })

  it('by a server that reads too slowly no further, and its link goes on', async () => {
    const { cluster, b } = await pair()
    await using _ = cluster
    const handle = await submit(b)
    const guest = await b.local.connectSlowly('a guest')
    const ask = (message: object) => guest.socket.write(request(CONTROL, JSON.stringify(message)))
    ask({ op: 'link', instance: 'i', name: 'N' })
    ask({ op: 'link watch', id: 7, number: numberOf(handle) })
    await until('it was let in', () => b.local.server.links.open.from.includes('N'))
    const peer = await worker(b)
    await grab(peer)
    const part = 'x'.repeat(60 * 1024)
    const parts = 400
    for (let count = 0; count < parts; count++) peer.send(PACKET.WORK_DATA, handle, part)
    peer.send(PACKET.WORK_COMPLETE, handle, '')
    await peer.sync()
    ask({ op: 'link job', number: 1 })
    const read: Buffer[] = []
    guest.socket.on('data', (chunk) => read.push(chunk))
    guest.socket.resume()
    await until('it had read all', () => Buffer.concat(read.slice(-3)).includes('{"job":null}'))
    const text = Buffer.concat(read).toString('latin1')
    const count = text.split('"kind":"data"').length - 1
    assert.ok(count > 50 && count < parts, String(count))
    assert.match(text, /\{"ok":true,"id":7,"answer":\{"kind":"missed"\}\}/)
    assert.doesNotMatch(text, /"kind":"ended"/)
  })
})

describe('what waits in the memory of another server', () => {
  it('ends when that is asked, and not what runs there', async () => {
    const { cluster, a, b } = await pair()
    await using _ = cluster
    const { worker: busy, handle, client } = await b.local.jobInHand()
    const waiting = await b.local.connect('waiting')
    waiting.send(PACKET.SUBMIT_JOB, 'f', '', 'y')
    await waiting.receive('JOB_CREATED')
    await submit(b)
    await submit(b, 'g')
    const { links } = a.local.server
    assert.equal(await links.purgeAt(cluster.idOf(b), 'f'), 2)
    assert.equal((await waiting.receive()).name, 'WORK_FAIL')
    assert.equal(await links.purgeAt(cluster.idOf(b), 'f'), 0)
    assert.equal(await links.purgeAt(cluster.idOf(b), `none-${'\u0001'.repeat(64 * 1024)}`), 0)
    assert.equal(jobsOf(b.local, 'g'), 1)
    busy.send(PACKET.WORK_COMPLETE, handle, 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
  })

  it('is left where there is no link, which is said', async () => {
    const { cluster, a, b } = await pair()
    await using _ = cluster
    const { links } = a.local.server
    await submit(b)
    assert.equal(await links.purgeAt(99, 'f'), 'there is no link to it')
    links.close()
    assert.equal(await links.purgeAt(cluster.idOf(b), 'f'), 'there is no link to it')
    assert.equal(jobsOf(b.local, 'f'), 1)
  })

  it('is not known when the link is lost before the answer', async () => {
    const { cluster, a, b } = await pair()
    await using _ = cluster
    const { links } = a.local.server
    const purged = links.purgeAt(cluster.idOf(b), 'f')
    links.close()
    assert.equal(await purged, 'the link to it was lost')
  })
})

describe('questions with an id', () => {
  it('are answered with it, also those that a version does not know, and to no stranger', async () => {
    await using cluster = await LinkedServers.start(1)
    const [a] = cluster.members
    assert.ok(a)
    const peer = await a.local.connect()
    const ask = async (message: object) => {
      peer.send(CONTROL, JSON.stringify(message))
      const answer: unknown = JSON.parse((await peer.receive()).body.toString())
      return answer
    }
    const refused = (message: string, id?: number) => {
      return { ok: false, ...(id === undefined ? {} : { id }), error: { code: 'BAD_REQUEST', message } }
    }
    const strangers = refused('only another server of the cluster can ask that')
    assert.deepEqual(await ask({ op: 'link watch', id: 1, number: 1 }), strangers)
    assert.deepEqual(await ask({ op: 'link unwatch', id: 1 }), strangers)
    assert.deepEqual(await ask({ op: 'link purge', id: 1, function: 'f' }), strangers)
    await ask({ op: 'link', instance: 'i', name: 'N' })
    const unknown = 'this version does not know what that is'
    assert.deepEqual(await ask({ op: 'link purge', id: 4, function: 5 }), refused(unknown, 4))
    assert.deepEqual(await ask({ op: 'link watch', id: 4 }), refused(unknown, 4))
    assert.deepEqual(await ask({ op: 'link unwatch', id: 'x' }), refused(unknown))
    assert.deepEqual(await ask({ op: 'link purge', id: 4, function: 'f' }), { ok: true, id: 4, answer: { purged: 0 } })
    // Of no job, the same one twice, and one that nobody has asked.
    for (const number of [-1, 0, 5, 5]) peer.send(CONTROL, JSON.stringify({ op: 'link watch', id: 9, number }))
    for (const id of [9, 10]) peer.send(CONTROL, JSON.stringify({ op: 'link unwatch', id }))
    await peer.expectNothing()
    await a.local.assertServes()
  })

  it('asked twice are one, and are not answered any more when that is said', async () => {
    await using cluster = await LinkedServers.start(1)
    const [a] = cluster.members
    assert.ok(a)
    const guest = await a.local.connect()
    const say = (message: object) => guest.send(CONTROL, JSON.stringify(message))
    say({ op: 'link', instance: 'i', name: 'N' })
    await guest.receive('its welcome')
    const handle = await submit(a)
    for (let i = 0; i < 2; i++) say({ op: 'link watch', id: 9, number: numberOf(handle) })
    await guest.expectNothing()
    const peer = await worker(a)
    await grab(peer)
    const { body } = await guest.receive('that it has begun')
    assert.deepEqual(JSON.parse(body.toString()), { ok: true, id: 9, answer: { kind: 'started', attempt: 1 } })
    await guest.expectNothing()
    say({ op: 'link unwatch', id: 9 })
    await guest.expectNothing()
    peer.send(PACKET.WORK_COMPLETE, handle, 'done')
    await peer.sync()
    await guest.expectNothing()
  })
})

/** Ends the connections of the one with the other. */
function closeLinks({ local: { server } }: Member, { name }: Member): void {
  server.control.perform({ op: 'connections' }, everyone, (answer) => {
    assert.ok(answer.ok)
    // What the operation answers.
    const { connections } = answer.answer as { connections: { id: number; clientId: string }[] }
    for (const { id, clientId } of connections) {
      if (clientId === `server ${name}`) server.control.perform({ op: 'connection close', id }, everyone, () => {})
    }
  })
}

function jobsOf({ server: { engine } }: LocalServer, name: string): number {
  return [...engine.jobs()].filter((job) => job.function.name === name).length
}

const everyone = { name: 'test', address: '-', may: () => true, mayAnywhere: () => true, mayEverywhere: () => true }
