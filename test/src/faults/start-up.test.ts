import assert from 'node:assert/strict'
import { copyFileSync, existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { SqliteStore } from '@geartrain/server'
import { Command, scratch } from '../cli/command.ts'
import { openSqlite } from '../store/parts.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { DurableServer } from './durable-server.ts'
import { createdHandle, listedUniques } from './sample.ts'
import { StillServer } from './still-server.ts'

/** Submits a background job to `f`; its handle. */
async function submit(client: RawPeer, unique: string, workload = 'x'): Promise<string> {
  client.send(PACKET.SUBMIT_JOB_BG, 'f', unique, workload)
  return createdHandle(client)
}

async function submitAt(client: RawPeer, unique: string, seconds: number): Promise<string> {
  client.send(PACKET.SUBMIT_JOB_EPOCH, 'f', unique, String(seconds), 'x')
  return createdHandle(client)
}

/** The handle of the next job of `f`; undefined if there is none. */
async function grab(worker: RawPeer): Promise<string | undefined> {
  worker.send(PACKET.GRAB_JOB)
  const { name, args } = await worker.receive('JOB_ASSIGN or NO_JOB')
  return name === 'NO_JOB' ? undefined : args[0]
}

async function workerFor(port: number): Promise<RawPeer> {
  const worker = await connect(port, 'worker')
  worker.send(PACKET.CAN_DO, 'f')
  await worker.sync()
  return worker
}

async function grabAll(port: number): Promise<string[]> {
  await using worker = await workerFor(port)
  const handles: string[] = []
  for (let handle = await grab(worker); handle !== undefined; handle = await grab(worker)) handles.push(handle)
  return handles
}

describe('after kill -9', () => {
  it('what was running is ready again, in its old place; what was done is not', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const handles: string[] = []
    {
      await using server = await DurableServer.start(path)
      await using client = await connect(server.port, 'client')
      for (let i = 0; i < 6; i++) handles.push(await submit(client, `u${i}`))
      await using worker = await workerFor(server.port)
      for (const expected of handles.slice(0, 4)) assert.equal(await grab(worker), expected)
      worker.send(PACKET.WORK_COMPLETE, handles[1] ?? '', '')
      worker.send(PACKET.WORK_FAIL, handles[3] ?? '')
      await worker.sync()
      // When this one is acknowledged, so are their ends.
      handles.push(await submit(client, 'last'))
      await server.kill()
    }
    await using again = await DurableServer.start(path)
    const [zero, , two, , ...rest] = handles
    assert.deepEqual(await grabAll(again.port), [zero, two, ...rest])
  })

  it('delayed jobs whose time has passed come at once, others at theirs', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const dayMs = 86_400_000
    const inADay = Math.floor(Date.now() / 1000) + 86_400
    const handles: string[] = []
    {
      await using server = await DurableServer.start(path)
      await using client = await connect(server.port, 'client')
      for (const unique of ['passed', 'soon', 'far']) handles.push(await submitAt(client, unique, inADay))
      assert.deepEqual(await grabAll(server.port), [])
      await server.kill()
    }
    // As if the machine had been off for two days, and had come back a moment before the second one's time.
    const soonMs = Date.now() + 1500
    const database = openSqlite(path)
    const setTime = database.prepare('UPDATE jobs SET run_at = ? WHERE unique_name = ?')
    setTime.run(Date.now() - dayMs, 'passed')
    setTime.run(soonMs, 'soon')
    database.close()
    await using server = await DurableServer.start(path)
    await using worker = await workerFor(server.port)
    worker.send(PACKET.PRE_SLEEP)
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    assert.equal(await grab(worker), handles[0])
    worker.send(PACKET.PRE_SLEEP)
    assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    assert.ok(Date.now() >= soonMs)
    assert.equal(await grab(worker), handles[1])
    assert.equal(await grab(worker), undefined)
    assert.deepEqual(await listedUniques(server.port), ['far', 'passed', 'soon'])
  })

  it('who submits a unique again joins the job that has it, wherever that was', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    let handles: string[] = []
    const farSeconds = 9_999_999_999
    const submitAll = async (client: RawPeer) => [
      await submit(client, 'ready'),
      await submit(client, 'running'),
      await submitAt(client, 'delayed', farSeconds),
      await submit(client, '-', 'the workload is the unique'),
      await submit(client, '\xff\xfe not UTF-8'),
    ]
    {
      await using server = await DurableServer.start(path)
      await using client = await connect(server.port, 'client')
      handles = await submitAll(client)
      assert.equal(new Set(handles).size, handles.length)
      await using worker = await workerFor(server.port)
      await grab(worker)
      await grab(worker)
      await server.kill()
    }
    for (let restart = 0; restart < 2; restart++) {
      await using server = await DurableServer.start(path)
      await using client = await connect(server.port, 'client')
      assert.deepEqual(await submitAll(client), handles)
      assert.ok(!handles.includes(await submit(client, '-', 'another workload')))
      assert.ok(!handles.includes(await submit(client, '')))
      // In memory now, some of them, and some in a worker's hands.
      await using worker = await workerFor(server.port)
      await grab(worker)
      assert.deepEqual(await submitAll(client), handles)
      await server.kill()
    }
  })

  it('again and again, with jobs on their way, all that were acknowledged are there, and none twice', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const handles: string[] = []
    for (let restart = 0; restart < 6; restart++) {
      await using server = await DurableServer.start(path)
      await using client = await connect(server.port, 'client')
      // The last ones are on their way when it is killed.
      for (let i = 0; i < 5; i++) handles.push(await submit(client, ''))
      client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
      await server.kill()
    }
    await using server = await DurableServer.start(path)
    const ready = await grabAll(server.port)
    assert.equal(new Set(ready).size, ready.length)
    assert.deepEqual(
      handles.filter((handle) => !ready.includes(handle)),
      [],
    )
  })
})

