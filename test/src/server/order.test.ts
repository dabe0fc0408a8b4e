import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { localServer } from './local-server.ts'
import { response } from './response.ts'

// The answers on a connection come in the order of what they answer, and whole.

/** What the clock of these tests and the prefix `P` make of the first job. */
const handle = 'P:1790000001000001'

function host() {
  const clock = new SteppedClock()
  const server = localServer({ version: '9.9', handlePrefix: 'P' }, clock)
  const connect = () => {
    const socket = new MemorySocket()
    server.accept(socket)
    return socket
  }
  return { clock, connect }
}

/** Packets and lines, each with what it is answered. */
const conversation: readonly (readonly [Buffer | string, string])[] = [
  ['version\n', 'OK 9.9\n'],
  [request(PACKET.ECHO_REQ, 'a\0b'), response('ECHO_RES', 'a\0b')],
  ['status\r\n', '.\n'],
  [request(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'x'), response('JOB_CREATED', handle)],
  ['status\n', 'f\t1\t0\t0\n.\n'],
  ['show unique jobs\n', 'u\n.\n'],
  [request(PACKET.CAN_DO, 'g'), ''],
  [request(PACKET.GRAB_JOB), response('NO_JOB')],
  ['verbose\n', 'OK ERROR\n'],
  [request(PACKET.GRAB_JOB_ALL), response('NO_JOB')],
  [request(PACKET.OPTION_REQ, 'exceptions'), response('OPTION_RES', 'exceptions')],
  [request(PACKET.OPTION_REQ, 'x'), response('ERROR', 'UNKNOWN_OPTION', 'Server does not recognize given option')],
  [request(PACKET.GET_STATUS_UNIQUE, 'u'), response('STATUS_RES_UNIQUE', 'u', '1', '0', '0', '0', '0')],
  ['\n', 'ERR UNKNOWN_COMMAND Unknown+server+command\r\n'],
  [request(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'y'), response('JOB_CREATED', handle)],
  [
    request(PACKET.SUBMIT_JOB, 'f', 'u'.repeat(65), 'y'),
    response('ERROR', 'ARGUMENT_TOO_LARGE', 'Unique value too large'),
  ],
  [request(PACKET.CAN_DO, 'f'), ''],
  [request(PACKET.GRAB_JOB_UNIQ), response('JOB_ASSIGN_UNIQ', handle, 'f', 'u', 'x')],
  ['create function h\n', 'OK\r\n'],
  ['show jobs\n', `${handle}\t0\t0\t1\n.\n`],
  [request(PACKET.WORK_COMPLETE, handle, 'r'), ''],
  [request(PACKET.GET_STATUS, handle), response('STATUS_RES', handle, '0', '0', '0', '0')],
  ['show jobs\n', '.\n'],
  [request(PACKET.ECHO_REQ), response('ECHO_RES')],
]

describe('text and packets in one stream', () => {
  const said = Buffer.concat(conversation.map(([bytes]) => Buffer.from(bytes)))
  const answers = conversation.map(([, answer]) => answer).join('')

  it('in one piece', async () => {
    const { clock, connect } = host()
    const socket = connect()
    socket.say(said)
    await clock.settle()
    assert.equal(socket.heard().toString('latin1'), answers)
  })

  it('byte by byte, all at once', async () => {
    const { clock, connect } = host()
    const socket = connect()
    await clock.settle()
    for (const byte of said) socket.say(Uint8Array.of(byte))
    await clock.settle()
    assert.equal(socket.heard().toString('latin1'), answers)
  })

  it('byte by byte, one a turn', async () => {
    const { clock, connect } = host()
    const socket = connect()
    for (const byte of said) {
      socket.say(Uint8Array.of(byte))
      await clock.settle()
    }
    assert.equal(socket.heard().toString('latin1'), answers)
  })

  it('cut in two at every place', async () => {
    for (let at = 1; at < said.length; at++) {
      const { clock, connect } = host()
      const socket = connect()
      socket.say(said.subarray(0, at))
      await clock.settle()
      socket.say(said.subarray(at))
      await clock.settle()
      assert.equal(socket.heard().toString('latin1'), answers, `cut at ${at}`)
    }
  })

  it('to a reader that takes one write at a time', async () => {
    const { clock, connect } = host()
    const socket = connect()
    socket.stopReading()
    let heard = ''
    for (let at = 0; at < said.length; at += 10) {
      socket.say(said.subarray(at, at + 10))
      await clock.settle()
      socket.readOnce()
      heard += socket.heard().toString('latin1')
    }
    socket.readOn()
    await clock.settle()
    assert.equal(heard + socket.heard().toString('latin1'), answers)
  })
})

