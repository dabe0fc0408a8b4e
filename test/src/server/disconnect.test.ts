import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertInvariants } from '@geartrain/engine'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer, localServer } from './local-server.ts'

// A conversation of three peers that uses about everything; one of them leaves after any byte. What is left must be as
// if the peer had never begun the packet it was in, and everybody else must be served.

const peers = ['client', 'second client', 'worker'] as const
type Peer = (typeof peers)[number]

const first = 'P:1790000001000001'
const second = 'P:1790000001000002'
const third = 'P:1790000001000003'

const conversation: readonly (readonly [Peer, Buffer | string])[] = [
  ['worker', request(PACKET.SET_CLIENT_ID, 'w')],
  ['worker', request(PACKET.CAN_DO, 'f')],
  ['worker', request(PACKET.CAN_DO_TIMEOUT, 'g', '5000')],
  ['worker', request(PACKET.GRAB_JOB_ALL)],
  ['worker', request(PACKET.PRE_SLEEP)],
  ['client', request(PACKET.OPTION_REQ, 'exceptions')],
  ['client', request(PACKET.SUBMIT_JOB, 'f', 'u', 'workload')],
  ['second client', request(PACKET.SUBMIT_JOB_HIGH, 'f', 'u', 'workload')],
  ['client', request(PACKET.SUBMIT_JOB_LOW_BG, 'g', '-', 'background')],
  ['second client', request(PACKET.SUBMIT_JOB_EPOCH, 'g', '', '1790000002', 'later')],
  ['worker', request(PACKET.GRAB_JOB_ALL)],
  ['worker', request(PACKET.WORK_STATUS, first, '1', '2')],
  ['worker', request(PACKET.WORK_DATA, first, 'data')],
  ['client', 'status\n'],
  ['client', request(PACKET.GET_STATUS, first)],
  ['worker', request(PACKET.WORK_WARNING, first, 'warning')],
  ['worker', request(PACKET.WORK_EXCEPTION, first, 'exception')],
  ['worker', request(PACKET.GRAB_JOB)],
  ['worker', request(PACKET.CANT_DO, 'g')],
  ['worker', request(PACKET.CAN_DO, 'g')],
  ['worker', request(PACKET.GRAB_JOB_UNIQ)],
  ['worker', request(PACKET.WORK_COMPLETE, second, 'result')],
  ['second client', `cancel job ${third}\r\n`],
  ['second client', 'show jobs\r\n'],
  ['worker', request(PACKET.RESET_ABILITIES)],
]

const steps = conversation.map(([peer, said]) => ({ peer, said: Buffer.from(said) }))
const totalBytes = steps.reduce((sum, { said }) => sum + said.length, 0)

class Scene {
  readonly clock = new SteppedClock()
  readonly server = localServer({ handlePrefix: 'P' }, this.clock)
  readonly sockets: ReadonlyMap<Peer, MemorySocket> = new Map(
    peers.map((peer) => {
      const socket = new MemorySocket()
      this.server.accept(socket)
      return [peer, socket]
    }),
  )

  socket(peer: Peer): MemorySocket {
    const socket = this.sockets.get(peer)
    assert.ok(socket)
    return socket
  }

  /** The conversation up to so many bytes. Gives the one who was to say the next. */
  async play(bytes: number): Promise<Peer> {
    let left = bytes
    for (const { peer, said } of steps) {
      this.socket(peer).say(said.subarray(0, left))
      await this.clock.settle()
      if (said.length > left) return peer
      left -= said.length
    }
    return 'worker'
  }

  /** A stranger's job goes to a stranger and back. */
  async assertServes(): Promise<void> {
    const client = new MemorySocket()
    const worker = new MemorySocket()
    this.server.accept(client)
    this.server.accept(worker)
    worker.say(Buffer.concat([request(PACKET.CAN_DO, 'stranger'), request(PACKET.GRAB_JOB)]))
    client.say(request(PACKET.SUBMIT_JOB, 'stranger', '', 'x'))
    await this.clock.settle()
    const handle = client.heard().subarray(12)
    assert.equal(worker.heard().subarray(12).toString('latin1'), `${handle.toString('latin1')}\0stranger\0x`)
    worker.say(request(PACKET.WORK_COMPLETE, handle, 'y'))
    await this.clock.settle()
    assert.equal(client.heard().subarray(12).toString('latin1'), `${handle.toString('latin1')}\0y`)
    client.destroy()
    worker.destroy()
    await this.clock.settle()
  }
}

it('the whole conversation leaves nothing behind', async () => {
  const scene = new Scene()
  await scene.play(totalBytes)
  assert.equal(scene.server.engine.jobCount, 0)
  assert.match(scene.socket('second client').heard().toString('latin1'), /OK\r\n\.\n$/)
  assertInvariants(scene.server.engine)
})

describe('a peer leaves after any byte of the conversation', () => {
  const ways: Record<string, (socket: MemorySocket) => void> = {
    'without a word': (socket) => void socket.destroy(),
    'with an error': (socket) => void socket.destroy(new Error('ECONNRESET')),
    'ending its side': (socket) => socket.endSaying(),
    'not reading any more': (socket) => {
      socket.stopReading()
      socket.endSaying()
    },
  }

  for (const [way, leave] of Object.entries(ways)) {
    it(way, async () => {
      for (let bytes = 0; bytes < totalBytes; bytes++) {
        const scene = new Scene()
        const { engine } = scene.server
        const leaver = await scene.play(bytes)
        leave(scene.socket(leaver))
        await scene.clock.settle()
        const at = `after ${bytes} bytes`
        assertInvariants(engine)
        for (const session of engine.sessions()) assert.ok(session.isOpen, at)
        assert.equal([...engine.sessions()].length, 2, at)
        await scene.assertServes()
        assertInvariants(engine)
        // All timeouts and times to run pass; nothing that was the leaver's is with it any more.
        scene.clock.advance(100_000)
        await scene.clock.settle()
        assertInvariants(engine)
        for (const socket of scene.sockets.values()) socket.destroy()
        await scene.clock.settle()
        assert.equal(scene.server.connectionCount, 0, at)
        // Only background jobs outlive those who sent them.
        for (const job of engine.jobs()) assert.ok(job.background && job.state !== 'running', at)
        assertInvariants(engine)
      }
    })
  }
})

it('on sockets: a reset after any byte of a packet', async () => {
  await using local = await LocalServer.start()
  const said = Buffer.concat([
    request(PACKET.CAN_DO, 'f'),
    request(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'x'),
    request(PACKET.GRAB_JOB),
  ])
  for (let bytes = 0; bytes <= said.length; bytes++) {
    const peer = await local.connectSlowly()
    peer.sendBytes(said.subarray(0, bytes))
    await until('it is connected', () => local.server.connectionCount === 1)
    peer.socket.resetAndDestroy()
    await until('it is forgotten', () => local.server.connectionCount === 0)
  }
  assert.equal(local.server.engine.jobCount, 1)
  await local.assertServes()
})