describe('a server that is killed at its first start', () => {
  for (const suffix of ['-lock', '', '-wal', '-shm']) {
    it(`as soon as there is a file jobs.db${suffix} starts the next time`, async () => {
      for (let round = 0; round < 2; round++) {
        using directory = scratch()
        const path = directory.path('jobs.db')
        await using command = new Command(['serve', '--port', '0', '--http', 'off', '--store', `sqlite:${path}`])
        await until('the file is there', () => existsSync(path + suffix))
        command.kill('SIGKILL')
        await command.ended()
        await using server = await DurableServer.start(path)
        await using client = await connect(server.port, 'client')
        await submit(client, 'u')
      }
    })
  }
})

describe("when the machine's date", () => {
  const now = 1_790_000_000_000
  const hourMs = 3_600_000

  it('is set back between starts, no handle comes again, after a clean end or a crash', async () => {
    using directory = scratch()
    const handles = new Set<string>()
    let path = directory.path('jobs-0.db')
    const dates = [now, now - hourMs, now - 365 * 24 * hourMs, now - 365 * 24 * hourMs, 0, now - hourMs]
    let submitted = 0
    for (const [start, date] of dates.entries()) {
      const next = directory.path(`jobs-${start + 1}.db`)
      {
        await using local = await StillServer.start({ store: new SqliteStore(path) }, new ManualClock(date))
        const client = await local.connect('client')
        for (let i = 0; i < 50; i++, submitted++) handles.add(await submit(client, ''))
        // What a crash at this moment would leave.
        if (start % 2 === 0) for (const suffix of ['', '-wal']) copyFileSync(path + suffix, next + suffix)
      }
      if (start % 2 === 0) path = next
    }
    assert.equal(handles.size, submitted)
    const digits = [...handles].map((handle) => Number(handle.slice(-16)))
    assert.deepEqual(
      digits,
      digits.toSorted((a, b) => a - b),
    )
  })

  it('is set back or ahead while the server is off, delayed jobs come when the date says so', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const dueSeconds = (now + hourMs) / 1000
    const serveAt = (date: number) => {
      const clock = new ManualClock(date - new ManualClock(0).wallNow())
      return { clock, starting: StillServer.start({ store: new SqliteStore(path) }, clock) }
    }
    {
      const { starting } = serveAt(now)
      await using local = await starting
      await submitAt(await local.connect('client'), 'u', dueSeconds)
    }
    {
      const { clock, starting } = serveAt(now - hourMs)
      await using local = await starting
      await using worker = await workerFor(local.port)
      clock.advance(2 * hourMs - 1)
      assert.equal(await grab(worker), undefined)
    }
    {
      const { clock, starting } = serveAt(now + hourMs - 5000)
      await using local = await starting
      await using worker = await workerFor(local.port)
      assert.equal(await grab(worker), undefined)
      worker.send(PACKET.PRE_SLEEP)
      clock.advance(4999)
      await worker.expectNothing()
      clock.advance(1)
      assert.equal((await worker.receive('NOOP')).name, 'NOOP')
    }
    {
      const { starting } = serveAt(now + 2 * hourMs)
      await using local = await starting
      await using worker = await workerFor(local.port)
      worker.send(PACKET.PRE_SLEEP)
      assert.equal((await worker.receive('NOOP')).name, 'NOOP')
      assert.notEqual(await grab(worker), undefined)
    }
  })
})
