import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net'
import { test } from 'node:test'
import { createServer, HttpListenError } from '@geartrain/server'

test('a server that can not listen on one of its ports listens on none', async () => {
  await using taken = createNetServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  // It listens on TCP, whose addresses are objects.
  const { port } = taken.address() as AddressInfo
  const server = createServer({ port: 0, store: 'memory', http: '127.0.0.1:0', gearmandHttp: `127.0.0.1:${port}` })
  await assert.rejects(server.listen(), HttpListenError)
  assert.ok(server.httpAddress)
  const socket = connect(server.httpAddress.port, '127.0.0.1')
  await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' })
})