describe('what others cause', () => {
  it('a job that comes in the same turn as the grab: assigned at once', async () => {
    const { clock, connect } = host()
    const [worker, client] = [connect(), connect()]
    await clock.settle()
    worker.say(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB)]))
    client.say(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
    await clock.settle()
    assert.equal(worker.heard().toString('latin1'), response('JOB_ASSIGN', handle, 'f', 'x'))
    assert.equal(client.heard().toString('latin1'), response('JOB_CREATED', handle))
  })

  it('a client that is its own worker', async () => {
    const { clock, connect } = host()
    const both = connect()
    both.say(
      Buffer.concat([
        request(PACKET.CAN_DO, 'f'),
        request(PACKET.PRE_SLEEP),
        request(PACKET.SUBMIT_JOB, 'f', 'u', 'x'),
        request(PACKET.SUBMIT_JOB, 'f', 'u', 'y'),
        request(PACKET.GRAB_JOB),
        request(PACKET.WORK_STATUS, handle, '1', '2'),
        request(PACKET.WORK_COMPLETE, handle, 'r'),
        request(PACKET.ECHO_REQ, 'end'),
      ]),
    )
    await clock.settle()
    const answers = [
      response('JOB_CREATED', handle),
      response('NOOP'),
      response('JOB_CREATED', handle),
      response('JOB_ASSIGN', handle, 'f', 'x'),
      response('WORK_STATUS', handle, '1', '2'),
      response('WORK_STATUS', handle, '1', '2'),
      response('WORK_COMPLETE', handle, 'r'),
      response('WORK_COMPLETE', handle, 'r'),
      response('ECHO_RES', 'end'),
    ]
    assert.equal(both.heard().toString('latin1'), answers.join(''))
  })

  it('all that a worker says reaches every client that waits, in its order, whatever its size', async () => {
    const { clock, connect } = host()
    const clients = [connect(), connect()]
    const worker = connect()
    for (const client of clients) client.say(request(PACKET.SUBMIT_JOB, 'f', 'u', 'x'))
    worker.say(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB)]))
    await clock.settle()
    for (const client of clients) client.heard()
    // Around the sizes at which output is copied, kept by reference, or written in several parts.
    const sizes = [0, 1, 100, 32_767, 32_768, 32_769, 5, 65_536, 1_048_575, 1_048_576, 7, 3_000_000, 0, 9]
    const expected: string[] = []
    for (const [n, size] of sizes.entries()) {
      const data = Buffer.alloc(size, `${n} `)
      const name = n % 3 === 0 ? 'WORK_WARNING' : 'WORK_DATA'
      worker.say(request(PACKET[name], handle, data))
      worker.say(request(PACKET.WORK_STATUS, handle, String(n), '99'))
      expected.push(response(name, handle, data), response('WORK_STATUS', handle, String(n), '99'))
    }
    worker.say(request(PACKET.WORK_COMPLETE, handle, 'r'))
    expected.push(response('WORK_COMPLETE', handle, 'r'))
    await clock.settle()
    for (const client of clients) assert.equal(client.heard().toString('latin1') === expected.join(''), true)
  })

  it('many peers in one turn: each answer goes to the one who asked', async () => {
    const { clock, connect } = host()
    const peers = Array.from({ length: 100 }, connect)
    for (const [n, peer] of peers.entries()) {
      peer.say(Buffer.concat([request(PACKET.ECHO_REQ, `a${n}`), Buffer.from('version\n')]))
    }
    for (const [n, peer] of peers.entries()) peer.say(request(PACKET.ECHO_REQ, `b${n}`))
    await clock.settle()
    for (const [n, peer] of peers.entries()) {
      const expected = `${response('ECHO_RES', `a${n}`)}OK 9.9\n${response('ECHO_RES', `b${n}`)}`
      assert.equal(peer.heard().toString('latin1'), expected)
    }
  })
})
