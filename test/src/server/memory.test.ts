import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { describe, it } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { localServer } from './local-server.ts'

// What stays of what peers have sent. Measured after a full garbage collection, in steps so large that nothing else
// in the process comes near them.

const MiB = 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

async function heldBytes(): Promise<number> {
  assert.ok(typeof collectGarbage === 'function')
  // The first time finds what is garbage, the others see buffers go that are freed on another thread.
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await nextIteration()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function host() {
  const clock = new SteppedClock()
  const server = localServer({}, clock)
  const connect = () => {
    const socket = new MemorySocket()
    server.accept(socket)
    return socket
  }
  return { server, clock, connect }
}

describe('the server does not hold on to', () => {
  const big = 4 * MiB

  const rows: readonly (readonly [string, Buffer | string])[] = [
    ['the rest of a client id that it cut', request(PACKET.SET_CLIENT_ID, 'i'.repeat(big))],
    ['an ECHO', request(PACKET.ECHO_REQ, Buffer.alloc(big))],
    ['the packet of a short workload', Buffer.concat([request(PACKET.ECHO_REQ, Buffer.alloc(big)), shortJob()])],
    ['a handle that it does not know', request(PACKET.GET_STATUS, 'h'.repeat(big))],
    ['an option that it does not know', request(PACKET.OPTION_REQ, 'o'.repeat(big))],
    ['a function name that is too long', request(PACKET.CAN_DO, 'f'.repeat(big))],
    ['a unique that is too long', request(PACKET.SUBMIT_JOB_BG, 'f', 'u'.repeat(big), 'x')],
    ['a time of great precision', request(PACKET.SUBMIT_JOB_EPOCH, 'f', '', `1${'0'.repeat(big)}`, 'x')],
    ['a refused packet of a response', request(PACKET.WORK_COMPLETE, 'H:x:1', Buffer.alloc(big))],
  ]

  for (const [what, bytes] of rows) {
    it(what, async () => {
      const { server, clock, connect } = host()
      const sockets = Array.from({ length: 8 }, connect)
      await clock.settle()
      const before = await heldBytes()
      for (const socket of sockets) {
        socket.say(Buffer.from(bytes))
        await clock.settle()
        socket.heard()
      }
      const held = (await heldBytes()) - before
      assert.equal(server.connectionCount, 8)
      assert.ok(held < 16 * MiB, `${(held / MiB).toFixed(1)} MiB of 32 are held`)
    })
  }

  it('half a packet whose sender has left', async () => {
    const { clock, connect } = host()
    const before = await heldBytes()
    for (let i = 0; i < 8; i++) {
      const socket = connect()
      socket.say(request(PACKET.ECHO_REQ, Buffer.alloc(big)).subarray(0, -1))
      await clock.settle()
      socket.destroy()
      await clock.settle()
    }
    const held = (await heldBytes()) - before
    assert.ok(held < 16 * MiB)
  })

  it('a length that nobody keeps', async () => {
    const { clock, connect } = host()
    const before = await heldBytes()
    const header = request(PACKET.SUBMIT_JOB)
    header.writeUInt32BE(64 * MiB, 8)
    for (let i = 0; i < 100; i++) connect().say(header)
    await clock.settle()
    const held = (await heldBytes()) - before
    assert.ok(held < 16 * MiB)
  })

  it('the results of jobs, and jobs that have ended', async () => {
    const { server, clock, connect } = host()
    const client = connect()
    const worker = connect()
    worker.say(request(PACKET.CAN_DO, 'f'))
    const before = await heldBytes()
    for (let i = 0; i < 16; i++) {
      client.say(request(PACKET.SUBMIT_JOB, 'f', '', Buffer.alloc(2 * MiB)))
      worker.say(request(PACKET.GRAB_JOB))
      await clock.settle()
      const handle = client.heard().subarray(12)
      worker.heard()
      worker.say(request(PACKET.WORK_COMPLETE, handle, Buffer.alloc(2 * MiB)))
      await clock.settle()
      client.heard()
    }
    assert.equal(server.engine.jobCount, 0)
    assert.ok((await heldBytes()) - before < 16 * MiB)
  })

  it('anything of five thousand connections that came and went', async () => {
    const { server, clock, connect } = host()
    const round = async () => {
      for (let i = 0; i < 500; i++) {
        const socket = connect()
        socket.say(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.PRE_SLEEP), shortJob()]))
        socket.say(request(PACKET.GRAB_JOB))
        await clock.settle()
        socket.say(request(PACKET.WORK_COMPLETE, socket.heard().subarray(-24, -4), ''))
        socket.destroy()
      }
      await clock.settle()
      for (const { number } of server.engine.jobs()) server.engine.cancel(number)
    }
    await round()
    const before = await heldBytes()
    for (let i = 0; i < 9; i++) await round()
    assert.equal(server.connectionCount, 0)
    assert.ok((await heldBytes()) - before < 4 * MiB)
  })
})

function shortJob(): Buffer {
  return request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
}

describe('a program with a server inside speaks to it without a socket', () => {
  it('and may answer while it is being written to', async () => {
    const server = localServer()
    const peers = [duplexPair(), duplexPair()] as const
    for (const [, far] of peers) server.accept(far)
    const [[client], [worker]] = peers
    // This worker answers in the very call in which the server writes to it.
    let jobs = 0
    worker.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += 12 + chunk.readUInt32BE(at + 8)) {
        const body = chunk.subarray(at + 12, at + 12 + chunk.readUInt32BE(at + 8))
        switch (chunk.readUInt32BE(at + 4)) {
          case PACKET.NOOP:
            worker.write(request(PACKET.GRAB_JOB))
            break
          case PACKET.NO_JOB:
            worker.write(request(PACKET.PRE_SLEEP))
            break
          case PACKET.JOB_ASSIGN:
            jobs++
            worker.write(request(PACKET.WORK_COMPLETE, body.subarray(0, body.indexOf(0)), 'done'))
            worker.write(request(PACKET.GRAB_JOB))
        }
      }
    })
    let done = 0
    client.on('data', (chunk: Buffer) => {
      done += chunk.toString('latin1').split('done').length - 1
    })
    worker.write(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.PRE_SLEEP)]))
    for (let i = 1; i <= 100; i++) {
      client.write(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
      await until('the job is done', () => done === i)
    }
    for (let i = 0; i < 100; i++) client.write(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
    await until('all jobs are done', () => done === 200)
    assert.equal(jobs, 200)
    for (const pair of peers) for (const end of pair) end.destroy()
    await server.close(0)
  })
})
