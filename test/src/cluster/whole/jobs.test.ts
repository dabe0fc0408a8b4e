import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { Admin, Client } from '@geartrain/client'
import { Program, php } from '../../interop/program.ts'
import { missing, type PeerName } from '../../support/peers.ts'
import { eventually } from '../../support/postgres/eventually.ts'
import { type Member, sharedFleet } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// Jobs that come to one server, and of which the other knows all.

const fleet = sharedFleet()
const programs: Program[] = []
after(() => Promise.all(programs.map((program) => program.kill())))

function program(command: readonly string[]): Program {
  const started = new Program(command, {})
  programs.push(started)
  return started
}

function absent(...peers: readonly PeerName[]): string | false {
  return peers.map(missing).find((sentence) => sentence !== undefined) ?? false
}

/** Sleeping workers are there, and the server knows it. */
async function untilWorkers(member: Member, name: string, workers: number): Promise<void> {
  await using admin = await Admin.connect(member.address)
  await eventually(`${member.name} has ${workers} workers of ${name}`, async () => {
    return (await admin.status()).some((row) => row.function === name && row.workers === workers) || undefined
  })
}

/** By the clock that counts: a job that was submitted for then has become ready. */
async function aSecondLater(member: Member): Promise<void> {
  await using client = await Client.connect(member.address)
  await using admin = await Admin.connect(member.address)
  const handle = await client.submitBackground('clock', '', { delayMs: 1500 })
  await eventually('its time has come', async () => (await admin.job(handle))?.state === 'ready' || undefined)
}

/** Handles of one job differ in their beginning, which is that of the server that was asked. */
function numberOf(handle: string): string {
  return /:(\d+)$/.exec(handle)?.[1] ?? handle
}

interface JobView {
  readonly state: string
  readonly numerator?: number
  readonly denominator?: number
  readonly result?: { readonly text?: string }
}

