import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { WatchedServers } from '@geartrain/protocol'
import { createServer, hashToken, SettingsError, version } from '@geartrain/server'
import { others, rules, theirs, tokenOf } from '../access/parts.ts'
import { originOf, startLocal } from '../http/local-http.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { FakeServer, honest } from './fake-server.ts'

async function ask(origin: string, token?: string): Promise<WatchedServers['servers']> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await fetch(`${origin}/api/servers`, { headers })
  assert.equal(answer.status, 200, await answer.clone().text())
  // As the contract test has found it to be.
  return ((await answer.json()) as WatchedServers).servers
}

describe('a server that shows itself beside others', () => {
  test('is the first, with what it has', async () => {
    await using fake = await FakeServer.start(honest({ status: 'f\t1\t0\t0\n.\n' }))
    await using local = await startLocal({ watch: [fake.address] })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    client.send(PACKET.SUBMIT_JOB_BG, Buffer.from('größe'), '', 'x')
    client.send(PACKET.SUBMIT_JOB_BG, Buffer.from('größe'), '', 'x')
    await client.sync()
    worker.send(PACKET.SET_CLIENT_ID, 'joe')
    worker.send(PACKET.CAN_DO, Buffer.from('größe'))
    worker.send(PACKET.GRAB_JOB)
    await worker.receive('JOB_ASSIGN')
    const [own, other, ...more] = await ask(originOf(local))
    assert.deepEqual(own, {
      address: `127.0.0.1:${local.port}`,
      isThis: true,
      lookedAt: own?.lookedAt,
      tookMs: 0,
      version,
      functions: [{ name: 'größe', queued: 1, running: 1, workers: 1 }],
      workers: [{ number: own?.workers[0]?.number, address: '127.0.0.1', clientId: 'joe', functions: ['größe'] }],
    })
    assert.deepEqual([other?.address, other?.isThis, other?.functions.length, more], [fake.address, false, 1, []])
  })

  test('shows 100 functions of a worker, and no connections that are none', async () => {
    await using local = await startLocal()
    const worker = await local.connect('worker')
    await local.connect('client')
    const count = async () => (await ask(originOf(local)))[0]?.workers.map(({ functions }) => functions.length)
    for (let i = 0; i < 100; i++) worker.send(PACKET.CAN_DO, `f${i}`)
    await worker.sync()
    assert.deepEqual(await count(), [100])
    worker.send(PACKET.CAN_DO, 'one more')
    await worker.sync()
    assert.deepEqual(await count(), [100])
    assert.equal((await ask(originOf(local)))[0]?.functions.length, 101)
  })

  test('shows fewer workers if the names of what they can do are very long', async () => {
    await using local = await startLocal({ limits: { functionNameBytesMax: 60_000 } })
    const shown = async () => (await ask(originOf(local)))[0]?.workers.length
    for (let count = 1; count <= 3; count++) {
      const worker = await local.connect('worker')
      for (let i = 0; i < 50; i++) worker.send(PACKET.CAN_DO, `${i}${'f'.repeat(50_000)}`)
      await worker.sync()
      // Two of them have more than 4 MiB.
      assert.equal(await shown(), Math.min(count, 2))
    }
  })

  test('shows others to those alone who may view all functions, and of itself what they may view', async () => {
    await using fake = await FakeServer.start()
    await using local = await startLocal({ watch: [fake.address], access: rules })
    const client = await local.connect('client')
    client.send(PACKET.OPTION_REQ, 'token:token-of-all')
    await client.receive('OPTION_RES')
    for (const name of [theirs, others]) {
      client.send(PACKET.SUBMIT_JOB_BG, name, '', 'x')
      await client.receive('JOB_CREATED')
      client.send(PACKET.CAN_DO, name)
    }
    await client.sync()
    const shown = async (token: string) => {
      const [own, ...watched] = await ask(originOf(local), token)
      const names = (list: readonly string[]) => [...list].sort()
      return {
        functions: names((own?.functions ?? []).map(({ name }) => name)),
        ofWorker: names(own?.workers[0]?.functions ?? []),
        watched: watched.length,
      }
    }
    assert.deepEqual(await shown(tokenOf('view')), { functions: [theirs], ofWorker: [theirs], watched: 0 })
    assert.equal(fake.connections, 0)
    const all = [theirs, others].sort()
    assert.deepEqual(await shown('token-of-all'), { functions: all, ofWorker: all, watched: 1 })
  })

  test('ends while it waits for one that does not answer', async () => {
    await using fake = await FakeServer.start(() => undefined)
    const server = createServer({ port: 0, http: '127.0.0.1:0', watch: [fake.address] })
    await server.listen()
    const asked = fetch(`${originOf({ server })}/api/servers`).then(
      () => 'answered',
      () => 'cut off',
    )
    await until('it is asked', () => fake.lines.length === 1)
    await server.close(0)
    await asked
    await until('it was left', () => fake.gone === 1)
  })

  test('is not made with what is no address', () => {
    const wrong = [
      ['a:b', '"a:b" is not a server to watch: write host:port'],
      ['a:65536', '"a:65536" is not a server to watch: a port is 1 to 65535'],
      ['', '"" is not a server to watch: write host:port'],
    ] as const
    for (const [text, message] of wrong) {
      assert.throws(() => createServer({ watch: [text] }), new SettingsError(message))
    }
  })
})

describe('/api/about', () => {
  const about = async (origin: string, token?: string): Promise<unknown> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return await (await fetch(`${origin}/api/about`, { headers })).json()
  }

  test('says what it is, and of which version to those who may view anything', async () => {
    await using open = await startLocal()
    assert.deepEqual(await about(originOf(open)), { kind: 'server', version, hasRules: false })
    await using guarded = await startLocal({
      access: { ops: { token: hashToken('t'), roles: 'view', functions: 'f' } },
    })
    assert.deepEqual(await about(originOf(guarded)), { kind: 'server', hasRules: true })
    assert.deepEqual(await about(originOf(guarded), 't'), { kind: 'server', version, hasRules: true })
  })
})
