import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { grab } from '../server/desk.ts'
import { PACKET } from '../support/raw.ts'
import { submit, take } from './links-cluster.ts'
import { TwoServers } from './two-servers.ts'

describe('servers that know each other by the ledger', () => {
  it('do foreground jobs for each other', async () => {
    await using servers = await TwoServers.linked()
    const worker = await servers.worker(servers.b, 'f')
    worker.send(PACKET.PRE_SLEEP)
    await submit(servers.a.peer, 'f', '', 'x')
    const { args } = await take(worker)
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
    assert.equal((await servers.a.peer.receive()).data.toString(), 'done')
  })

  it('tell each other how jobs stand', async () => {
    await using servers = await TwoServers.linked()
    const { a, b } = servers
    const handle = await servers.submit(a, 'f', 'work', 'some')
    const worker = await servers.worker(b, 'f')
    worker.send(PACKET.SET_CLIENT_ID, 'w')
    await servers.beat()
    const own = await grab(worker)
    worker.send(PACKET.WORK_STATUS, own, '3', '10')
    await worker.sync()
    // The ledger knows nothing of it yet.
    a.peer.send(PACKET.GET_STATUS, handle)
    assert.deepEqual((await a.peer.receive()).args, [handle, '1', '1', '3', '10'])
    a.peer.send(PACKET.GET_STATUS_UNIQUE, 'some')
    assert.deepEqual((await a.peer.receive()).args, ['some', '1', '1', '3', '10', '0'])
    const { state, server, worker: name, numerator, denominator } = await servers.ask(a, 'job show', { handle })
    assert.deepEqual([state, server, name, numerator, denominator], ['running', 'B', 'w 127.0.0.1', 3, 10])
    worker.send(PACKET.WORK_COMPLETE, own, 'done')
  })

  it('say what the ledger knows while the other does not answer', async () => {
    await using servers = await TwoServers.linked()
    const { a, b } = servers
    const handle = await servers.submit(a, 'f')
    const worker = await servers.worker(b, 'f')
    await servers.beat()
    const own = await grab(worker)
    worker.send(PACKET.WORK_STATUS, own, '3', '10')
    await worker.sync()
    a.local.server.links.close()
    a.peer.send(PACKET.GET_STATUS, handle)
    const [, isKnown, , numerator] = (await a.peer.receive()).args
    assert.deepEqual([isKnown, numerator], ['1', '0'])
  })
})
