import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Limits } from '@geartrain/server'
import { ManualClock, SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer, localServer } from './local-server.ts'

// How long the server waits for peers: with a clock that the test moves, on real sockets and on sockets of its own.

describe('handshakeTimeoutMs', () => {
  it('who has said nothing by then is closed, and nobody else', async () => {
    const clock = new ManualClock()
    await using local = await LocalServer.start({ limits: { handshakeTimeoutMs: 5000, packetTimeoutMs: 0 } }, clock)
    const packet = await local.connect('said a packet')
    const line = await local.connectSilently('said a line')
    line.sendLine('version')
    await line.receiveText('\n')
    const silent = await local.connectSilently('said nothing')
    const half = await local.connectSilently('said half a packet')
    half.sendBytes('\0REQ\0')
    const halfLine = await local.connectSilently('said half a line')
    halfLine.sendBytes('stat')
    await until('all were accepted', () => local.server.connectionCount === 5)
    clock.advance(4999)
    await packet.sync()
    assert.equal(local.server.connectionCount, 5)
    clock.advance(1)
    for (const peer of [silent, half, halfLine]) await peer.expectClosed()
    clock.advance(1_000_000)
    await packet.sync()
    await line.sync()
    assert.equal(local.server.connectionCount, 2)
  })

  it('0: nobody is', async () => {
    const clock = new ManualClock()
    await using local = await LocalServer.start({ limits: { handshakeTimeoutMs: 0 } }, clock)
    const silent = await local.connectSilently()
    await until('it was accepted', () => local.server.connectionCount === 1)
    clock.advance(1_000_000_000)
    await silent.sync()
  })
})

describe('packetTimeoutMs', () => {
  const whole = request(PACKET.SUBMIT_JOB, 'f', 'unique', 'workload')

  for (const [name, bytes] of [
    ['one byte of a packet', whole.subarray(0, 1)],
    ['half a header', whole.subarray(0, 7)],
    ['a header', whole.subarray(0, 12)],
    ['all but a byte', whole.subarray(0, -1)],
    ['a packet and a byte', Buffer.concat([request(PACKET.ECHO_REQ), whole.subarray(0, 1)])],
    ['half a line', Buffer.from('stat')],
    ['a header of 64 MiB', lying(64 << 20)],
  ] as const) {
    it(`${name}, and no more`, async () => {
      const { client, clock } = await host({ packetTimeoutMs: 3000 })
      client.say(bytes)
      await clock.settle()
      clock.advance(2999)
      await clock.settle()
      assert.equal(client.destroyed, false)
      clock.advance(1)
      assert.equal(client.destroyed, true)
    })
  }

  it('a byte now and then does not help', async () => {
    const { client, clock } = await host({ packetTimeoutMs: 10_000 })
    for (const [at, byte] of whole.subarray(0, 11).entries()) {
      assert.equal(client.destroyed, at === 10)
      client.say(Uint8Array.of(byte))
      await clock.settle()
      clock.advance(1000)
    }
  })

  it('each packet has its own time', async () => {
    const { client, clock } = await host({ packetTimeoutMs: 3000 })
    for (let i = 0; i < 10; i++) {
      client.say(whole.subarray(0, 20))
      await clock.settle()
      clock.advance(2000)
      // Its end and the next one's beginning come together.
      client.say(Buffer.concat([whole.subarray(20), whole.subarray(0, 20)]))
      await clock.settle()
      clock.advance(2000)
      client.say(whole.subarray(20))
      await clock.settle()
    }
    clock.advance(1_000_000)
    assert.equal(client.destroyed, false)
  })

  it('as much time again for each MiB that has come', async () => {
    const { client, clock } = await host({ packetTimeoutMs: 3000 })
    client.say(lying(3 << 20))
    client.say(Buffer.alloc(2 << 20))
    await clock.settle()
    clock.advance(8999)
    await clock.settle()
    assert.equal(client.destroyed, false)
    clock.advance(1)
    assert.equal(client.destroyed, true)
  })

  it('0: for ever', async () => {
    const { client, clock } = await host({ packetTimeoutMs: 0 })
    client.say(whole.subarray(0, 20))
    await clock.settle()
    clock.advance(1_000_000_000)
    client.say(whole.subarray(20))
    await clock.settle()
    assert.equal(client.heard().length, 12 + 'H::1234567890123456'.length + hostLength)
  })

  it('does not run while it is the server that does not read', async () => {
    // The worker has sent whole packets; they wait in the server for a client that reads slowly but steadily.
    const { client, worker, handle, clock } = await jobInHand({ packetTimeoutMs: 3000, outputTimeoutMs: 60_000 })
    client.stopReading()
    const data = request(PACKET.WORK_DATA, handle, Buffer.alloc(20_000))
    worker.say(data)
    await clock.settle()
    worker.say(Buffer.concat([data, data, request(PACKET.WORK_COMPLETE, handle, 'done')]))
    await clock.settle()
    clock.advance(30_000)
    assert.equal(worker.destroyed, false)
    client.readOn()
    await clock.settle()
    const result = request(PACKET.WORK_COMPLETE, handle, 'done')
    assert.equal(client.heard().length, 3 * data.length + result.length)
    clock.advance(1_000_000)
    assert.equal(worker.destroyed, false)
  })

  it('runs again for what is half there when the server reads on', async () => {
    const { client, worker, handle, clock } = await jobInHand({ packetTimeoutMs: 3000, outputTimeoutMs: 60_000 })
    client.stopReading()
    const data = request(PACKET.WORK_DATA, handle, Buffer.alloc(20_000))
    worker.say(data)
    await clock.settle()
    worker.say(Buffer.concat([data, data.subarray(0, 100)]))
    await clock.settle()
    clock.advance(30_000)
    client.readOn()
    await clock.settle()
    clock.advance(2000)
    assert.equal(worker.destroyed, false)
    clock.advance(1000)
    assert.equal(worker.destroyed, true)
  })
})

