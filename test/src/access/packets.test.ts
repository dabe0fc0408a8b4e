import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type PacketName, packets } from '@geartrain/protocol'
import { hashToken, type Log, packetRoles, silentLog } from '@geartrain/server'
import { LocalServer } from '../server/local-server.ts'
import { connectAs, everyone, others, rules, showToken, theirs, tokenOf, whoMay } from './parts.ts'

// Who may send which packet about `mail.send`, with a role on `mail.*` alone; about `other` nobody of them may.

const submit = 'submit admin'
const work = 'work admin'
const ask = 'submit view operate admin'

const table: { readonly [Name in PacketName]: string } = {
  SUBMIT_JOB: submit,
  SUBMIT_JOB_BG: submit,
  SUBMIT_JOB_HIGH: submit,
  SUBMIT_JOB_HIGH_BG: submit,
  SUBMIT_JOB_LOW: submit,
  SUBMIT_JOB_LOW_BG: submit,
  SUBMIT_JOB_SCHED: submit,
  SUBMIT_JOB_EPOCH: submit,
  SUBMIT_REDUCE_JOB: submit,
  SUBMIT_REDUCE_JOB_BACKGROUND: submit,
  SUBMIT_JOB_WITH: submit,
  CAN_DO: work,
  CAN_DO_TIMEOUT: work,
  GET_STATUS: ask,
  GET_STATUS_UNIQUE: ask,
  CANT_DO: everyone,
  RESET_ABILITIES: everyone,
  PRE_SLEEP: everyone,
  GRAB_JOB: everyone,
  GRAB_JOB_UNIQ: everyone,
  GRAB_JOB_ALL: everyone,
  ALL_YOURS: everyone,
  WORK_STATUS: everyone,
  WORK_COMPLETE: everyone,
  WORK_FAIL: everyone,
  WORK_EXCEPTION: everyone,
  WORK_DATA: everyone,
  WORK_WARNING: everyone,
  ECHO_REQ: everyone,
  SET_CLIENT_ID: everyone,
  OPTION_REQ: everyone,
  CONTROL: everyone,
  NOOP: everyone,
  JOB_CREATED: everyone,
  NO_JOB: everyone,
  JOB_ASSIGN: everyone,
  JOB_ASSIGN_UNIQ: everyone,
  JOB_ASSIGN_ALL: everyone,
  JOB_ASSIGN_TRACED: everyone,
  JOB_CANCEL: everyone,
  ECHO_RES: everyone,
  ERROR: everyone,
  STATUS_RES: everyone,
  STATUS_RES_UNIQUE: everyone,
  OPTION_RES: everyone,
  CONTROL_RES: everyone,
}

/** Arguments that a packet is well formed with. */
const values: Readonly<Record<string, string>> = {
  unique: '',
  epoch: '1',
  options: '{}',
  trace: '',
  option: 'exceptions',
}

describe('who may send a packet', () => {
  for (const name of Object.keys(packetRoles) as PacketName[]) {
    test(name, async () => {
      await using local = await LocalServer.start({ access: rules })
      assert.equal(await whoMay((asker) => isTaken(name, theirs, asker)), table[name])
      const needsFunction = packets[name].args[0] === 'function' && table[name] !== everyone
      if (needsFunction) assert.equal(await whoMay((asker) => isTaken(name, others, asker)), '')

      async function isTaken(packet: PacketName, jobFunction: string, asker: Parameters<typeof connectAs>[1]) {
        const peer = await connectAs(local, asker)
        const { type, args, data } = packets[packet]
        const given = args.map((arg) => (arg === 'function' ? jobFunction : (values[arg] ?? '')))
        // What it asks for must not be answered with anything of access.
        const body = packet === 'CONTROL' ? [''] : data ? [...given, ''] : given
        peer.send(type, ...body)
        await peer.sync()
        const isDenied = peer.pending.includes('ACCESS_DENIED')
        await peer.close()
        return !isDenied
      }
    })
  }

  test('nobody is asked where there are no rules', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connect()
    peer.send(packets.CAN_DO.type, theirs)
    peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
  })
})

describe('a packet that is denied', () => {
  test('says why, has no effect, and the connection goes on', async () => {
    await using local = await LocalServer.start({ access: rules })
    const peer = await connectAs(local, 'submit')
    peer.send(packets.CAN_DO.type, theirs)
    const { name, args } = await peer.receive()
    assert.deepEqual(
      [name, args],
      ['ERROR', ['ACCESS_DENIED', 'this takes the role work on mail.send, which no access rule gives you']],
    )
    peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    peer.send(packets.GRAB_JOB.type)
    assert.equal((await peer.receive()).name, 'NO_JOB')
  })
})

describe('a token', () => {
  test('is answered without being repeated', async () => {
    await using local = await LocalServer.start({ access: rules })
    const peer = await local.connect()
    peer.send(packets.OPTION_REQ.type, `token:${tokenOf('submit')}`)
    const { name, args } = await peer.receive()
    assert.deepEqual([name, args], ['OPTION_RES', ['token']])
  })

  test('takes the place of the one before it', async () => {
    await using local = await LocalServer.start({ access: rules })
    const peer = await connectAs(local, 'submit')
    await showToken(peer, tokenOf('work'))
    peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
    assert.equal((await peer.receive()).args[0], 'ACCESS_DENIED')
    peer.send(packets.CAN_DO.type, theirs)
    await peer.expectNothing()
  })

  test('adds to what the network gives', async () => {
    const access = { ...rules, here: { network: '127.0.0.1', roles: 'view' } } as const
    await using local = await LocalServer.start({ access })
    const peer = await connectAs(local, 'submit')
    peer.sendLine('status')
    assert.equal(await peer.receiveText('.\n'), '.\n')
    peer.send(packets.SUBMIT_JOB_BG.type, theirs, '', '')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
  })

  test('that is wrong is not said again, and the third one ends the connection', async () => {
    const logged: unknown[] = []
    const log: Log = { ...silentLog, warn: (...words: unknown[]) => void logged.push(words) }
    await using local = await LocalServer.start({ access: rules, log })
    const peer = await local.connect()
    const wrong = ['gt_wrong', '', 'x'.repeat(10_000)]
    for (const [index, token] of wrong.entries()) {
      peer.send(packets.OPTION_REQ.type, `token:${token}`)
      const { name, args } = await peer.receive()
      assert.deepEqual([name, args[0]], ['ERROR', 'ACCESS_DENIED'])
      assert.ok(args[1]?.includes('wrong') === false, args[1])
      assert.equal(args[1]?.includes('the connection is closed'), index === wrong.length - 1, args[1])
    }
    await peer.expectClosed()
    // With where it comes from, for those who keep guessers out.
    const facts = { address: '127.0.0.1', connection: 0 }
    assert.deepEqual(
      logged,
      Array.from(wrong, () => [facts, 'a token was shown that lets nobody in']),
    )
  })

  test('that does not hold from here is refused like a wrong one', async () => {
    const far = { network: '10.0.0.0/8', token: hashToken('far'), roles: 'admin' } as const
    await using local = await LocalServer.start({ access: { far } })
    const peer = await local.connect()
    peer.send(packets.OPTION_REQ.type, 'token:far')
    assert.equal((await peer.receive()).args[0], 'ACCESS_DENIED')
  })

  test('is taken, whatever it is, where there are no rules', async () => {
    await using local = await LocalServer.start()
    await showToken(await local.connect(), 'whatever')
  })
})
