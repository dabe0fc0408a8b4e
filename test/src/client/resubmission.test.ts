import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import {
  AbortedError,
  Client,
  ClosedError,
  ConnectionLostError,
  type JobEvent,
  type SubmittedJob,
  TimeoutError,
} from '@geartrain/client'
import { type ServerKind, startServer } from '../support/peers.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { collect } from './events.ts'
import { FakeServer, response } from './proxy.ts'
import { Door } from './servers-door.ts'
import { onFleet } from './servers-fleet.ts'
import { signal } from './signal.ts'
import { onOwnServer } from './site.ts'

const options = { timeout: 60_000 }
const kinds: readonly ServerKind[] = ['ours', 'gearmand']
const quick = { reconnect: { minMs: 1, maxMs: 20 } }
const program = fileURLToPath(new URL('./resubmission-leftovers.js', import.meta.url))

describe('a server that is killed', () => {
  for (const kind of kinds) {
    it(`its waiting and running jobs are done by another: ${kind}`, options, (t) =>
      onOwnServer(kind, t, (first) =>
        onOwnServer(kind, t, async (second) => {
          const [started, aborted] = [signal(), signal<unknown>()]
          await first
            .worker(quick)
            .handle('f', async (job) => {
              job.progress(1, 2)
              await job.warn('careful')
              started.give()
              await once(job.signal, 'abort')
              aborted.give(job.signal.reason)
            })
            .start()
          await second
            .worker({ concurrency: 5 })
            .handle('f', (job) => `second ${job.text()}`)
            .start()
          const client = first.keep(await Client.connect([first.address, second.address], quick))
          const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
          const jobs = numbers.map((i) => client.submit('f', String(i), i % 2 === 0 ? {} : { priority: 'low' }))
          const handles = await Promise.all(jobs.map((job) => job.created()))
          await started.given
          process.kill(first.server.pid, 'SIGKILL')
          const texts = await Promise.all(jobs.map((job) => job.text()))
          assert.deepEqual(
            texts,
            numbers.map((i) => `second ${i}`),
          )
          assert.ok((await aborted.given) instanceof ConnectionLostError)
          // The new handle is told, and is another one where the servers' handles differ.
          for (const [i, job] of jobs.entries()) {
            const told = (await collect(job)).filter((event) => event.type === 'created')
            assert.equal(told.at(-1)?.handle, job.handle)
            assert.equal(told.length, 2)
            assert.equal(told[0]?.handle, handles[i])
          }
        }),
      ),
    )

    it(`or by itself, started again: ${kind}`, options, (t) =>
      onOwnServer(kind, t, async (site) => {
        await using door = await Door.to(site.server.port)
        const client = await site.client(quick, door.address)
        const jobs = Array.from({ length: 20 }, (_, i) =>
          client.submit('f', String(i), i < 10 ? {} : { unique: `u${i}` }),
        )
        await Promise.all(jobs.map((job) => job.created()))
        process.kill(site.server.pid, 'SIGKILL')
        await until('the server has ended', () => site.server.ended() !== undefined)
        await door.shut()
        await using again = await startServer(kind)
        await site
          .worker({}, `127.0.0.1:${again.port}`)
          .handle('f', (job) => `again ${job.text()}`)
          .start()
        door.serverPort = again.port
        await door.open()
        assert.deepEqual(
          await Promise.all(jobs.map((job) => job.text())),
          jobs.map((_, i) => `again ${i}`),
        )
      }),
    )

    it(`thousands of its jobs end once each, with their own results: ${kind}`, { timeout: 120_000 }, (t) =>
      onOwnServer(kind, t, (first) =>
        onOwnServer(kind, t, async (second) => {
          const total = 5000
          let done = 0
          const half = signal()
          for (const site of [first, second]) {
            await site
              .worker({ concurrency: 50, ...quick })
              .handle('f', async (job) => {
                if (++done === total / 4) half.give()
                await new Promise(setImmediate)
                return `answer to ${job.text()}`
              })
              .start()
          }
          const client = first.keep(await Client.connect([first.address, second.address], quick))
          const jobs = Array.from({ length: total }, (_, i) =>
            client.submit('f', String(i), i % 3 === 0 ? { unique: `u${i}` } : {}),
          )
          const ends = jobs.map((job) => endsOf(job))
          await half.given
          process.kill(first.server.pid, 'SIGKILL')
          assert.deepEqual(
            await Promise.all(ends),
            jobs.map((_, i) => [`complete answer to ${i}`]),
          )
        }),
      ),
    )
  }
})