describe('outputTimeoutMs', () => {
  const echo = request(PACKET.ECHO_REQ, Buffer.alloc(100_000))

  it('a reader that takes nothing is closed', async () => {
    const { client, clock } = await host({ outputTimeoutMs: 3000 })
    client.stopReading()
    client.say(echo)
    await clock.settle()
    clock.advance(2999)
    await clock.settle()
    assert.equal(client.destroyed, false)
    clock.advance(1)
    assert.equal(client.destroyed, true)
  })

  it('a reader that takes something in time is not', async () => {
    const { client, clock } = await host({ outputTimeoutMs: 3000 })
    client.stopReading()
    client.say(request(PACKET.ECHO_REQ, Buffer.alloc(20 << 20)))
    await clock.settle()
    let heard = 0
    for (let i = 0; i < 20; i++) {
      clock.advance(2999)
      client.readOnce()
      await clock.settle()
      const taken = client.heard().length
      assert.ok(taken > 0, 'output comes in parts')
      heard += taken
      assert.equal(client.destroyed, false)
    }
    client.readOn()
    await clock.settle()
    heard += client.heard().length
    assert.equal(heard, 12 + (20 << 20))
    clock.advance(1_000_000)
    assert.equal(client.destroyed, false)
  })

  it('0: it may stay', async () => {
    const { client, clock } = await host({ outputTimeoutMs: 0 })
    client.stopReading()
    client.say(echo)
    await clock.settle()
    clock.advance(1_000_000_000)
    assert.equal(client.destroyed, false)
  })

  it('who waits for it goes on when it is closed', async () => {
    const { client, worker, handle, clock } = await jobInHand({ outputTimeoutMs: 3000 })
    client.stopReading()
    const data = request(PACKET.WORK_DATA, handle, Buffer.alloc(20_000))
    worker.say(data)
    await clock.settle()
    worker.say(Buffer.concat([data, data, request(PACKET.ECHO_REQ, 'here')]))
    await clock.settle()
    assert.equal(worker.heard().length, 0)
    clock.advance(3000)
    await clock.settle()
    assert.equal(client.destroyed, true)
    assert.equal(worker.heard().toString('latin1'), '\0RES\0\0\0\x11\0\0\0\x04here')
  })
})

it('a connection that is being closed is not waited for', async () => {
  const { client, clock } = await host({})
  client.say(Buffer.from('\0XYZ\0\0\0\0'))
  await clock.settle()
  assert.equal(client.hasEnded, true)
  clock.advance(10_000)
  await clock.settle()
  assert.equal(client.destroyed, true)
})

const hostLength = request(PACKET.ECHO_REQ, (await jobInHand({})).handle).length - 12 - 'H::1234567890123456'.length

/** A header that promises more than it will bring. */
function lying(length: number): Buffer {
  const header = request(PACKET.ECHO_REQ)
  header.writeUInt32BE(length, 8)
  return header
}

/** A server without a port and one peer that has said something and will not be closed for its silence. */
async function host(limits: Partial<Limits>) {
  const clock = new SteppedClock()
  const server = localServer({ limits: { handshakeTimeoutMs: 0, ...limits } }, clock)
  const client = new MemorySocket()
  server.accept(client)
  await clock.settle()
  return { server, client, clock }
}

async function jobInHand(limits: Partial<Limits>) {
  const { server, client, clock } = await host(limits)
  client.say(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
  await clock.settle()
  const handle = client.heard().subarray(12).toString('latin1')
  const worker = new MemorySocket()
  server.accept(worker)
  worker.say(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB)]))
  await clock.settle()
  worker.heard()
  return { client, worker, handle, clock }
}