suite('jobs of a cluster', { skip: fleet.skip }, () => {
  test('submitted to one by PHP, done at the other by PHP', { skip: absent('php') }, async () => {
    const { a, b } = await fleet.pair()
    const client = program(php('background_client.php', a.port))
    const [handle = '', code] = (await client.ended()).stdout.split(' ')
    assert.match(handle, /^H:cluster:[1-9]\d*$/)
    assert.equal(code, '0')
    const worker = program(php('background_worker.php', b.port))
    const said = (await worker.ended()).stdout
    assert.match(said, /'to' => 'joe@example.org'/)
    assert.match(said, /^H:\S+ array/)
  })

  test('submitted to one by the C tool, done at the other by the C tool', { skip: absent('gearman') }, async () => {
    const { a, b } = await fleet.pair()
    const client = program(['gearman', '-h', '127.0.0.1', '-p', `${a.port}`, '-b', '-f', 'c-tool', 'by C'])
    assert.equal((await client.ended()).code, 0)
    const worker = program(['gearman', '-h', '127.0.0.1', '-p', `${b.port}`, '-w', '-c', '1', '-f', 'c-tool'])
    assert.equal((await worker.ended()).stdout, 'by C')
  })

  test('submitted to one over HTTP, by the library and by the command, done at the other by the library', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await a.json('/api/functions/mixed/jobs', { method: 'POST', body: 'over HTTP' })
    await client.submitBackground('mixed', 'by the library')
    await a.tell(['do', '--background', 'mixed', 'by the command'])
    await using hands = await Hands.at(b, 'mixed')
    const came = [await hands.next(), await hands.next(), await hands.next()]
    assert.deepEqual(
      came.map(({ job }) => job.text()),
      ['over HTTP', 'by the library', 'by the command'],
    )
  })

  test('priorities first, then the order of submission, with workers at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const rows = [
      ['low', 'e'],
      ['normal', 'c'],
      ['high', 'a'],
      ['low', 'f'],
      ['normal', 'd'],
      ['high', 'b'],
    ] as const
    for (const [index, [priority, workload]] of rows.entries()) {
      await (index % 2 === 0 ? client : other).submitBackground('ordered', workload, { priority })
    }
    // Between servers the order is exact to about a second.
    await aSecondLater(b)
    const done: string[] = []
    await using _worker = await startWorker(b, 'ordered', (job) => void done.push(job.text()), { concurrency: 1 })
    await eventually('all were done', () => done.length === rows.length || undefined)
    assert.equal(done.join(''), 'abcdef')
  })

  for (const turned of [false, true]) {
    test(`what came earlier is done earlier, ${turned ? 'also if it came to the other server' : 'of one priority'}`, async () => {
      const { a, b } = await fleet.pair()
      const [first, second] = turned ? [b, a] : [a, b]
      const name = turned ? 'lines-turned' : 'lines'
      for (const [member, word] of [[first, 'earlier'] as const, [second, 'later'] as const]) {
        await using client = await Client.connect(member.address)
        for (let index = 0; index < 5; index++) await client.submitBackground(name, word)
        // Between servers the order is exact to about a second.
        await aSecondLater(member)
      }
      const done: string[] = []
      await using _worker = await startWorker(b, name, (job) => void done.push(job.text()), { concurrency: 1 })
      await eventually('all were done', () => done.length === 10 || undefined)
      assert.deepEqual(done, [...Array(5).fill('earlier'), ...Array(5).fill('later')])
    })
  }

  test('a delayed job waits for its time at both, and is done at the other', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using hands = await Hands.at(b, 'delayed')
    const runAt = Date.now() + 1500
    const handle = await client.submitBackground('delayed', 'later', { runAt: new Date(runAt) })
    assert.equal((await b.json<JobView>(`/api/jobs/${handle}`)).state, 'delayed')
    assert.equal((await a.json<JobView>(`/api/jobs/${handle}`)).state, 'delayed')
    assert.equal(hands.jobs.length, 0)
    const { job } = await hands.next()
    assert.equal(job.text(), 'later')
    assert.ok(Date.now() >= runAt - 1, `it came ${runAt - Date.now()} ms before its time`)
  })

  test('jobs with the same unique are one, whichever server they come to', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const handles = [
      await client.submitBackground('unique', '1', { unique: 'key' }),
      await other.submitBackground('unique', '2', { unique: 'key' }),
      await other.submitBackground('unique', '3', { unique: 'key', priority: 'high' }),
      (await b.json<{ handle: string }>('/api/functions/unique/jobs?unique=key', { method: 'POST', body: '4' })).handle,
    ]
    assert.equal(new Set(handles.map(numberOf)).size, 1, `one job: ${handles.join(', ')}`)
    await using hands = await Hands.at(b, 'unique')
    const first = await hands.next()
    assert.equal(first.job.text(), '1')
    // It runs at B now, and is still the one that those at A join.
    const [own = ''] = handles
    assert.equal(numberOf(await client.submitBackground('unique', '5', { unique: 'key' })), numberOf(own))
    assert.equal(numberOf(await other.submitBackground('unique', '6', { unique: 'key' })), numberOf(own))
    first.finish()
    await eventually('it has ended', async () => !(await client.statusByUnique('key')).isKnown || undefined)
    assert.notEqual(numberOf(await client.submitBackground('unique', '7', { unique: 'key' })), numberOf(own))
    assert.equal((await hands.next()).job.text(), '7')
    assert.equal(hands.jobs.length, 2)
  })

  test('a job has the same handle for its submitter, for who joins it and for its worker', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const handle = await client.submitBackground('named', '', { unique: 'named-key' })
    assert.equal(await other.submitBackground('named', '', { unique: 'named-key' }), handle)
    await using hands = await Hands.at(b, 'named')
    assert.equal((await hands.next()).job.handle, handle)
  })

  test('many uniques at once at both servers: each job is done once', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const uniques = Array.from({ length: 200 }, (_, index) => `u${index}`)
    const submitAll = (by: Client) =>
      Promise.all(uniques.map((unique) => by.submitBackground('race', unique, { unique })))
    const [ours, theirs] = await Promise.all([submitAll(client), submitAll(other)])
    assert.deepEqual(theirs.map(numberOf), ours.map(numberOf))
    const done: string[] = []
    await using _worker = await startWorker([a, b], 'race', (job) => void done.push(job.text()))
    await using admin = await Admin.connect(a.address)
    // Counts are as of a second ago.
    await eventually('all are done, and none waits or runs', async () => {
      const row = (await admin.functions()).find(({ name }) => name === 'race')
      const left = row === undefined ? 0 : row.ready.high + row.ready.normal + row.ready.low + row.running
      return (done.length >= uniques.length && left === 0) || undefined
    })
    assert.deepEqual(done.sort(), uniques.sort())
  })

  test('GET_STATUS at the other server: while it waits, while it runs here or there, and after it', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    const handle = await client.submitBackground('status', '', { unique: 'status-key' })
    const unknown = { isKnown: false, isRunning: false, numerator: 0, denominator: 0 }
    const waiting = { ...unknown, isKnown: true }
    assert.deepEqual(await other.status(handle), waiting)
    assert.deepEqual(await other.statusByUnique('status-key'), { ...waiting, waiters: 0 })
    await using hands = await Hands.at(b, 'status')
    const { job, finish } = await hands.next()
    job.progress(3, 10)
    const running = { isKnown: true, isRunning: true, numerator: 3, denominator: 10 }
    for (const [who, asks] of [['there', other] as const, ['here', client] as const]) {
      await eventually(`the progress is known ${who}`, async () => {
        return (await asks.status(handle)).numerator === 3 || undefined
      })
      assert.deepEqual(await asks.status(handle), running, who)
      assert.deepEqual(await asks.statusByUnique('status-key'), { ...running, waiters: 0 }, who)
    }
    finish()
    await eventually('it has ended', async () => !(await other.status(handle)).isKnown || undefined)
    assert.deepEqual(await client.status(handle), unknown)
    assert.deepEqual(await client.statusByUnique('status-key'), { ...unknown, waiters: 0 })
  })

  test('the view of a job that runs at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const handle = await client.submitBackground('viewed', 'payload')
    await using hands = await Hands.at(b, 'viewed')
    const { job } = await hands.next()
    job.progress(3, 10)
    await eventually('the progress is known', async () => (await client.status(handle)).numerator === 3 || undefined)
    for (const member of [b, a]) {
      const view = await member.json<JobView>(`/api/jobs/${handle}`)
      assert.deepEqual([view.state, view.numerator, view.denominator], ['running', 3, 10], member.name)
      assert.match(await member.tell(['job', 'show', handle]), /running/)
    }
  })

  test('the status of a job at the other server, by PHP', { skip: absent('php') }, async () => {
    const { a, b } = await fleet.pair()
    const client = program(php('status_client.php', a.port))
    assert.equal(await client.line(), 'waiting [true,false,0,0] [true,false,0,0]')
    const worker = program(php('step_worker.php', b.port))
    assert.equal(await worker.line(), 'at 3 of 10')
    await using asks = await Client.connect(a.address)
    await eventually('the progress has arrived', async () => {
      return (await asks.statusByUnique('my-unique')).numerator === 3 || undefined
    })
    client.type('go on')
    assert.equal(await client.line(), 'running [true,true,3,10] [true,true,3,10]')
    worker.type('go on')
    assert.equal(await worker.line(), 'done')
    await eventually('it is over', async () => !(await asks.statusByUnique('my-unique')).isKnown || undefined)
    client.type('go on')
    assert.equal(await client.line(), 'over [false,false,0,0] [false,false,0,0]')
  })

  test('what waits, is delayed or runs is cancelled at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const waiting = await client.submitBackground('cancelled', 'waiting')
    const delayed = await client.submitBackground('cancelled', 'delayed', { delayMs: 3_600_000 })
    await b.tell(['cancel', waiting])
    assert.equal((await b.http(`/api/jobs/${delayed}/cancel`, { method: 'POST' })).status, 204)
    for (const handle of [waiting, delayed]) {
      await eventually('it is gone', async () => !(await client.status(handle)).isKnown || undefined)
      assert.equal((await b.http(`/api/jobs/${handle}`)).status, 404)
    }
    await using hands = await Hands.at(a, 'cancelled')
    const running = await client.submitBackground('cancelled', 'running')
    const { job } = await hands.next()
    assert.equal(job.text(), 'running')
    await b.tell(['cancel', running])
    await eventually('its worker hears of it', () => job.signal.aborted || undefined)
    await eventually('it is gone', async () => !(await client.status(running)).isKnown || undefined)
    assert.equal(hands.jobs.length, 1)
    await b.tell(['cancel', running], 1)
  })

  test('a dead letter is listed and tried again at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const policy = { attempts: 2, backoffFirstMs: 10 }
    const handle = await client.submitBackground('mortal', 'payload', { policy })
    await using hands = await Hands.at(a, 'mortal')
    for (const word of ['first', 'second']) (await hands.next()).fail(new Error(`${word} fault`))
    const listed = await eventually('it is dead', async () => {
      const rows = JSON.parse(await b.tell(['dead', 'list', 'mortal', '--json'])) as readonly { handle: string }[]
      return rows.length > 0 ? rows : undefined
    })
    assert.deepEqual(
      listed.map((row) => numberOf(row.handle)),
      [numberOf(handle)],
    )
    assert.match(await b.tell(['dead', 'show', handle]), /first fault[^]*second fault|second fault[^]*first fault/)
    assert.equal((await b.json<{ count: number }>('/api/jobs/count?state=dead&function=mortal')).count, 1)
    await b.tell(['dead', 'retry', handle])
    const again = await hands.next()
    assert.equal(again.job.text(), 'payload')
    again.finish()
    await eventually('none is dead', async () => {
      const { count } = await a.json<{ count: number }>('/api/jobs/count?state=dead&function=mortal')
      return count === 0 || undefined
    })
  })

  test('a dead letter is deleted at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const handle = await client.submitBackground('deleted', '', { policy: { attempts: 1 } })
    await using hands = await Hands.at(a, 'deleted')
    ;(await hands.next()).fail(new Error('no'))
    await eventually('it is dead', async () => {
      const { status, text } = await b.http(`/api/jobs/${handle}`)
      return (status === 200 && (JSON.parse(text) as JobView).state === 'dead') || undefined
    })
    await b.tell(['dead', 'delete', handle])
    assert.equal((await a.http(`/api/jobs/${handle}`)).status, 404)
    await a.tell(['dead', 'delete', handle], 1)
  })

  test('a kept result is read at the other server', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    const handle = await client.submitBackground('kept', 'May', { unique: 'may', policy: { keepResultsMs: 3_600_000 } })
    await using _worker = await startWorker(a, 'kept', (job) => `report of ${job.text()}`)
    await eventually('it has ended', async () => {
      return (await b.json<JobView>(`/api/jobs/${handle}`)).state === 'complete' || undefined
    })
    assert.equal(await b.tell(['job', 'result', handle]), 'report of May')
    assert.equal(await b.tell(['job', 'result', '--unique', 'may', '--function', 'kept']), 'report of May')
    assert.equal((await b.http(`/api/jobs/${handle}/result`)).text, 'report of May')
    assert.equal((await a.http(`/api/jobs/${handle}/result`)).text, 'report of May')
  })

  test('counts are the same at both', async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using other = await Client.connect(b.address)
    await using hands = await Hands.at(a, 'counted', { concurrency: 2 })
    await untilWorkers(a, 'counted', 1)
    for (let index = 0; index < 5; index++) await client.submitBackground('counted', `${index}`)
    for (let index = 0; index < 4; index++) await other.submitBackground('counted', `${index}`)
    await other.submitBackground('counted', '', { delayMs: 3_600_000 })
    await hands.next()
    await hands.next()
    interface Row {
      readonly name: string
      readonly ready: { readonly high: number; readonly normal: number; readonly low: number }
      readonly delayed: number
      readonly running: number
    }
    for (const member of [a, b]) {
      // What is in other servers' memory is known as of a second ago. Delayed ones are queued as well.
      await eventually(`${member.name} counts all of them`, async () => {
        const rows = JSON.parse(await member.tell(['status', '--json'])) as readonly Record<string, unknown>[]
        const row = rows.find((one) => one['function'] === 'counted')
        return (row?.['queued'] === 8 && row['running'] === 2) || undefined
      })
      const { functions } = await member.json<{ functions: readonly Row[] }>('/api/functions')
      const row = functions.find(({ name }) => name === 'counted')
      assert.deepEqual([row?.ready.normal, row?.delayed, row?.running], [7, 1, 2], member.name)
      const { states } = await member.json<{ states: Record<string, { count: number }> }>(
        '/api/jobs/counts?function=counted',
      )
      const counts = ['ready', 'delayed', 'running'].map((state) => states[state]?.count)
      assert.deepEqual(counts, [7, 1, 2], member.name)
    }
  })

  test('gearadmin --status says the same at both', { skip: absent('gearadmin') }, async () => {
    const { a, b } = await fleet.pair()
    await using client = await Client.connect(a.address)
    await using hands = await Hands.at(b, 'shown')
    for (let index = 0; index < 3; index++) await client.submitBackground('shown', `${index}`)
    for (let index = 0; index < 3; index++) await hands.next()
    for (let index = 0; index < 2; index++) await client.submitBackground('unseen', `${index}`)
    for (const member of [a, b]) {
      await eventually(`${member.name} shows them all`, async () => {
        const asked = program(['gearadmin', '-h', '127.0.0.1', '-p', `${member.port}`, '--status'])
        const lines = (await asked.ended()).stdout.split('\n')
        const isRunningShown = lines.some((line) => line.startsWith('shown\t3\t3\t'))
        return (lines.includes('unseen\t2\t0\t0') && isRunningShown) || undefined
      })
    }
  })
})
