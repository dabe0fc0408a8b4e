import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { version } from '@geartrain/server'
import { PACKET, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer } from './local-server.ts'
import { response } from './response.ts'

// A client that sends, shuts down its writing side and reads: `printf 'status\n' | nc -N`. All that it has sent is
// answered, then the server ends the connection. It is no session any more: nobody waits for a job that takes longer.

describe('a client that has shut down its writing side', () => {
  it('gets the answers to all that it has sent', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connectSlowly()
    peer.socket.end(
      Buffer.concat([
        request(PACKET.ECHO_REQ, 'one'),
        Buffer.from('version\r\n'),
        request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'),
        Buffer.from('status\n'),
        request(PACKET.ECHO_REQ, 'two'),
      ]),
    )
    const heard = (await peer.takeRest()).toString('latin1')
    const handle = /H:\S+:\d{16}/.exec(heard)?.[0] ?? ''
    const answers = [
      response('ECHO_RES', 'one'),
      `OK ${version}\n`,
      response('JOB_CREATED', handle),
      'f\t1\t0\t0\n.\n',
      response('ECHO_RES', 'two'),
    ]
    assert.equal(heard, answers.join(''))
    await until('it is forgotten', () => local.server.connectionCount === 0)
    assert.equal(local.server.engine.jobCount, 1)
  })

  it('and has sent half a packet behind them', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connectSlowly()
    peer.socket.end(Buffer.concat([request(PACKET.ECHO_REQ, 'one'), request(PACKET.ECHO_REQ, 'two').subarray(0, -1)]))
    assert.equal((await peer.takeRest()).toString('latin1'), '\0RES\0\0\0\x11\0\0\0\x03one')
    await until('it is forgotten', () => local.server.connectionCount === 0)
  })

  for (const mebibytes of [0.5, 3, 40]) {
    it(`gets an answer of ${mebibytes} MiB`, async () => {
      await using local = await LocalServer.start()
      const peer = await local.connectSlowly()
      const bytes = Buffer.alloc(mebibytes * 1024 * 1024, 'geartrain')
      peer.socket.end(request(PACKET.ECHO_REQ, bytes))
      const heard = await peer.takeRest()
      assert.equal(heard.length, 12 + bytes.length)
      assert.ok(heard.subarray(12).equals(bytes))
    })
  }

  it('gets a long listing, and what it asked for behind it', async () => {
    await using local = await LocalServer.start()
    const submitter = await local.connect()
    const count = 50_000
    const submit = request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    submitter.sendBytes(Buffer.alloc(count * submit.length, submit))
    await until('the jobs are there', () => local.server.engine.jobCount === count)
    const peer = await local.connectSlowly()
    peer.socket.end('show jobs\nstatus\nshow jobs\n')
    const lists = (await peer.takeRest()).toString('latin1').split('.\n')
    assert.deepEqual(
      lists.map((list) => list.split('\n').length - 1),
      [count, 1, count, -1 + 1],
    )
  })

  it('gets all of what it has flooded the server with', async () => {
    await using local = await LocalServer.start({ limits: { outputBytesMax: 4 * 1024 * 1024 } })
    const peer = await local.connectSlowly()
    const echo = request(PACKET.ECHO_REQ, Buffer.alloc(10_000))
    const count = 2000
    peer.socket.end(Buffer.alloc(count * echo.length, echo))
    assert.equal((await peer.takeRest()).length, count * echo.length)
  })

  it('is not waited for: its foreground job is dropped, its running one is done by nobody else', async () => {
    await using local = await LocalServer.start()
    const { worker, handle } = await local.jobInHand('g')
    const peer = await local.connectSlowly()
    peer.socket.end(request(PACKET.SUBMIT_JOB, 'f', '', 'x'))
    assert.equal((await peer.takeRest()).readUInt32BE(4), PACKET.JOB_CREATED)
    await until('it is forgotten', () => local.server.connectionCount === 2)
    assert.equal(local.server.engine.jobCount, 1)
    worker.send(PACKET.WORK_COMPLETE, handle, '')
    await worker.sync()
    assert.equal(local.server.engine.jobCount, 0)
  })

  it('a worker that does so has its jobs given to others', async () => {
    await using local = await LocalServer.start()
    const client = await local.connect('client')
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
    const handle = (await client.receive()).body.toString('latin1')
    const leaver = await local.connectSlowly()
    leaver.socket.end(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB)]))
    await leaver.takeRest()
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    assert.deepEqual((await worker.receive()).args[0], handle)
  })
})

it('an ERROR that ends the connection arrives, also behind a long answer that is read late', async () => {
  await using local = await LocalServer.start()
  const peer = await local.connectSlowly()
  const bytes = Buffer.alloc(8 * 1024 * 1024)
  const lying = request(PACKET.ECHO_REQ)
  lying.writeUInt32BE(2 ** 32 - 1, 8)
  peer.sendBytes(Buffer.concat([request(PACKET.ECHO_REQ, bytes), lying, Buffer.alloc(1024 * 1024)]))
  await local.assertServes()
  const heard = await peer.takeRest()
  const text = 'A packet may have 67108864 bytes on this server'
  assert.equal(heard.toString('latin1', 12 + bytes.length), response('ERROR', 'PACKET_TOO_LARGE', text))
})