onFleet('jobs submitted again', (test) => {
  test('resubmissions: 0: the job fails with the server, and the next one goes to another', async (fleet) => {
    const f = fleet.functionName()
    const client = await fleet.client({ resubmissions: 0 })
    const job = client.submit(f, '')
    await job.created()
    await fleet.door(0).shut()
    await assert.rejects(job.result(), ConnectionLostError)
    await fleet.workAt(1, f, () => 'second')
    assert.equal(await client.submit(f, '').text(), 'second')
  })

  test('a job that has given data is not: they would come twice', async (fleet) => {
    const f = fleet.functionName()
    await fleet.workAt(0, f, async (job) => {
      await job.data('half')
      await once(job.signal, 'abort')
    })
    let runs = 0
    await fleet.workAt(1, f, () => {
      runs++
    })
    const client = await fleet.client()
    const job = client.submit(f, '')
    const events: JobEvent['type'][] = []
    await assert.rejects(async () => {
      for await (const event of job) {
        events.push(event.type)
        if (event.type === 'data') await fleet.door(0).shut()
      }
    }, ConnectionLostError)
    await assert.rejects(job.result(), ConnectionLostError)
    assert.deepEqual(events, ['created', 'data'])
    assert.equal(await client.submit(f, '').text(), '')
    assert.equal(runs, 1)
  })

  test('again and again, as long as it is not more often than allowed', async (fleet) => {
    const f = fleet.functionName()
    for (const resubmissions of [1, 2]) {
      const client = await fleet.client({ resubmissions })
      const job = client.submit(f, '')
      const handles: string[] = []
      const outcome = assert.rejects(async () => {
        for await (const event of job) {
          if (event.type !== 'created') continue
          handles.push(event.handle)
          await fleet.door(handles.length - 1).shut()
        }
      }, ConnectionLostError)
      await outcome
      assert.equal(handles.length, resubmissions + 1)
      for (const door of fleet.doors) await door.open()
    }
  })

  test('with no server left it fails after resubmitTimeoutMs, with the reason why it was lost', async (fleet) => {
    const f = fleet.functionName()
    const client = await fleet.client({ resubmitTimeoutMs: 100 })
    const jobs = [client.submit(f, ''), client.submit(f, '', { unique: 'u' })]
    await Promise.all(jobs.map((job) => job.created()))
    await Promise.all(fleet.doors.map((door) => door.shut()))
    for (const job of jobs) {
      await assert.rejects(job.result(), (error) => {
        assert.ok(error instanceof ConnectionLostError, String(error))
        assert.match(error.message, /127\.0\.0\.1:\d+ /)
        return true
      })
    }
    // That was not the end of the client.
    await fleet.door(0).open()
    await fleet.workAt(0, f, () => 'done')
    for (;;) {
      const outcome = await client
        .submit(f, '')
        .text()
        .catch(() => '')
      if (outcome === 'done') break
    }
  })

  test('it waits for a server to come back, for as long as it is patient', async (fleet) => {
    const f = fleet.functionName()
    await fleet.workAt(2, f, (job) => job.text())
    const client = await fleet.client()
    // gearmand joins a job of the same unique to one that it is about to drop, because all who waited for it are gone.
    const uniqueOf = (i: number) => (fleet.kind === 'gearmand' ? undefined : `${f}-${i}`)
    const jobs = Array.from({ length: 100 }, (_, i) => client.submit(f, String(i), { unique: uniqueOf(i) }))
    const plain = client.submit(f, 'plain')
    await Promise.all([...jobs, plain].map((job) => job.created()))
    await Promise.all(fleet.doors.map((door) => door.shut()))
    const status = client.status('H:x:1')
    await assert.rejects(status)
    await fleet.door(2).open()
    assert.equal(await plain.text(), 'plain')
    assert.deepEqual(
      await Promise.all(jobs.map((job) => job.text())),
      jobs.map((_, i) => String(i)),
    )
  })

  for (const how of ['close()', 'abort', 'timeoutMs'] as const) {
    test(`${how} while it waits for a server: it is not sent any more`, async (fleet) => {
      const f = fleet.functionName()
      const client = await fleet.client()
      const abort = new AbortController()
      const job = client.submit(f, 'x', {
        signal: how === 'abort' ? abort.signal : undefined,
        timeoutMs: how === 'timeoutMs' ? 300 : undefined,
      })
      const outcome = job.result().catch((error: unknown) => error)
      await job.created()
      await Promise.all(fleet.doors.map((door) => door.shut()))
      // Rejects when the loss has been noticed.
      while (
        await client.echo('').then(
          () => true,
          (error: unknown) => error instanceof ConnectionLostError,
        )
      );
      assert.equal(job.hasEnded, false)
      if (how === 'close()') await client.close()
      else if (how === 'abort') abort.abort(new Error('enough'))
      const error = await outcome
      if (how === 'close()') {
        assert.ok(error instanceof ClosedError, String(error))
        assert.ok(error.cause instanceof ConnectionLostError, String(error.cause))
      } else if (how === 'abort') {
        assert.ok(error instanceof AbortedError, String(error))
        assert.equal(error.cause, abort.signal.reason)
      } else {
        assert.ok(error instanceof TimeoutError, String(error))
      }

      // The first server took it once, and still may have it; no other has it now.
      await fleet.door(1).open()
      const workloads: string[] = []
      await fleet.workAt(1, f, (assigned) => {
        workloads.push(assigned.text())
      })
      const next = how === 'close()' ? await fleet.client() : client
      for (;;) {
        const text = await next
          .submit(f, 'next')
          .text()
          .catch(() => undefined)
        if (text !== undefined) break
      }
      assert.deepEqual(workloads, ['next'])
    })
  }

  test('jobs of one unique are one again at the next server, and all who wait get its end', async (fleet) => {
    const f = fleet.functionName()
    const [a, b] = [await fleet.client(), await fleet.client()]
    const jobs = [a, a, b].map((client) => client.submit(f, 'x', { unique: f }))
    await Promise.all(jobs.map((job) => job.created()))
    const holder = await placeOf(f, fleet.addresses)
    await fleet.door(holder).shut()
    let waiters = 0
    while (waiters < 3) {
      waiters = (await a.statusByUnique(f).catch(() => undefined))?.waiters ?? 0
      // A server that is down makes it reject, so ask the others.
      for (const address of fleet.addresses.filter((_, i) => i !== holder)) {
        const client = await Client.connect(address)
        waiters = Math.max(waiters, (await client.statusByUnique(f)).waiters)
        await client.close()
      }
    }
    let runs = 0
    for (const [index] of fleet.addresses.entries()) {
      if (index === holder) continue
      await fleet.workAt(index, f, (job) => {
        runs++
        return `done ${job.text()}`
      })
    }
    assert.deepEqual(await Promise.all(jobs.map((job) => job.text())), ['done x', 'done x', 'done x'])
    assert.equal(runs, 1)
  })

  test('what is not a foreground job is not: its caller is told', async (fleet) => {
    const f = fleet.functionName()
    const client = await fleet.client()
    // All of it is lost on the way, or its answer is.
    const calls = [client.submitBackground(f, ''), client.echo('x')]
    const outcomes = Promise.allSettled(calls)
    await fleet.door(0).shut()
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof ConnectionLostError)
    }
    assert.equal(Buffer.from(await client.echo('y')).toString(), 'y')
  })

  test('a job that is submitted again tells its status at the server that has it', async (fleet) => {
    const f = fleet.functionName()
    const client = await fleet.client()
    const job = client.submit(f, '')
    const first = await job.created()
    await fleet.door(0).shut()
    // Servers of one host may give the same handle twice: what counts is that it is known there.
    const events = job[Symbol.asyncIterator]()
    assert.deepEqual((await events.next()).value, { type: 'created', handle: first })
    const again = (await events.next()).value
    assert.deepEqual(again, { type: 'created', handle: job.handle })
    await fleet.door(0).open()
    for (;;) {
      const status = await job.status().catch(() => undefined)
      if (status === undefined) continue
      assert.equal(status.isKnown, true)
      break
    }
  })
})

