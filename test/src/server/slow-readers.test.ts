import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Server } from '@geartrain/server'
import { PACKET, RawPeer, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { localServer } from './local-server.ts'
import { SlowPeer } from './slow-peer.ts'

// Peers that send and do not read. What the server holds for them is bounded, what it reads from them and from those
// who feed them stops, and everybody else is served as if they were not there.

const KiB = 1024
const MiB = 1024 * KiB

type Connection = NonNullable<ReturnType<Server['accept']>>

/** A server whose connections the test can look into: it accepts them itself. */
class OpenServer {
  readonly server: Server
  readonly connections: { readonly socket: net.Socket; readonly connection: Connection }[] = []
  readonly #listener: net.Server
  readonly #peers: { destroy(): void }[] = []

  private constructor(server: Server) {
    this.server = server
    this.#listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const connection = server.accept(socket)
      if (connection !== undefined) this.connections.push({ socket, connection })
    })
  }

  static async start(t: TestContext, outputBytesMax: number): Promise<OpenServer> {
    const open = new OpenServer(localServer({ limits: { outputBytesMax } }))
    await new Promise<void>((resolve) => open.#listener.listen(0, '127.0.0.1', resolve))
    t.after(() => open.#stop())
    return open
  }

  get #port(): number {
    const address = this.#listener.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async connect(name: string): Promise<RawPeer> {
    const peer = new RawPeer(net.connect({ host: '127.0.0.1', port: this.#port, noDelay: true }), name)
    this.#peers.push(peer)
    await peer.sync()
    return peer
  }

  async connectSlowly(name: string): Promise<{ peer: SlowPeer; socket: net.Socket; connection: Connection }> {
    const before = this.connections.length
    const peer = await SlowPeer.connect(this.#port, name)
    this.#peers.push(peer)
    await until(`${name} was accepted`, () => this.connections.length > before)
    const accepted = this.connections[before]
    assert.ok(accepted)
    return { peer, ...accepted }
  }

  /** Rounds in which the slow peer could have got more, while others are served. */
  async serveOthers(): Promise<void> {
    const client = await this.connect('honest client')
    const worker = await this.connect('honest worker')
    worker.send(PACKET.CAN_DO, 'honest')
    for (let i = 0; i < 20; i++) {
      client.send(PACKET.SUBMIT_JOB, 'honest', '', String(i))
      await client.receive('JOB_CREATED')
      worker.send(PACKET.GRAB_JOB)
      const { args, data } = await worker.receive('JOB_ASSIGN')
      worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', data)
      assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), String(i))
    }
    client.destroy()
    worker.destroy()
  }

  async #stop(): Promise<void> {
    for (const peer of this.#peers) peer.destroy()
    this.#listener.close()
    await this.server.close(0)
  }
}

describe('a client that sends and does not read', () => {
  const floods: readonly (readonly [string, Buffer, number])[] = [
    ['ECHO of 64 KiB', request(PACKET.ECHO_REQ, Buffer.alloc(64 * KiB)), 1000],
    ['ECHO of 100 bytes', request(PACKET.ECHO_REQ, Buffer.alloc(100)), 500_000],
    ['GET_STATUS', request(PACKET.GET_STATUS, 'H:x:1'), 1_000_000],
    ['NO_JOB', request(PACKET.GRAB_JOB), 2_000_000],
    ['background jobs', request(PACKET.SUBMIT_JOB_BG, 'f', 'same', 'x'), 1_000_000],
    ['errors', request(PACKET.ALL_YOURS), 1_000_000],
    ['workers', Buffer.from('workers\n'), 1_000_000],
    ['empty lines', Buffer.from('\n'), 4_000_000],
  ]
  for (const [name, bytes, count] of floods) {
    it(`${name}: is not read from any more`, async (t) => {
      const open = await OpenServer.start(t, 16 * MiB)
      const { peer, socket, connection } = await open.connectSlowly('flood')
      const flood = Buffer.alloc(Math.min(count * bytes.length, 48 * MiB), bytes)
      peer.sendBytes(flood)
      await until('its output is stuck', () => connection.output.isBlocked)
      await open.serveOthers()
      const { bytesRead } = socket
      await open.serveOthers()
      assert.equal(connection.output.isBlocked, true)
      assert.ok(connection.output.length <= 16 * MiB, `${connection.output.length} bytes wait`)
      // A chunk that was on its way may still have come.
      assert.ok(socket.bytesRead - bytesRead <= 128 * KiB, 'it is still read from')
      assert.ok(socket.bytesRead < flood.length, 'all was read')
      assert.equal(socket.destroyed, false)
    })
  }

  it('and reads in the end: every answer comes, in order', async (t) => {
    const open = await OpenServer.start(t, 4 * MiB)
    const { peer, connection } = await open.connectSlowly('late')
    const numbers = Array.from({ length: 40_000 }, (_, n) => n)
    const pad = 'p'.repeat(300)
    const echo = (n: number) => `${String(n).padStart(6, '0')}${pad}`
    peer.sendBytes(Buffer.concat(numbers.map((n) => request(PACKET.ECHO_REQ, echo(n)))))
    await until('its output is stuck', () => connection.output.isBlocked)
    const answers = Buffer.concat(numbers.map((n) => request(PACKET.ECHO_RES, echo(n))))
    const heard = await peer.take(answers.length)
    assert.equal(heard.toString('latin1').replaceAll('\0RES', '\0REQ') === answers.toString('latin1'), true)
  })

  it('lines, and reads in the end: every answer comes, in order', async (t) => {
    const open = await OpenServer.start(t, 4 * MiB)
    const { peer, connection } = await open.connectSlowly('late')
    const admin = await open.connect('admin')
    for (let i = 0; i < 30; i++) admin.sendLine(`create function function-${String(i).padStart(3, '0')}`)
    await admin.sync()
    const count = 20_000
    const lines = Array.from({ length: count }, (_, n) => `status\nno-${n}\n`).join('')
    peer.sendBytes(lines)
    await until('its output is stuck', () => connection.output.isBlocked)
    await open.serveOthers()
    const rows = Array.from({ length: 30 }, (_, i) => `function-${String(i).padStart(3, '0')}\t0\t0\t0\n`).join('')
    let seen = 0
    for (let n = 0; n < count; n++) {
      const listing = await peer.takeUntil('.\n')
      // The strangers that were served meanwhile have left a function of theirs.
      assert.equal(listing.replace('honest\t0\t0\t0\n', ''), `${rows}.\n`, `status ${n}`)
      assert.equal(await peer.takeUntil('\n'), `ERR UNKNOWN_COMMAND Unknown+server+commandno-${n}\r\n`)
      seen++
    }
    assert.equal(seen, count)
  })
})

describe('a worker that floods a client that does not read', () => {
  for (const name of ['WORK_DATA', 'WORK_WARNING'] as const) {
    for (const dataBytes of name === 'WORK_DATA' ? [100, 30 * KiB, 64 * KiB, 2 * MiB] : [1000]) {
      it(`${name} of ${dataBytes} bytes: the worker is not read from until the client has caught up`, async (t) => {
        const open = await OpenServer.start(t, 4 * MiB)
        const { peer: client, connection } = await open.connectSlowly('client')
        client.sendBytes(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
        const handle = (await client.takePacket()).body
        const { peer: worker, socket } = await open.connectSlowly('worker')
        worker.sendBytes(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB)]))
        await worker.takePacket()
        const packet = request(PACKET[name], handle, Buffer.alloc(dataBytes, 'd'))
        const count = Math.ceil((32 * MiB) / packet.length)
        worker.sendBytes(Buffer.alloc(count * packet.length, packet))
        worker.sendBytes(request(PACKET.WORK_COMPLETE, handle, 'end'))

        await until('output is stuck', () => connection.output.isBlocked)
        await open.serveOthers()
        const { bytesRead } = socket
        await open.serveOthers()
        assert.ok(socket.bytesRead - bytesRead <= 128 * KiB, 'the worker is still read from')
        assert.ok(connection.output.length <= 4 * MiB + packet.length, `${connection.output.length} bytes wait`)

        const heard = await client.take(count * packet.length)
        for (const at of [0, 1, Math.trunc(count / 2), count - 1]) {
          const start = at * packet.length
          assert.equal(heard.subarray(start + 12, start + packet.length).equals(packet.subarray(12)), true)
        }
        const { type: last, body } = await client.takePacket()
        assert.deepEqual([last, body.toString('latin1')], [PACKET.WORK_COMPLETE, `${handle.toString('latin1')}\0end`])
      })
    }
  }

  it('a session that waits a thousand times for one job gets its data in bounded portions', async (t) => {
    const open = await OpenServer.start(t, 4 * MiB)
    const { peer: client, connection } = await open.connectSlowly('client')
    const waits = 10_000
    const submit = request(PACKET.SUBMIT_JOB, 'f', 'same', 'x')
    client.sendBytes(Buffer.alloc(waits * submit.length, submit))
    const handle = (await client.takePacket()).body
    await client.take((waits - 1) * (12 + handle.length))
    const worker = await open.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    await worker.receive('JOB_ASSIGN')
    let most = 0
    worker.send(PACKET.WORK_DATA, handle, Buffer.alloc(30 * KiB))
    await until('the worker was heard, or the client closed', () => {
      most = Math.max(most, connection.output.length)
      return connection.output.isBlocked || client.hasEnded || open.server.connectionCount === 1
    })
    await open.serveOthers()
    assert.ok(most <= 8 * MiB, `${most} bytes were held for one client`)
  })
})
