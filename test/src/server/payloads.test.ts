import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { PACKET, request } from '../support/raw.ts'
import { LocalServer } from './local-server.ts'

const MiB = 1024 * 1024

/** Bytes of which no two stretches are alike, made quickly. */
function payload(length: number): Buffer {
  const bytes = Buffer.alloc(length, randomBytes(65_521))
  for (let at = 0; at + 4 <= length; at += 4096) bytes.writeUInt32LE(at, at)
  return bytes
}

describe('payloads', () => {
  it('64 MiB to the byte: as workload, data and result, to two clients that wait', async () => {
    await using local = await LocalServer.start()
    const clients = [await local.connectSlowly('one'), await local.connectSlowly('two')]
    const worker = await local.connectSlowly('worker')
    const handles: Buffer[] = []
    const workload = payload(64 * MiB - 'f\0u\0'.length)
    for (const client of clients) {
      client.sendBytes(request(PACKET.SUBMIT_JOB, 'f', 'u', workload))
      handles.push((await client.takePacket()).body)
    }
    const [handle] = handles
    assert.ok(handle)
    assert.deepEqual(handles[1], handle)

    worker.sendBytes(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB)]))
    const { type, body } = await worker.takePacket()
    assert.equal(type, PACKET.JOB_ASSIGN)
    assert.ok(body.subarray(handle.length + '\0f\0'.length).equals(workload))

    // As large as a packet may be.
    const result = payload(64 * MiB - handle.length - 1)
    for (const name of ['WORK_DATA', 'WORK_COMPLETE'] as const) {
      worker.sendBytes(request(PACKET[name], handle, result))
      for (const client of clients) {
        const packet = await client.takePacket()
        assert.equal(packet.type, PACKET[name])
        assert.equal(packet.body.length, 64 * MiB)
        assert.ok(packet.body.subarray(handle.length + 1).equals(result))
      }
    }
    assert.equal(local.server.engine.jobCount, 0)
    await local.assertServes()
  })

  it('one byte more is refused, before it has come', async () => {
    await using local = await LocalServer.start()
    for (const type of [PACKET.SUBMIT_JOB, PACKET.WORK_COMPLETE, PACKET.ECHO_REQ]) {
      const peer = await local.connect()
      const header = request(type)
      header.writeUInt32BE(64 * MiB + 1, 8)
      peer.sendBytes(header)
      assert.equal((await peer.receive()).args[0], 'PACKET_TOO_LARGE')
      await peer.expectClosed()
    }
  })

  it('workloads around the sizes at which they are kept in different ways', async () => {
    await using local = await LocalServer.start()
    const client = await local.connectSlowly('client')
    const worker = await local.connectSlowly('worker')
    worker.sendBytes(request(PACKET.CAN_DO, 'f'))
    const sizes = [0, 1, 1023, 1024, 1025, 8191, 8192, 8193, 32_767, 32_768, 65_535, 65_536, 65_537, 1_048_577]
    const workloads = [...sizes, ...sizes.toReversed()].map((size) => payload(size))
    client.sendBytes(Buffer.concat(workloads.map((workload) => request(PACKET.SUBMIT_JOB_BG, 'f', '', workload))))
    for (const workload of workloads) {
      const { body: handle } = await client.takePacket()
      worker.sendBytes(request(PACKET.GRAB_JOB))
      const { body } = await worker.takePacket()
      const prefix = `${handle.toString('latin1')}\0f\0`
      assert.equal(body.toString('latin1', 0, prefix.length), prefix)
      assert.ok(body.subarray(prefix.length).equals(workload), `${workload.length} bytes`)
      worker.sendBytes(request(PACKET.WORK_COMPLETE, handle, ''))
    }
  })
})