describe('a server that takes jobs and drops them', () => {
  for (const [resubmissions, expected] of [
    [undefined, 6],
    [2, 3],
    [0, 1],
  ] as const) {
    it(`is not tried without end: resubmissions ${resubmissions ?? 'by default'}`, options, async () => {
      let submissions = 0
      await using server = await FakeServer.toClients((socket) => {
        socket.once('data', () => {
          submissions++
          socket.destroy()
        })
      })
      await using client = await Client.connect(server.address, { resubmissions, ...quick })
      await assert.rejects(client.submit('f', '').result(), ConnectionLostError)
      assert.equal(submissions, expected)
    })
  }

  it('after it has said how far it is', options, async () => {
    let submissions = 0
    await using server = await FakeServer.toClients((socket) => {
      socket.once('data', () => {
        submissions++
        const created = response(PACKET.JOB_CREATED, `H:x:${submissions}`)
        const status = response(PACKET.WORK_STATUS, `H:x:${submissions}`, '1', '2')
        if (submissions < 3) socket.end(Buffer.concat([created, status]))
        else socket.write(Buffer.concat([created, response(PACKET.WORK_COMPLETE, 'H:x:3', 'done')]))
      })
    })
    await using client = await Client.connect(server.address, quick)
    const job = client.submit('f', '')
    const events = await collect(job)
    const told = events.map((event) => (event.type === 'created' ? event.handle : event.type))
    assert.deepEqual(told, ['H:x:1', 'status', 'H:x:2', 'status', 'H:x:3', 'complete'])
    assert.equal(job.handle, 'H:x:3')
  })

  it('whoever looks at the events only afterwards sees each handle once', options, async () => {
    let submissions = 0
    await using server = await FakeServer.toClients((socket) => {
      socket.once('data', () => {
        submissions++
        const created = response(PACKET.JOB_CREATED, `H:x:${submissions}`)
        if (submissions < 2) socket.end(created)
        else socket.write(Buffer.concat([created, response(PACKET.WORK_COMPLETE, 'H:x:2', 'done')]))
      })
    })
    await using client = await Client.connect(server.address, quick)
    const job = client.submit('f', '')
    await job.result()
    const told = (await collect(job)).map((event) => (event.type === 'created' ? event.handle : event.type))
    assert.deepEqual(told, ['H:x:1', 'H:x:2', 'complete'])
  })

  it('one that refuses the job the second time ends it with what it says', options, async () => {
    let submissions = 0
    await using server = await FakeServer.toClients((socket) => {
      socket.once('data', () => {
        submissions++
        if (submissions < 2) socket.destroy()
        else socket.write(response(PACKET.ERROR, 'QUEUE_ERROR', 'full'))
      })
    })
    await using client = await Client.connect(server.address, quick)
    await assert.rejects(client.submit('f', '').result(), { code: 'SERVER_ERROR', serverCode: 'QUEUE_ERROR' })
  })
})

