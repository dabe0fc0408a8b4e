import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admin, Client, InvalidArgumentError, Worker } from '@geartrain/client'
import { hashToken } from '@geartrain/server'
import { LocalServer } from '../server/local-server.ts'
import { missing, startServer } from '../support/peers.ts'

const access = {
  app: { token: hashToken('app'), roles: ['submit', 'work'] },
  ops: { token: hashToken('ops'), roles: 'admin' },
} as const

test('clients, workers and administrators show their token, on every connection', async () => {
  await using local = await LocalServer.start({ access })
  const address = `127.0.0.1:${local.port}`
  const worker = new Worker(address, { token: 'app' }).handle('reverse', (job) =>
    job.text().split('').reverse().join(''),
  )
  worker.handle('slow', () => '', { concurrency: 1 })
  await worker.start()
  await using client = await Client.connect(address, { token: 'app' })
  assert.equal(new TextDecoder().decode(await client.submit('reverse', 'abc').result()), 'cba')
  await using admin = await Admin.connect(address, { token: 'ops' })
  assert.deepEqual(
    (await admin.status()).map((row) => row.function),
    ['slow', 'reverse'].sort(),
  )
  assert.equal((await admin.functions()).length, 2)
  await worker.close()
})

test('a wrong token is refused with what the server says', async () => {
  await using local = await LocalServer.start({ access })
  const address = `127.0.0.1:${local.port}`
  const refusal = { code: 'CONNECT_FAILED', message: /ACCESS_DENIED: this token lets nobody in from here/ }
  await assert.rejects(Client.connect(address, { token: 'wrong' }), refusal)
  await assert.rejects(Admin.connect(address, { token: 'wrong' }), refusal)
  await assert.rejects(new Worker(address, { token: 'wrong' }).handle('f', () => '').start(), refusal)
})

test('what a token does not allow is refused, and a list as well', async () => {
  await using local = await LocalServer.start({ access })
  const address = `127.0.0.1:${local.port}`
  await using client = await Client.connect(address)
  await assert.rejects(client.submit('f', '').result(), { serverCode: 'ACCESS_DENIED' })
  await using admin = await Admin.connect(address, { token: 'app' })
  await assert.rejects(admin.status(), { serverCode: 'ACCESS_DENIED' })
  await assert.rejects(admin.cancel('H:x:1'), { serverCode: 'ACCESS_DENIED' })
  await assert.rejects(admin.functions(), { serverCode: 'ACCESS_DENIED' })
})

test('a token with a blank or a NUL in it is none, and not said again', () => {
  for (const token of ['', 'a b', 'a\0b', 'ä', 'x'.repeat(257)]) {
    assert.throws(
      () => new Client(undefined, { token }),
      (error: Error) => {
        assert.ok(error instanceof InvalidArgumentError)
        return token === '' || !error.message.includes(token)
      },
    )
  }
})

const skip = missing('gearmand') ?? false

test('another Gearman server knows no tokens, which is said', { skip }, async () => {
  await using server = await startServer('gearmand')
  const address = `127.0.0.1:${server.port}`
  await assert.rejects(Client.connect(address, { token: 'app' }), {
    message: /knows no tokens: it is no Geartrain server/,
  })
})
