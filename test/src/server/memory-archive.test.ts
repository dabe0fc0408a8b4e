import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StillServer } from '../faults/still-server.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'

const CONTROL = 1000

async function ask(peer: RawPeer, request: object): Promise<unknown> {
  peer.send(CONTROL, JSON.stringify(request))
  return JSON.parse((await peer.receive('CONTROL_RES')).body.toString())
}

async function submit(client: RawPeer, unique: string): Promise<string> {
  client.send(PACKET.SUBMIT_JOB_BG, 'f', unique, 'x')
  return (await client.receive('JOB_CREATED')).body.toString('latin1')
}

async function grab(worker: RawPeer): Promise<string> {
  worker.send(PACKET.GRAB_JOB)
  const { name, args } = await worker.receive('JOB_ASSIGN')
  assert.equal(name, 'JOB_ASSIGN')
  return args[0] ?? ''
}

describe('a server without a store', () => {
  it('does a dead job again though one of its unique has just been done', async () => {
    const functions = { f: { attempts: 1, 'unique-for': '1h' } }
    await using local = await StillServer.start({ store: 'memory', functions })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    const dead = await submit(client, 'u')
    worker.send(PACKET.WORK_FAIL, await grab(worker))
    await worker.sync()
    const other = await submit(client, 'u')
    assert.notEqual(other, dead)
    worker.send(PACKET.WORK_COMPLETE, await grab(worker), '')
    await worker.sync()
    assert.equal(await submit(client, 'u'), other)
    assert.deepEqual(await ask(client, { op: 'dead retry', handles: [dead] }), {
      ok: true,
      answer: { retried: 1, refused: [] },
    })
    await grab(worker)
  })
})
