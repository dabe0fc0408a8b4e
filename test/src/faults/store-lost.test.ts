import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeStore } from '../support/fake-store.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { createdHandle, refusalOf } from './sample.ts'
import { SlowlyOpened } from './slowly-opened.ts'
import { StillServer } from './still-server.ts'

async function submit(client: RawPeer, type: number, functionName: string, unique: string): Promise<string> {
  client.send(type, functionName, unique, 'x')
  return createdHandle(client)
}

/** The commit that the server now makes is the last one of its store: nobody learns whether it was kept. */
async function loseNext(store: FakeStore, act: () => void, isKept: boolean): Promise<void> {
  store.isAuto = false
  act()
  await until('the store has something to do', () => store.isBusy)
  store.die(isKept)
  store.isAuto = true
}

describe("the store's thread dies, and nobody knows whether it had kept", () => {
  for (const isKept of [true, false]) {
    it(`that a job is cancelled (it had${isKept ? '' : ' not'}): who waits for it learns that it is`, async () => {
      const store = new FakeStore()
      await using local = await StillServer.start({ store })
      const client = await local.connect('client')
      const administrator = await local.connect('administrator')
      const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'f', 'u')
      assert.equal(await submit(client, PACKET.SUBMIT_JOB, 'f', 'u'), handle)
      await loseNext(store, () => administrator.sendLine(`cancel job ${handle}`), isKept)
      assert.match(await administrator.receiveText(/\n/), /^ERR QUEUE_ERROR /)
      local.clock.advance(1000)
      const { name, args } = await client.receive('WORK_FAIL')
      assert.deepEqual([name, ...args], ['WORK_FAIL', handle])
      administrator.sendLine('show jobs')
      assert.equal(await administrator.receiveText(/^\.\n/m), '.\n')
      // Nor does it hold up the next one.
      assert.notEqual(await submit(client, PACKET.SUBMIT_JOB_BG, 'f', 'u'), handle)
    })

    it(`a job that was refused (it had${isKept ? '' : ' not'}): it is not done, and can be submitted again`, async () => {
      const store = new FakeStore()
      await using local = await StillServer.start({ store })
      const client = await local.connect('client')
      await loseNext(store, () => client.send(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'x'), isKept)
      assert.equal((await refusalOf(client)).code, 'QUEUE_ERROR')
      local.clock.advance(1000)
      const administrator = await local.connect('administrator')
      administrator.sendLine('show jobs')
      assert.equal(await administrator.receiveText(/^\.\n/m), '.\n')
      const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'f', 'u')
      const worker = await local.connect('worker')
      worker.send(PACKET.CAN_DO, 'f')
      worker.send(PACKET.GRAB_JOB)
      assert.equal((await worker.receive('JOB_ASSIGN')).args[0], handle)
      worker.send(PACKET.GRAB_JOB)
      assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
    })
  }

  it('anything: a job that ends while the store is opened anew is not done again, also when the disk is full', async () => {
    const fake = new FakeStore()
    const store = new SlowlyOpened(fake)
    await using local = await StillServer.start({ store })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'f', 'u')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('JOB_ASSIGN')).args[0], handle)
    await loseNext(fake, () => client.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x'), false)
    assert.equal((await refusalOf(client)).code, 'QUEUE_ERROR')

    store.hold()
    local.clock.advance(1000)
    for (let times = 0; times < 2; times++) {
      await until('it is opened', () => store.waiting > 0)
      if (times === 0) store.next()
    }
    // It was counted as ready when this comes.
    worker.send(PACKET.WORK_COMPLETE, handle, '')
    await worker.sync()
    fake.failNext('full')
    store.next()
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
    const administrator = await local.connect('administrator')
    local.clock.advance(1000)
    await submit(client, PACKET.SUBMIT_JOB_BG, 'g', '')
    administrator.sendLine('status')
    assert.equal(await administrator.receiveText(/^\.\n/m), 'f\t0\t0\t1\ng\t1\t0\t0\n.\n')
  })
})
