import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type Server, SqliteStore, type Store } from '@geartrain/server'
import { scratch } from '../cli/command.ts'
import { localServer } from '../server/local-server.ts'
import { SlowPeer } from '../server/slow-peer.ts'
import { FakeStore } from '../support/fake-store.ts'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { connect, PACKET, request } from '../support/raw.ts'
import { DurableServer } from './durable-server.ts'
import { HeldStore } from './held-store.ts'
import {
  assertForeground,
  isReady,
  listedUniques,
  readySamples,
  submission,
  submitSamples,
  uniqueOf,
  uniques,
} from './sample.ts'

const MiB = 1024 * 1024

/** Memory of a process that is in the machine's. */
function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kibibytes) * 1024
}

async function jobCount(port: number, functionName: string): Promise<number> {
  await using client = await connect(port, 'administrator')
  client.sendLine('status')
  const row = (await client.receiveText(/^\.\n/m)).split('\n').find((each) => each.startsWith(`${functionName}\t`))
  return Number(row?.split('\t')[1] ?? 0)
}

/** Bytes of packets, to the handles in them: all must be JOB_CREATED. */
function handlesIn(bytes: Buffer): string[] {
  const handles: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at + 8)
    assert.equal(bytes.readUInt32BE(at + 4), PACKET.JOB_CREATED, bytes.toString('latin1', at + 12, end))
    handles.push(bytes.toString('latin1', at + 12, end))
    at = end
  }
  return handles
}

describe('a client of a real server', { skip: process.platform !== 'linux' && '/proc is not there' }, () => {
  it('that submits 100,000 background jobs and reads nothing costs the others nothing, and then has all', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const count = 100_000
    await using server = await DurableServer.start(path)
    await submitSamples(server.port, 0, 10)
    const before = residentBytes(server.pid)
    let most = before
    const greedy = await SlowPeer.connect(server.port, 'greedy client')
    greedy.sendBytes(Buffer.alloc(count * 15, request(PACKET.SUBMIT_JOB_BG, 'g', '', '')))
    let others = 10
    do {
      await submitSamples(server.port, others, others + 10)
      await assertForeground(server.port)
      most = Math.max(most, residentBytes(server.pid))
      others += 10
    } while ((await jobCount(server.port, 'g')) < count)
    assert.ok(most - before < 200 * MiB, `${(most - before) / MiB} MiB more`)
    const first = await greedy.take(12)
    const length = 12 + first.readUInt32BE(8)
    const handles = handlesIn(Buffer.concat([first, await greedy.take(count * length - 12)]))
    assert.equal(new Set(handles).size, count)
    assert.deepEqual(handles, handles.toSorted())
    greedy.destroy()
    await server.kill()
    await using again = await DurableServer.start(path)
    assert.equal(await jobCount(again.port, 'g'), count)
    assert.equal((await listedUniques(again.port)).filter((unique) => unique !== '').length, others)
  })

  for (const how of ['destroy', 'resetAndDestroy'] as const) {
    it(`that is gone (${how}) in the middle of 3000 submissions leaves the first ones, each whole`, async () => {
      using directory = scratch()
      const path = directory.path('jobs.db')
      await using server = await DurableServer.start(path)
      const peer = await SlowPeer.connect(server.port, 'client')
      const packets = Array.from({ length: 3000 }, (_, i) => submission(i))
      peer.sendBytes(Buffer.concat([...packets, submission(3000).subarray(0, 200)]))
      const acknowledged = 100
      for (let i = 0; i < acknowledged; i++) assert.equal((await peer.takePacket()).type, PACKET.JOB_CREATED)
      peer.socket[how]()
      await untilAlone(server.port)
      // When this is acknowledged, so is all that came before it.
      await submitSamples(server.port, 5000, 5001)
      const listed = await listedUniques(server.port)
      await server.kill()
      await using again = await DurableServer.start(path)
      assert.deepEqual(await listedUniques(again.port), listed)
      const kept = listed.length - 1
      assert.ok(kept >= acknowledged && kept <= packets.length)
      assert.deepEqual(listed, [...uniques(kept), uniqueOf(5000)].toSorted())
      const readyIndexes = (await readySamples(again.port)).map((unique) => Number(unique.slice(1)))
      assert.equal(readyIndexes.length, listed.filter((unique) => isReady(Number(unique.slice(1)))).length)
    })
  }

  it('that has said all and ends its side has all its answers before the end', async () => {
    using directory = scratch()
    await using server = await DurableServer.start(directory.path('jobs.db'))
    const peer = await SlowPeer.connect(server.port, 'client')
    peer.sendBytes(Buffer.concat(Array.from({ length: 1000 }, (_, i) => submission(i))))
    peer.socket.end()
    assert.equal(handlesIn(await peer.takeRest()).length, 1000)
    peer.destroy()
  })
})

/** The only connection is the one that asks. */
async function untilAlone(port: number): Promise<void> {
  await using client = await connect(port, 'administrator')
  for (;;) {
    client.sendLine('workers')
    const rows = (await client.receiveText(/^\.\n/m)).split('\n').length - 2
    if (rows === 1) return
  }
}

/** A server in this process, and clients without a kernel between: what there is to do is done when `settle` ends. */
class Host implements AsyncDisposable {
  readonly clock: SteppedClock
  readonly server: Server
  readonly clients: readonly MemorySocket[]

  private constructor(clock: SteppedClock, server: Server, clients: readonly MemorySocket[]) {
    this.clock = clock
    this.server = server
    this.clients = clients
  }

