import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { describe, test } from 'node:test'
import { packets } from '@geartrain/protocol'
import { type AccessOptions, type AccessRuleOptions, hashToken, SettingsError } from '@geartrain/server'
import { scratch, startCommand } from '../cli/command.ts'
import { startApi } from '../http/api.ts'
import { EventReader } from '../http/event-reader.ts'
import { EventStage } from '../http/event-stage.ts'
import { LocalServer } from '../server/local-server.ts'
import { connect } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { rules, showToken, theirs, tokenOf } from './parts.ts'

// Rules that change while the server runs.

function without(name: string): Record<string, AccessRuleOptions> {
  return Object.fromEntries(Object.entries(rules).filter(([each]) => each !== name))
}

describe('other rules', () => {
  test('hold for connections that are there, and for new ones', async () => {
    await using local = await LocalServer.start({ access: rules })
    const peer = await local.connect()
    await showToken(peer, tokenOf('submit'))
    const submit = async () => {
      peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
      return (await peer.receive()).name
    }
    assert.equal(await submit(), 'JOB_CREATED')
    assert.ok(local.server.changeAccess(without('submit')))
    assert.equal(await submit(), 'ERROR')
    const next = await local.connect()
    await assert.rejects(showToken(next, tokenOf('submit')), /ACCESS_DENIED/)
    local.server.changeAccess({ ...without('submit'), later: { token: hashToken('later'), roles: 'submit' } })
    await showToken(next, 'later')
    // Its token is in the rules again, and it is who it was.
    local.server.changeAccess(rules)
    assert.equal(await submit(), 'JOB_CREATED')
  })

  test('take functions from workers, whose jobs are then for others', async () => {
    await using local = await LocalServer.start({ access: rules })
    const worker = await local.connect()
    await showToken(worker, tokenOf('work'))
    worker.send(packets.CAN_DO.type, theirs)
    const client = await local.connect()
    await showToken(client, tokenOf('submit'))
    for (let i = 0; i < 2; i++) {
      client.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
      await client.receive('JOB_CREATED')
    }
    worker.send(packets.GRAB_JOB.type)
    const [handle = ''] = (await worker.receive('JOB_ASSIGN')).args
    local.server.changeAccess(without('work'))
    worker.send(packets.WORK_COMPLETE.type, handle, '')
    worker.send(packets.GRAB_JOB.type)
    assert.equal((await worker.receive()).name, 'NO_JOB')
    const left = local.server.engine.findFunction(theirs)
    assert.deepEqual([left?.jobCount, left?.runningCount, left?.workerCount], [2, 0, 0])
  })

  test('end sessions whose token is in none of them, and event streams', async () => {
    await using api = await startApi({ access: rules })
    const begun = await api.call('beginSession', { body: { token: tokenOf('view') } })
    const headers = { cookie: begun.headers.get('set-cookie')?.split(';', 1)[0] ?? '' }
    const name = async () => ((await api.json('getSession', { headers })) as { name: string }).name
    assert.equal(await name(), 'view')
    using reader = await EventReader.open(`${api.origin}/api/events`, headers)
    await reader.named('snapshot')
    api.server.changeAccess(without('view'))
    await until('the stream has ended', () => reader.isClosed)
    assert.equal(await name(), 'nobody')
    assert.equal((await fetch(`${api.origin}/api/events`, { headers })).status, 401)
    api.server.changeAccess(rules)
    assert.equal(await name(), 'view')
  })

  test('hold for what event streams begin with, also while a slow reader of before is still there', async () => {
    const eyes = (functions: string[]) =>
      ({
        eyes: { token: hashToken('eyes'), roles: 'view', functions },
        gearman: { network: '127.0.0.1', roles: 'submit' },
      }) satisfies AccessOptions
    await using stage = await EventStage.open({
      access: eyes(['m*', 'secret']),
      limits: { functionNameBytesMax: 60_000 },
    })
    const names = Array.from({ length: 400 }, (_, index) => `m${index}${'x'.repeat(50_000)}`)
    await stage.submit('secret', ...names)
    const { port } = stage.local.server.httpAddress ?? assert.fail('there is no HTTP')
    const slow = net.connect(port, '127.0.0.1')
    slow.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer eyes\r\n\r\n')
    await once(slow, 'readable')
    const seen = async () => {
      const reader = await stage.read('', 'eyes')
      // As the API's description says.
      const { functions } = (await reader.named('snapshot')) as { readonly functions: readonly { name: string }[] }
      return functions.map(({ name }) => name.slice(0, 6))
    }
    assert.ok((await seen()).includes('secret'))
    stage.local.server.changeAccess(eyes(['m0*']))
    assert.deepEqual(await seen(), ['m0xxxx'])
    slow.destroy()
  })

  test('that are wrong, or none, or the first ones, change nothing', async () => {
    await using local = await LocalServer.start({ access: rules })
    const peer = await local.connect()
    await showToken(peer, tokenOf('submit'))
    const wrong = { ci: { roles: 'submitt' } } as unknown as AccessOptions
    assert.throws(() => local.server.changeAccess(wrong), SettingsError)
    assert.throws(() => local.server.changeAccess({}), SettingsError)
    peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    await using openServer = await LocalServer.start()
    assert.throws(() => openServer.server.changeAccess(rules), SettingsError)
    assert.equal(openServer.server.changeAccess({}), false)
  })
})

test('SIGHUP reads the rules again, and goes on with the old ones if the new ones are wrong', async () => {
  using directory = scratch()
  const config = directory.path('access.toml')
  const write = (token: string, more = '') =>
    writeFileSync(config, `[access.ops]\ntoken = "${hashToken(token)}"\nroles = "admin"\n${more}`)
  write('first')
  const args = ['serve', '--port', '0', '--http', 'off', '--store', 'memory', '--config', config]
  await using server = await startCommand(args)
  const lets = async (token: string) => {
    const peer = await connect(server.port)
    try {
      await showToken(peer, token)
      return true
    } catch {
      return false
    } finally {
      peer.destroy()
    }
  }
  assert.ok(await lets('first'))
  write('second')
  server.command.kill('SIGHUP')
  await server.command.line(/SIGHUP: the access rules have been read again/)
  assert.deepEqual([await lets('first'), await lets('second')], [false, true])
  write('third', '\n[access.bad]\nroles = "x"\ntoken = "gt_secret"\n')
  server.command.kill('SIGHUP')
  await server.command.line(
    /SIGHUP: going on with the access rules as they were: .*the hash of a token, never the token/,
  )
  assert.deepEqual([await lets('second'), await lets('third')], [true, false])
  writeFileSync(config, '')
  server.command.kill('SIGHUP')
  await server.command.line(/SIGHUP: going on with the access rules as they were: there are no access rules any more/)
  assert.deepEqual([await lets('nobody'), await lets('second')], [false, true])
})