describe('after jobs have lost their server', () => {
  for (const [how, ends] of [
    ['given up', ['CONNECTION_LOST']],
    ['refused', ['CONNECTION_LOST']],
    ['aborted', ['ABORTED']],
    ['closed', ['CLOSED']],
  ] as const) {
    it(`no timer, listener or socket is left, and nothing was warned of: ${how}`, options, async () => {
      const shut = signal()
      await using server = await FakeServer.toClients((socket) => {
        takeJobs(socket, () => shut.give())
      })
      // Those who come again find nobody.
      void shut.given.then(() => server[Symbol.asyncDispose]())
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, server.address, how], {
        timeout: 30_000,
      })
      const [lost, left = ''] = stdout.split('\n')
      assert.equal(lost, 'CONNECTION_LOST')
      assert.deepEqual(JSON.parse(left), { ends, resources: [], listeners: 0 })
      assert.equal(stderr, '')
    })
  }
})

/** Answers SUBMIT_JOB as a server does, and nothing to ECHO_REQ but `onEcho`. */
function takeJobs(socket: NodeJS.ReadWriteStream, onEcho: () => void): void {
  let input = Buffer.alloc(0)
  let jobs = 0
  socket.on('data', (chunk: Buffer) => {
    input = Buffer.concat([input, chunk])
    while (input.length >= 12 && input.length >= 12 + input.readUInt32BE(8)) {
      const type = input.readUInt32BE(4)
      input = input.subarray(12 + input.readUInt32BE(8))
      if (type === PACKET.SUBMIT_JOB) socket.write(response(PACKET.JOB_CREATED, `H:x:${jobs++}`))
      else onEcho()
    }
  })
}

/** The ends that are told of a job: by its events, and that result() says the same. */
async function endsOf(job: SubmittedJob): Promise<string[]> {
  const ends: string[] = []
  for await (const event of job) {
    if (event.type === 'complete') ends.push(`complete ${Buffer.from(event.data).toString()}`)
    else if (event.type !== 'created') ends.push(event.type)
  }
  assert.equal(`complete ${await job.text()}`, ends[0])
  return ends
}

/** Which of the servers has a job with the unique. */
async function placeOf(unique: string, addresses: readonly string[]): Promise<number> {
  for (const [index, address] of addresses.entries()) {
    const client = await Client.connect(address)
    const { isKnown } = await client.statusByUnique(unique)
    await client.close()
    if (isKnown) return index
  }
  throw new Error(`no server has a job with the unique ${unique}`)
}
