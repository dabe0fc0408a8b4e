import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { packets } from '@geartrain/protocol'
import { adminRoles, type Log, silentLog } from '@geartrain/server'
import { LocalServer } from '../server/local-server.ts'
import { type Asker, connectAs, everyone, others, rules, theirs, whoMay } from './parts.ts'

// Who may say which line of the text protocol, about `mail.send` and with a role on `mail.*` alone.

const view = 'view operate admin'

const table: { readonly [Name in keyof typeof adminRoles]: readonly [line: string, allowed: string] } = {
  status: ['status', view],
  prioritystatus: ['prioritystatus', view],
  workers: ['workers', view],
  'show jobs': ['show jobs', view],
  'show unique jobs': ['show unique jobs', view],
  version: ['version', everyone],
  getpid: ['getpid', view],
  verbose: ['verbose', view],
  'cancel job': ['cancel job HANDLE', 'operate admin'],
  'create function': ['create function NAME', 'admin'],
  'drop function': ['drop function NAME', 'admin'],
  maxqueue: ['maxqueue NAME 10', 'admin'],
  refused: ['nonsense', everyone],
  close: ['a b c d e f g', everyone],
}

describe('who may say a line', () => {
  for (const [command, [line, allowed]] of Object.entries(table)) {
    if (command === 'close') continue
    test(line, async () => {
      await using local = await LocalServer.start({ access: rules })
      assert.equal(await whoMay((asker) => isDone(local, line, theirs, asker)), allowed)
      const isAboutOne = line.includes('NAME') || line.includes('HANDLE')
      if (isAboutOne) assert.equal(await whoMay((asker) => isDone(local, line, others, asker)), '')
    })
  }
})

async function isDone(local: LocalServer, line: string, jobFunction: string, asker: Asker): Promise<boolean> {
  const all = await connectAs(local, 'all')
  all.send(packets.SUBMIT_JOB_BG.type, jobFunction, '', '')
  const handle = (await all.receive('JOB_CREATED')).body.toString('latin1')
  const peer = await connectAs(local, asker)
  peer.sendLine(line.replace('HANDLE', handle).replace('NAME', jobFunction))
  const answer = await peer.receiveText(/^(?:ERR|OK)[^\n]*\n|\.\n/)
  await peer.close()
  await all.close()
  // Of a function that is none of theirs it is as if there were no such job.
  return !/^ERR (?:ACCESS_DENIED|UNKNOWN_JOB)/.test(answer)
}

test('lists show what may be viewed', async () => {
  await using local = await LocalServer.start({ access: rules })
  const all = await connectAs(local, 'all')
  for (const name of [theirs, others]) {
    all.send(packets.CAN_DO.type, name)
    all.send(packets.SUBMIT_JOB_BG.type, name, `of ${name}`, '')
    await all.receive('JOB_CREATED')
  }
  const peer = await connectAs(local, 'view')
  const list = async (line: string) => {
    peer.sendLine(line)
    return (await peer.receiveText('.\n')).split('\n').slice(0, -2)
  }
  assert.deepEqual(await list('status'), ['mail.send\t1\t0\t1'])
  assert.deepEqual(await list('prioritystatus'), ['mail.send\t0\t1\t0\t1'])
  assert.deepEqual(await list('show unique jobs'), ['of mail.send'])
  assert.equal((await list('show jobs')).length, 1)
  const workers = await list('workers')
  assert.deepEqual(
    workers.map((row) => row.split(' : ')[1]),
    ['mail.send'],
  )
})

describe('text-admin', () => {
  test('off refuses every line', async () => {
    await using local = await LocalServer.start({ textAdmin: 'off' })
    const peer = await local.connect()
    peer.sendLine('version')
    const off = 'ERR ACCESS_DENIED the+text+protocol+is+switched+off+on+this+server\r\n'
    assert.equal(await peer.receiveText('\n'), off)
    peer.send(packets.SUBMIT_JOB_BG.type, 'f', '', '')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
  })

  test('loopback takes those of this machine', async () => {
    await using local = await LocalServer.start({ textAdmin: 'loopback' })
    const peer = await local.connect()
    peer.sendLine('status')
    assert.equal(await peer.receiveText('.\n'), '.\n')
  })
})

test('what changes something is audited, refused or not, and without payloads', async () => {
  const lines: object[] = []
  const log: Log = { ...silentLog, info: (facts: unknown) => void (isAudit(facts) && lines.push(facts)) }
  await using local = await LocalServer.start({ access: rules, log })
  const peer = await connectAs(local, 'admin')
  peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', 'secret')
  const handle = (await peer.receive('JOB_CREATED')).body.toString('latin1')
  for (const line of [`cancel job ${handle}`, `maxqueue ${theirs} 7`, `create function ${others}`, 'status']) {
    peer.sendLine(line)
    await peer.receiveText('\n')
  }
  const who = { audit: true, actor: 'admin', address: '127.0.0.1' }
  assert.deepEqual(lines, [
    { ...who, operation: 'cancel job', handle, outcome: 'done' },
    { ...who, operation: 'maxqueue', function: theirs, limits: { high: 7, normal: 7, low: 7 }, outcome: 'done' },
    { ...who, operation: 'create function', function: others, outcome: 'ACCESS_DENIED' },
  ])
})

function isAudit(facts: unknown): facts is object {
  return typeof facts === 'object' && facts !== null && 'audit' in facts
}
