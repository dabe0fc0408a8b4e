import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer, localServer } from './local-server.ts'

/** What keeps this process alive, by kind. */
function resources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name.startsWith('TCP') || name === 'Timeout')
    .toSorted()
}

describe('starting and stopping', () => {
  it('200 times, in all states, leaves no handle behind', async () => {
    const before = resources()
    for (let i = 0; i < 200; i++) {
      const local = await LocalServer.start()
      if (i % 2 === 1) {
        const { client, worker } = await local.jobInHand()
        client.send(PACKET.SUBMIT_JOB_EPOCH, 'f', '', '9999999999', 'x')
        worker.send(PACKET.CAN_DO_TIMEOUT, 'f', '100000')
        worker.send(PACKET.PRE_SLEEP)
        if (i % 4 === 1) await worker.sync()
      }
      if (i % 3 === 1) void local.connectSilently().catch(() => {})
      await local[Symbol.asyncDispose]()
    }
    await until('nothing is left', () => resources().length <= before.length)
    assert.deepEqual(resources(), before)
  })

  it('200 at once', async () => {
    const before = resources()
    const servers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const server = localServer()
        const [address] = await server.listen()
        return { server, port: address?.port }
      }),
    )
    assert.equal(new Set(servers.map(({ port }) => port)).size, 200)
    await Promise.all(servers.map(({ server }) => server.close(0)))
    await until('nothing is left', () => resources().length <= before.length)
  })

  it('on one port, one after the other', async () => {
    const first = await LocalServer.start()
    const { port } = first
    await first[Symbol.asyncDispose]()
    for (let i = 0; i < 20; i++) {
      const next = await LocalServer.start({ port })
      assert.equal(next.port, port)
      await next.assertServes()
      await next[Symbol.asyncDispose]()
    }
  })
})

it('a program ends by itself when it has closed its server', async () => {
  const program = `
    import { connect } from 'node:net'
    import { createServer } from '@geartrain/server'
    const server = createServer({ port: 0 })
    const [{ port }] = await server.listen()
    const socket = connect(port, '127.0.0.1')
    const packet = (type, body) => {
      const header = Buffer.alloc(12)
      header.write('\\0REQ', 'latin1')
      header.writeUInt32BE(type, 4)
      header.writeUInt32BE(body.length, 8)
      return header.toString('latin1') + body
    }
    socket.write(packet(${PACKET.SUBMIT_JOB_EPOCH}, 'f\\0\\x009999999999\\0x'), 'latin1')
    socket.write(packet(${PACKET.CAN_DO_TIMEOUT}, 'g\\x00100000'), 'latin1')
    socket.write(packet(${PACKET.SUBMIT_JOB}, 'g\\0\\0x'), 'latin1')
    socket.write(packet(${PACKET.GRAB_JOB}, ''), 'latin1')
    socket.once('data', async () => {
      await server.close(10)
      console.log('closed')
    })
    socket.on('data', () => {})
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: new URL('.', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  child.stderr.on('data', (chunk) => (output += String(chunk)))
  const [code, signal] = await once(child, 'close')
  assert.deepEqual([output, code, signal], ['closed\n', 0, null])
})
