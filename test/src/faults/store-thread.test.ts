import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setImmediate as nextIteration } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { SqliteStore } from '@geartrain/server'
import { scratch } from '../cli/command.ts'
import { LocalServer } from '../server/local-server.ts'
import { SlowPeer } from '../server/slow-peer.ts'
import { Random } from '../simulation/random.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { connect, PACKET, type RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { FailingCalls } from './disk.ts'
import { DurableServer } from './durable-server.ts'
import { HeldStore } from './held-store.ts'
import { RecordedLog } from './recorded-log.ts'
import {
  assertForeground,
  createdHandle,
  grabSample,
  isReady,
  listedUniques,
  readySamples,
  refusalOf,
  sampleWorker,
  submission,
  submitSamples,
  uniqueOf,
  uniques,
} from './sample.ts'
import { StillServer } from './still-server.ts'

const noFailingCalls = await FailingCalls.missing()

/** The threads that this process starts, as it starts them. */
class Threads implements Disposable {
  #latest: Worker | undefined
  readonly #see = (thread: Worker): void => {
    this.#latest = thread
  }

  constructor() {
    process.on('worker', this.#see)
  }

  get latest(): Worker {
    if (this.#latest === undefined) throw new Error('no thread was started')
    return this.#latest
  }

  /** Resolves when the latest one is gone. */
  async kill(): Promise<void> {
    await this.latest.terminate()
  }

  [Symbol.dispose](): void {
    process.off('worker', this.#see)
  }
}

/** Submits all of them at once; those that were acknowledged. */
async function submitSome(client: RawPeer, indexes: readonly number[]): Promise<string[]> {
  client.sendBytes(Buffer.concat(indexes.map((index) => submission(index))))
  const taken: string[] = []
  for (const index of indexes) {
    const { name, body } = await client.receive('JOB_CREATED or ERROR')
    if (name === 'JOB_CREATED') taken.push(uniqueOf(index))
    else assert.match(body.toString('latin1'), /^QUEUE_ERROR\0The job could not be stored: /)
  }
  return taken
}

describe("the store's thread is killed", () => {
  it('while there is nothing to do: jobs are refused until it is opened anew, a second later', async () => {
    using directory = scratch()
    using threads = new Threads()
    const log = new RecordedLog()
    const clock = new ManualClock()
    const store = new SqliteStore(directory.path('jobs.db'), { log })
    await using local = await StillServer.start({ store, log }, clock)
    const client = await local.connect('client')
    assert.equal((await submitSome(client, [0, 1, 2])).length, 3)
    await threads.kill()
    assert.deepEqual(await submitSome(client, [3, 4, 5]), [])
    assert.deepEqual(await submitSome(client, [3]), [])
    await assertForeground(local.port)
    const ended = `the thread of the store ${store.name} has ended`
    const refused = `error: the store ${store.name} fails, background jobs are refused: ${ended}`
    assert.deepEqual(log.lines, [`error: ${ended}`, refused])

    const restarted = once(process, 'worker')
    clock.advance(999)
    assert.deepEqual(await submitSome(client, [3]), [])
    clock.advance(1)
    await restarted
    for (let taken: string[] = []; taken.length === 0; ) taken = await submitSome(client, [3])
    assert.deepEqual(await listedUniques(local.port), uniques(4))
    assert.deepEqual(log.lines, [`error: ${ended}`, refused])
    clock.advance(10_000)
    assert.equal(log.lines.at(-1), `info: the store ${store.name} works again: background jobs are taken`)
  })

  it('and who asks for jobs that only the store knows is told that it can not say', async () => {
    using directory = scratch()
    using threads = new Threads()
    const store = new SqliteStore(directory.path('jobs.db'))
    await using local = await StillServer.start({ store }, new ManualClock())
    const client = await local.connect('client')
    client.sendBytes(submission(0))
    const handle = await createdHandle(client)
    await threads.kill()
    const text = `The jobs on disk can not be looked up: the thread of the store ${store.name} has ended`
    for (const [type, asked] of [
      [PACKET.GET_STATUS, handle],
      [PACKET.GET_STATUS_UNIQUE, uniqueOf(0)],
      [PACKET.GET_STATUS, handle],
    ] as const) {
      client.send(type, asked)
      assert.deepEqual(await refusalOf(client), { code: 'QUEUE_ERROR', text })
    }
    // What is in memory is listed all the same.
    client.send(PACKET.SUBMIT_JOB, 'foreground', 'here', 'x')
    const inMemory = await createdHandle(client)
    const line = `ERR QUEUE_ERROR ${text.replaceAll(' ', '+')}\r\n.\n`
    const administrator = await local.connect('administrator')
    administrator.sendLine('show jobs')
    assert.equal(await administrator.receiveText(/^\.\n/m), `${inMemory}\t0\t0\t0\n${line}`)
    administrator.sendLine('show unique jobs')
    assert.equal(await administrator.receiveText(/^\.\n/m), `here\n${line}`)
    administrator.sendLine(`cancel job ${handle}`)
    assert.equal(await administrator.receiveText(/\n/), 'ERR QUEUE_ERROR The+job+could+not+be+stored\r\n')
  })

  it('again and again while it is being opened: it is tried until it works', async () => {
    using directory = scratch()
    using threads = new Threads()
    const log = new RecordedLog()
    const clock = new ManualClock()
    await using local = await StillServer.start({ store: new SqliteStore(directory.path('jobs.db')), log }, clock)
    const client = await local.connect('client')
    assert.equal((await submitSome(client, [0])).length, 1)
    await threads.kill()
    assert.deepEqual(await submitSome(client, [1]), [])
    for (let death = 0; death < 5; death++) {
      const restarted = once(process, 'worker')
      clock.advance(1000)
      await restarted
      await threads.kill()
      assert.deepEqual(await submitSome(client, [1]), [])
    }
    for (let taken: string[] = []; taken.length === 0; ) {
      clock.advance(1000)
      taken = await submitSome(client, [1])
    }
    assert.equal(log.lines.length, 1)
    assert.deepEqual(await readySamples(local.port), uniques(2))
  })

  const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
  it(`at any moment: what was acknowledged is there, what was done does not come back (seed ${seed})`, async () => {
    using directory = scratch()
    using threads = new Threads()
    const random = new Random(seed)
    const clock = new ManualClock()
    const path = directory.path('jobs.db')
    const acknowledged = new Set<string>()
    const done = new Set<string>()
    let next = 0
    {
      await using local = await StillServer.start({ store: new SqliteStore(path) }, clock)
      const client = await local.connect('client')
      for (let death = 0; death < 25; death++) {
        const burst = Array.from({ length: random.between(1, 200) }, () => next++)
        const answers = submitSome(client, burst)
        for (let wait = random.between(0, 12); wait > 0; wait--) await nextIteration()
        await threads.kill()
        for (const unique of await answers) acknowledged.add(unique)
        await assertForeground(local.port)
        for (let taken: string[] = []; taken.length === 0; ) {
          clock.advance(1000)
          taken = await submitSome(client, [next])
          if (taken.length > 0) acknowledged.add(uniqueOf(next))
        }
        next++
        // Some of what there is gets done; the next death comes upon its removal.
        await using worker = await sampleWorker(local.port)
        for (let jobs = random.between(0, 40); jobs > 0; jobs--) {
          const job = await grabSample(worker)
          if (job === undefined) break
          assert.ok(!done.has(job.unique), `${job.unique} was done and has come back`)
          worker.send(PACKET.WORK_COMPLETE, job.handle, '')
          done.add(job.unique)
        }
        await worker.sync()
      }
    }
    await using server = await DurableServer.start(path)
    const listed = await listedUniques(server.port)
    // Nothing of what was refused is lost either, nor there twice; whether it is there, nobody has said.
    assert.equal(new Set(listed).size, listed.length)
    const missing = [...acknowledged].filter((unique) => !done.has(unique) && !listed.includes(unique))
    assert.deepEqual(missing, [])
    const back = listed.filter((unique) => done.has(unique))
    assert.deepEqual(back, [])
    const ready = await readySamples(server.port)
    assert.deepEqual(
      ready,
      listed.filter((unique) => isReady(Number(unique.slice(1)))),
    )
  })
})

describe("the store's disk hangs", () => {
  it('and nothing is acknowledged until it goes on; foreground jobs are served', async () => {
    using directory = scratch()
    const store = new HeldStore(new SqliteStore(directory.path('jobs.db')))
    await using local = await LocalServer.start({ store })
    const client = await local.connect('client')
    const first = await submitSome(client, [0, 1, 2])
    assert.equal(first.length, 3)
    using _ = store.hang()
    const waiting = submitSome(client, [3, 4, 5])
    const other = await local.connect('another client')
    const othersWaiting = submitSome(other, [6])
    for (let i = 0; i < 20; i++) await assertForeground(local.port)
    const administrator = await local.connect('administrator')
    administrator.sendLine('status')
    assert.match(await administrator.receiveText(/^\.\n/m), /^f0\t3\t0\t0$/m)
    assert.equal(client.pending.length, 0)
    assert.equal(other.pending.length, 0)
    store.goOn()
    assert.deepEqual(await waiting, [3, 4, 5].map(uniqueOf))
    assert.deepEqual(await othersWaiting, [uniqueOf(6)])
    assert.deepEqual(await listedUniques(local.port), uniques(7))
  })

  it('when the server is closed: it ends, and the store is closed when the disk goes on', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    const log = new RecordedLog()
    const clock = new ManualClock()
    const store = new HeldStore(new SqliteStore(path))
    const local = await StillServer.start({ store, log }, clock)
    const client = await local.connect('client')
    client.sendBytes(submission(0))
    await createdHandle(client)
    {
      using _ = store.hang()
      client.sendBytes(submission(1))
      await assertForeground(local.port)
      let hasEnded = false
      const ending = local[Symbol.asyncDispose]().then(() => {
        hasEnded = true
      })
      await until('the server has ended', () => {
        clock.advance(1000)
        return hasEnded
      })
      await ending
      assert.deepEqual(log.lines, [
        `error: the store ${store.name} does not take it: jobs that have ended just now may be run again`,
      ])
      await assert.rejects(new SqliteStore(path).open(1), { code: 'STORE_LOCKED' })
    }
    await until('the store is closed', () => store.isClosed)
    await using again = await StillServer.start({ store: new SqliteStore(path) })
    // What was on its way has come in; nobody was told.
    assert.deepEqual(await listedUniques(again.port), uniques(2))
  })

  for (const [signals, line] of [
    [1, /does not take it: jobs that have ended just now may be run again/],
    [2, /SIGTERM again: exit at once/],
  ] as const) {
    it(`for a real server, which ends after ${signals} SIGTERM all the same`, { skip: noFailingCalls }, async () => {
      using directory = scratch()
      const path = directory.path('jobs.db')
      await using server = await DurableServer.start(path)
      await submitSamples(server.port, 0, 1)
      await using calls = await FailingCalls.of(server.pid, 'fsync,fdatasync:delay_enter=1000000000')
      const client = await SlowPeer.connect(server.port, 'client')
      client.sendBytes(submission(1))
      {
        await using administrator = await connect(server.port, 'administrator')
        for (let status = ''; !status.includes('f1\t1\t'); status = await administrator.receiveText(/^\.\n/m))
          administrator.sendLine('status')
      }
      // Who waits for an answer is given time.
      client.socket.resetAndDestroy()
      for (let signal = 1; signal <= signals; signal++) {
        process.kill(server.pid, 'SIGTERM')
        const said = signal === 1 ? /^SIGTERM: no more connections and jobs/ : /^SIGTERM again: exit at once/
        await until('the signal is heard', () => server.said('info', 'warn').some((each) => said.test(each)))
      }
      await server.isGone()
      calls.letGo()
      assert.deepEqual(await server.ended(), { code: null, signal: 'SIGKILL' })
      assert.match(server.complaints.join('\n'), line)
      await using again = await DurableServer.start(path)
      assert.ok((await listedUniques(again.port)).includes(uniqueOf(0)))
    })
  }

  it('for a real server, whose calls do not return', { skip: noFailingCalls }, async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await using server = await DurableServer.start(path)
    await using client = await connect(server.port, 'client')
    client.sendBytes(submission(0))
    await createdHandle(client)
    {
      await using _ = await FailingCalls.of(server.pid, 'fsync,fdatasync:delay_enter=1000000000')
      for (let index = 1; index <= 5; index++) client.sendBytes(submission(index))
      for (let i = 0; i < 5; i++) await assertForeground(server.port)
      assert.equal(client.pending.length, 0)
    }
    for (let index = 1; index <= 5; index++) await createdHandle(client)
    await server.kill()
    await using again = await DurableServer.start(path)
    assert.deepEqual(await listedUniques(again.port), uniques(6))
  })
})