  static async open(store: Store, clientCount: number): Promise<Host> {
    const clock = new SteppedClock()
    const server = localServer({ store }, clock)
    await server.open()
    const clients = Array.from({ length: clientCount }, () => {
      const socket = new MemorySocket(16 * MiB)
      server.accept(socket)
      return socket
    })
    return new Host(clock, server, clients)
  }

  get client(): MemorySocket {
    const [client] = this.clients
    assert.ok(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.destroy()
    let isClosed = false
    const closed = this.server.close(0).finally(() => (isClosed = true))
    const hopelessAt = Date.now() + 2000
    while (!isClosed) {
      if (Date.now() > hopelessAt) this.clock.advance(60_000)
      await this.clock.settle()
    }
    await closed
  }
}

describe('while the store hangs', () => {
  for (const [what, jobsAdded, packet] of [
    ['of 10 KB', 'all', request(PACKET.SUBMIT_JOB_BG, 'f', '', Buffer.alloc(10_000))],
    ['with nothing in them', 'all', request(PACKET.SUBMIT_JOB_BG, 'f', '', '')],
    ['with one unique', 'one', request(PACKET.SUBMIT_JOB_BG, 'f', 'u', '')],
    ['with one workload for all', 'one', request(PACKET.SUBMIT_JOB_BG, 'f', '-', Buffer.alloc(1000))],
  ] as const) {
    it(`clients that submit jobs ${what} are not read from when there is very much`, async () => {
      using directory = scratch()
      const store = new HeldStore(new SqliteStore(directory.path('jobs.db')))
      await using host = await Host.open(store, 8)
      using _ = store.hang()
      const { clock, clients } = host
      // In chunks, as they come from a network; so many that all that may be taken is taken.
      const perChunk = Math.max(1, Math.floor((16 * 1024) / packet.length))
      const chunk = Buffer.alloc(perChunk * packet.length, packet)
      const jobsSaid = Math.min(20_000, Math.ceil((6 * MiB) / packet.length))
      const chunks = Math.ceil(jobsSaid / perChunk)
      for (let i = 0; i < chunks; i++) {
        for (const client of clients) client.say(chunk)
        await clock.settle()
      }
      const unread = clients.reduce((sum, client) => sum + client.readableLength, 0)
      const read = clients.length * chunks * chunk.length - unread
      // A batch that is on its way, one that is full, and for each client the chunk in which that was noticed.
      const bytesMax = 2 * 16 * MiB + clients.length * 2 * chunk.length
      const jobsMax = 2 * 20_000 + clients.length * 2 * perChunk
      assert.ok(read <= bytesMax, `${read / MiB} MiB are read`)
      assert.ok(read / packet.length <= jobsMax, `${read / packet.length} jobs are read`)
      assert.ok(unread > 0)
      for (const client of clients) assert.equal(client.heard().length, 0)

      store.goOn()
      const expected = chunks * perChunk
      const distinct = new Set<string>()
      for (const client of clients) {
        for (let heard = 0; heard < expected; await clock.settle()) {
          const handles = handlesIn(client.heard())
          heard += handles.length
          for (const handle of handles) distinct.add(handle)
        }
      }
      assert.equal(distinct.size, jobsAdded === 'all' ? clients.length * expected : 1)
    })
  }

  it('a client that has ended its side waits for its answer however long it takes', async () => {
    const store = new FakeStore()
    await using host = await Host.open(store, 1)
    store.isAuto = false
    const { clock, client } = host
    client.say(request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'))
    client.endSaying()
    await clock.settle()
    for (let second = 0; second < 60; second++) {
      clock.advance(1000)
      await clock.settle()
    }
    assert.equal(client.heard().length, 0)
    assert.ok(!client.destroyed)
    store.finish()
    await clock.settle()
    assert.equal(handlesIn(client.heard()).length, 1)
    assert.ok(client.hasEnded)
  })

  it('clients that go leave nothing of their own', async () => {
    const store = new FakeStore()
    await using host = await Host.open(store, 50)
    store.isAuto = false
    const { clock, clients, server } = host
    for (const client of clients) {
      client.say(request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'))
      await clock.settle()
      client.destroy()
      await clock.settle()
    }
    assert.equal(server.connectionCount, 0)
    while (store.finish()) await clock.settle()
    // Nobody was told, and all are there.
    assert.equal(store.disk.jobs.workloadBytes, clients.length)
  })
})

describe('while the store fails', () => {
  it('each submission of a long line is refused, in its place among the other answers', async () => {
    const store = new FakeStore()
    await using host = await Host.open(store, 1)
    const { clock, client } = host
    const count = 2000
    const round = Buffer.concat([request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'), request(PACKET.ECHO_REQ, 'e')])
    for (const answer of [PACKET.ERROR, PACKET.JOB_CREATED, PACKET.ERROR]) {
      store.isAuto = false
      client.say(Buffer.alloc(count * round.length, round))
      await clock.settle()
      assert.equal(client.heard().length, 0)
      while (store.isBusy) {
        if (answer === PACKET.ERROR) store.failNext('full')
        store.finish()
        await clock.settle()
      }
      const types = typesIn(client.heard())
      assert.equal(types.length, 2 * count)
      for (const [i, type] of types.entries()) assert.equal(type, i % 2 === 0 ? answer : PACKET.ECHO_RES)
    }
    assert.equal(store.disk.jobs.workloadBytes, count)
    store.isAuto = true
  })
})

function typesIn(bytes: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < bytes.length; at += 12 + bytes.readUInt32BE(at + 8)) types.push(bytes.readUInt32BE(at + 4))
  return types
}
