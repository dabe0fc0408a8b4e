import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SqliteStore } from '@geartrain/server'
import { scratch } from '../cli/command.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { connect, PACKET, type RawPeer, waitMs } from '../support/raw.ts'
import { FailingCalls, limitFiles, limitFilesMissing, SmallDisk } from './disk.ts'
import { DurableServer } from './durable-server.ts'
import { RecordedLog } from './recorded-log.ts'
import {
  assertForeground,
  assertHasSamples,
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

const refusedAtOnce = 300
/** No disk here has room for so many samples. */
const fullBy = 5000
const failure = /the store sqlite:.* fails, background jobs are refused: /

/** Submits the samples from one number on, one by one, until one is refused; how many were acknowledged. */
async function fill(client: RawPeer, from: number): Promise<{ readonly count: number; readonly text: string }> {
  for (let count = 0; count < fullBy; count++) {
    client.sendBytes(submission(from + count))
    const { name, body } = await client.receive()
    if (name === 'JOB_CREATED') continue
    assert.equal(name, 'ERROR')
    const [code = '', text = ''] = body.toString('latin1').split('\0')
    assert.equal(code, 'QUEUE_ERROR')
    return { count, text }
  }
  throw new Error(`${fullBy} jobs were acknowledged: that can't be all on the disk`)
}

/** The next that is submitted until one is acknowledged: how long that takes is the store's affair. */
async function submitUntilTaken(client: RawPeer, index: number): Promise<void> {
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; ) {
    client.sendBytes(submission(index))
    const { name } = await client.receive()
    if (name === 'JOB_CREATED') return
    assert.equal(name, 'ERROR')
  }
  throw new Error('no job is taken again')
}

async function grabAny(worker: RawPeer): Promise<string> {
  worker.send(PACKET.GRAB_JOB)
  return (await worker.receive('JOB_ASSIGN')).args[0] ?? ''
}

async function assertRefusesWithoutHarm(server: DurableServer, client: RawPeer, acknowledged: number): Promise<void> {
  // As a program does that does not look at the answers before it is through.
  for (let i = 0; i < refusedAtOnce; i++) client.sendBytes(submission(acknowledged))
  for (let i = 0; i < refusedAtOnce; i++) assert.equal((await refusalOf(client)).code, 'QUEUE_ERROR')
  await assertForeground(server.port)
  client.sendLine('status')
  const rows = (await client.receiveText(/^\.\n/m)).split('\n').filter((row) => /^f\d/.test(row))
  const total = rows.reduce((sum, row) => sum + Number(row.split('\t')[1]), 0)
  assert.equal(total, acknowledged)
  assert.deepEqual(await listedUniques(server.port), uniques(acknowledged))
  const [sentence = '', ...more] = server.complaints
  assert.match(sentence, failure)
  assert.deepEqual(more, [])
}

