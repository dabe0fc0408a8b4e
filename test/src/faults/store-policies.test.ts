import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeStore } from '../support/fake-store.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { createdHandle, refusalOf } from './sample.ts'
import { SlowlyOpened } from './slowly-opened.ts'
import { StillServer } from './still-server.ts'

async function submit(client: RawPeer, type: number, unique: string): Promise<string> {
  client.send(type, 'f', unique, 'x')
  return createdHandle(client)
}

async function grab(worker: RawPeer): Promise<string> {
  worker.send(PACKET.GRAB_JOB)
  const { name, args } = await worker.receive('JOB_ASSIGN')
  assert.equal(name, 'JOB_ASSIGN')
  return args[0] ?? ''
}

async function statusOf(local: StillServer): Promise<string> {
  const administrator = await local.connect('administrator')
  administrator.sendLine('status')
  return administrator.receiveText(/^\.\n/m)
}

/** The store is lost with a submission that is refused, and works again when it is opened anew. */
async function lose(store: FakeStore, client: RawPeer): Promise<void> {
  store.isAuto = false
  client.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x')
  await until('the store has something to do', () => store.isBusy)
  store.die(false)
  store.isAuto = true
  await refusalOf(client)
}

describe('what is kept of jobs, in a store', () => {
  it('is swept away in its time, also while ever more jobs end', async () => {
    const store = new FakeStore()
    await using local = await StillServer.start({ store, functions: { f: { 'keep-results': '2s' } } })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    for (let count = 0; count < 20; count++) {
      await submit(client, PACKET.SUBMIT_JOB_BG, `u${count}`)
      worker.send(PACKET.WORK_COMPLETE, await grab(worker), 'result')
      await worker.sync()
      local.clock.advance(500)
      await client.sync()
    }
    const answer = store.disk.jobs.answer({ kind: 'describe unique', unique: 'u0', function: undefined })
    assert.ok(answer.kind === 'describe')
    assert.equal(answer.job, undefined)
  })
})

describe('a store that hangs', () => {
  it('is waited for by a worker whose results would fill the memory', async () => {
    const store = new FakeStore()
    await using local = await StillServer.start({ store, functions: { f: { 'keep-results': '1h' } } })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    await submit(client, PACKET.SUBMIT_JOB_BG, 'u')
    await submit(client, PACKET.SUBMIT_JOB_BG, 'v')
    const handles = [await grab(worker), await grab(worker)] as const
    store.isAuto = false
    client.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x')
    await until('the store has something to do', () => store.isBusy)
    worker.send(PACKET.WORK_COMPLETE, handles[0], Buffer.alloc(17 * 1024 * 1024))
    const administrator = await local.connect('administrator')
    const running = async () => {
      administrator.sendLine('status')
      return /^f\t\d+\t(\d+)/m.exec(await administrator.receiveText(/^\.\n/m))?.[1]
    }
    while ((await running()) === '2');
    worker.send(PACKET.WORK_COMPLETE, handles[1], 'small')
    for (let times = 0; times < 5; times++) assert.equal(await running(), '1')
    store.isAuto = true
    store.finish()
    while ((await running()) === '1') local.clock.advance(20)
  })
})

describe('while the store is opened anew', () => {
  for (const how of ['works', 'is full'] as const) {
    it(`a job is put off, and then the store ${how}: it is counted, and not begun before its time`, async () => {
      const fake = new FakeStore()
      const store = new SlowlyOpened(fake)
      const functions = { f: { attempts: 2, 'backoff-first': '1m', 'backoff-jitter': 0 } }
      await using local = await StillServer.start({ store, functions })
      const client = await local.connect('client')
      const worker = await local.connect('worker')
      worker.send(PACKET.CAN_DO, 'f')
      const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'u')
      assert.equal(await grab(worker), handle)
      await lose(fake, client)

      store.hold()
      local.clock.advance(1000)
      await until('it is opened', () => store.waiting > 0)
      store.next()
      await until('it is opened once more', () => store.waiting > 0)
      worker.send(PACKET.WORK_FAIL, handle)
      await worker.sync()
      if (how === 'is full') fake.failNext('full')
      store.next()
      worker.send(PACKET.GRAB_JOB)
      assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
      local.clock.advance(1000)
      await worker.sync()
      worker.send(PACKET.GRAB_JOB)
      assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
      assert.match(await statusOf(local), /^f\t1\t0\t1$/m)
      local.clock.advance(60_000)
      await worker.sync()
      assert.equal(await grab(worker), handle)
      worker.send(PACKET.WORK_COMPLETE, handle, '')
      await worker.sync()
      assert.match(await statusOf(local), /^f\t0\t0\t1$/m)
    })
  }
})

describe('a store that is lost', () => {
  it('had been told to cancel a job that runs by now: who waits for it learns its end', async () => {
    const store = new FakeStore()
    const functions = { f: { attempts: 2, 'backoff-first': '5s' } }
    await using local = await StillServer.start({ store, functions })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    const administrator = await local.connect('administrator')
    const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'u')
    worker.send(PACKET.CAN_DO, 'f')
    assert.equal(await grab(worker), handle)
    assert.equal(await submit(client, PACKET.SUBMIT_JOB, 'u'), handle)
    // It waits on disk; when it is due it is claimed while the cancellation is on its way.
    worker.send(PACKET.WORK_FAIL, handle)
    await worker.sync()
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('NO_JOB')).name, 'NO_JOB')
    worker.send(PACKET.PRE_SLEEP)
    await worker.sync()
    store.isAuto = false
    // Before the server looks at its figures, which it would have the store keep.
    local.clock.advance(5000)
    await client.sync()
    await until('it is to be promoted', () => store.isBusy)
    store.finish()
    await until('it is claimed', () => store.isBusy)
    administrator.sendLine(`cancel job ${handle}`)
    await client.sync()
    store.finish()
    await until('it is to be cancelled', () => store.isBusy)
    await worker.receive('NOOP')
    assert.equal(await grab(worker), handle)
    store.die(false)
    store.isAuto = true
    assert.match(await administrator.receiveText(/\n/), /^ERR QUEUE_ERROR /)
    local.clock.advance(1000)
    worker.send(PACKET.WORK_COMPLETE, handle, '')
    const { name, args } = await client.receive('the end')
    assert.deepEqual([name, args[0]], ['WORK_FAIL', handle])
  })

  it('takes at the end what it has not been told, if it works again', async () => {
    const store = new FakeStore()
    await using local = await StillServer.start({ store, functions: { f: { then: 'next' } } })
    const client = await local.connect('client')
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    const handle = await submit(client, PACKET.SUBMIT_JOB_BG, 'u')
    assert.equal(await grab(worker), handle)
    await lose(store, client)
    worker.send(PACKET.WORK_COMPLETE, handle, 'result')
    await worker.sync()
    await local[Symbol.asyncDispose]()
    const answer = store.disk.jobs.answer({ kind: 'list', after: 0, jobsMax: 10 })
    assert.ok(answer.kind === 'list')
    assert.deepEqual(
      answer.jobs.map((job) => job.function),
      ['next'],
    )
  })
})
