import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SqliteStore } from '@geartrain/server'
import { scratch } from '../cli/command.ts'
import { CONTROL, grab } from '../server/desk.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { HeldStore } from './held-store.ts'
import { StillServer } from './still-server.ts'

/** Sends a request in CONTROL; the answer is waited for by whoever wants it. */
function ask(peer: RawPeer, request: object): void {
  peer.send(CONTROL, Buffer.from(JSON.stringify(request)))
}

async function answer(peer: RawPeer): Promise<{ readonly ok: boolean; readonly answer?: { readonly state?: string } }> {
  // It is what the server says of itself.
  return JSON.parse((await peer.receive('CONTROL_RES')).body.toString()) as { ok: boolean }
}

async function submit(peer: RawPeer, type: number, ...args: string[]): Promise<string> {
  peer.send(type, ...args)
  return (await peer.receive('JOB_CREATED')).body.toString('latin1')
}

describe('while the store is busy', () => {
  it('a job that has ended is not cancelled, and its result is kept', async () => {
    using directory = scratch()
    const store = new HeldStore(new SqliteStore(directory.path('jobs.db')))
    await using local = await StillServer.start({ store })
    const [client, worker, desk] = [
      await local.connect('client'),
      await local.connect('worker'),
      await local.connect('desk'),
    ]
    ask(desk, { op: 'function set', name: 'f', values: { 'keep-results': '1h' } })
    assert.equal((await answer(desk)).ok, true)
    const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    worker.send(PACKET.CAN_DO, 'f')
    assert.equal(await grab(worker), handle)
    {
      using _ = store.hang()
      client.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x')
      await desk.sync()
      // Both of these are for the next batch.
      worker.send(PACKET.WORK_COMPLETE, handle, 'done')
      await worker.sync()
      ask(desk, { op: 'job cancel', handle })
      await worker.sync()
    }
    assert.equal((await answer(desk)).ok, false)
    ask(desk, { op: 'job show', handle })
    assert.equal((await answer(desk)).answer?.state, 'complete')
  })

  it('a job that becomes ready comes into the line into which it is moved at that moment', async () => {
    using directory = scratch()
    const clock = new ManualClock()
    const store = new HeldStore(new SqliteStore(directory.path('jobs.db')))
    await using local = await StillServer.start({ store }, clock)
    const [client, worker, desk] = [
      await local.connect('client'),
      await local.connect('worker'),
      await local.connect('desk'),
    ]
    const runAt = String(Math.ceil(clock.wallNow() / 1000) + 10)
    const handle = await submit(client, PACKET.SUBMIT_JOB_EPOCH, 'f', '', runAt, 'x')
    {
      using _ = store.hang()
      ask(desk, { op: 'job prioritize', handle, priority: 'high' })
      // The store is asked where the job is, and then, in the next batch, told that its time has come.
      await client.sync()
      clock.advance(20_000)
      await client.sync()
    }
    assert.equal((await answer(desk)).ok, true)
    worker.send(PACKET.CAN_DO, 'f')
    assert.equal(await grab(worker), handle)
  })
})