describe('a disk that is full', { skip: SmallDisk.missing() }, () => {
  it('refuses background jobs and says why, keeps what it has, and takes jobs again when there is room', async () => {
    using disk = new SmallDisk(1)
    const path = disk.path('jobs.db')
    await using server = await DurableServer.start(path)
    await using client = await connect(server.port, 'client')
    const { count, text } = await fill(client, 0)
    assert.ok(count > 10)
    assert.equal(text, 'The job could not be stored: database or disk is full')
    await assertRefusesWithoutHarm(server, client, count)

    disk.grow(16)
    await submitUntilTaken(client, count)
    for (let i = 1; i <= 100; i++) client.sendBytes(submission(count + i))
    for (let i = 1; i <= 100; i++) await createdHandle(client)
    await server.kill()

    await using again = await DurableServer.start(path)
    await assertHasSamples(again.port, count + 101)
  })

  it('gives out what it has, and what was done does not come back', async () => {
    using disk = new SmallDisk(8)
    const path = disk.path('jobs.db')
    const count = 200
    await using server = await DurableServer.start(path)
    await submitSamples(server.port, 0, count)
    disk.fill()
    await using client = await connect(server.port, 'client')
    assert.equal((await fill(client, count)).count, 0)
    const done: string[] = []
    {
      await using worker = await sampleWorker(server.port)
      for (let job = await grabSample(worker); job !== undefined; job = await grabSample(worker)) {
        worker.send(PACKET.WORK_COMPLETE, job.handle, '')
        done.push(job.unique)
      }
      assert.deepEqual(done.toSorted(), uniques(count, isReady))
    }
    assert.equal((await fill(client, count)).count, 0)
    assert.deepEqual(await readySamples(server.port), [])
    disk.clear()
    await submitUntilTaken(client, count)
    // In the same batch as this one, or an earlier one, is what was done.
    await server.kill()
    await using again = await DurableServer.start(path)
    const rest = uniques(count + 1).filter((unique) => !done.includes(unique))
    assert.deepEqual(await listedUniques(again.port), rest)
  })

  it('loses nothing when the server is killed and started on it, and after', async () => {
    using disk = new SmallDisk(1)
    const path = disk.path('jobs.db')
    await using server = await DurableServer.start(path)
    await using client = await connect(server.port, 'client')
    const { count } = await fill(client, 0)
    await server.kill()
    // With what there is left it starts or it does not; if not, it says why.
    const outcome = await DurableServer.tryToStart(path)
    if (typeof outcome === 'string') assert.match(outcome, /jobs\.db.* can't be opened, since its disk is full; make/)
    else await outcome.kill()
    disk.grow(16)
    await using again = await DurableServer.start(path)
    await assertHasSamples(again.port, count)
  })
})

describe('a database that may have so many pages', () => {
  it('is said to be full once, however often it is tried, and to work when it has worked for a while', async () => {
    using directory = scratch()
    const log = new RecordedLog()
    const clock = new ManualClock()
    const store = new SqliteStore(directory.path('jobs.db'), { pagesMax: 60 })
    await using local = await StillServer.start({ store, log }, clock)
    const client = await local.connect('client')
    const { count } = await fill(client, 0)
    const full = `error: the store ${store.name} fails, background jobs are refused: database or disk is full`
    assert.deepEqual(log.lines, [full])
    // A small one now and then has room in a page that is there, a large one has none.
    const answers = new Set<string>()
    for (let tries = 0; tries <= 50; tries++) {
      clock.advance(1000)
      client.send(PACKET.SUBMIT_JOB_BG, 'f0', '', Buffer.alloc(tries % 5 === 0 ? 50_000 : 10))
      answers.add((await client.receive()).name)
    }
    assert.deepEqual(answers, new Set(['JOB_CREATED', 'ERROR']))
    assert.deepEqual(log.lines, [full])

    await using worker = await sampleWorker(local.port)
    for (let i = 0; i < count / 2; i++) {
      const job = await grabAny(worker)
      worker.send(PACKET.WORK_COMPLETE, job, '')
    }
    await submitUntilTaken(client, count)
    clock.advance(9999)
    assert.deepEqual(log.lines, [full])
    clock.advance(1)
    assert.deepEqual(log.lines, [full, `info: the store ${store.name} works again: background jobs are taken`])
  })
})

describe('a file that may not grow', { skip: limitFilesMissing() }, () => {
  it('is an I/O error: jobs are refused, none is lost, and jobs are taken again when it may', async () => {
    using directory = scratch()
    const path = directory.path('jobs.db')
    await using server = await DurableServer.start(path)
    await using client = await connect(server.port, 'client')
    for (let i = 0; i < 20; i++) client.sendBytes(submission(i))
    for (let i = 0; i < 20; i++) await createdHandle(client)
    limitFiles(server.pid, 256 * 1024)
    const { count, text } = await fill(client, 20)
    assert.match(text, /^The job could not be stored: (disk I\/O error|database or disk is full)$/)
    limitFiles(server.pid, 1)
    await assertForeground(server.port)
    assert.equal(server.complaints.length, 1)
    limitFiles(server.pid, undefined)
    await submitUntilTaken(client, 20 + count)
    await server.kill()
    await using again = await DurableServer.start(path)
    await assertHasSamples(again.port, 21 + count)
  })
})

describe('calls that fail', { skip: await FailingCalls.missing() }, () => {
  for (const fault of [
    'fsync,fdatasync:error=EIO',
    'pwrite64:error=EIO',
    'pwrite64:error=ENOSPC',
    'pwrite64:error=EIO:when=3+5',
  ]) {
    it(`${fault}: nothing that was acknowledged is lost`, async () => {
      using directory = scratch()
      const path = directory.path('jobs.db')
      await using server = await DurableServer.start(path)
      await using client = await connect(server.port, 'client')
      let next = 0
      const acknowledged: string[] = []
      const submit = async (count: number) => {
        const indexes = Array.from({ length: count }, () => next++)
        for (const index of indexes) client.sendBytes(submission(index))
        const answers: string[] = []
        for (const index of indexes) {
          const { name } = await client.receive()
          answers.push(name)
          if (name === 'JOB_CREATED') acknowledged.push(uniqueOf(index))
        }
        return answers
      }
      await submit(20)
      {
        await using _ = await FailingCalls.of(server.pid, fault)
        let refused = 0
        // One by one, so that each is a batch of its own.
        for (let tries = 0; tries < 400 && refused < 20; tries++) {
          if ((await submit(1))[0] !== 'JOB_CREATED') refused++
        }
        assert.equal(refused, 20)
        await assertForeground(server.port)
      }
      await submitUntilTaken(client, next)
      acknowledged.push(uniqueOf(next))
      assert.ok(!server.hasEnded)
      await server.kill()
      await using again = await DurableServer.start(path)
      const listed = new Set(await listedUniques(again.port))
      assert.deepEqual(
        acknowledged.filter((unique) => !listed.has(unique)),
        [],
      )
      // What was refused may be there or not: its frames were in the log when it could not be synced.
      const ready = new Set(await readySamples(again.port))
      assert.deepEqual(
        acknowledged.filter((unique) => !ready.has(unique) && isReady(Number(unique.slice(1)))),
        [],
      )
    })
  }
})
