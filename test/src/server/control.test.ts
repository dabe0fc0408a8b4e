import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { ControlOperations } from '@geartrain/protocol'
import {
  type Batch,
  type BatchResult,
  nothingWritten,
  SqliteStore,
  type Store,
  type StoreFailure,
  type StoreState,
} from '@geartrain/server'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { CONTROL, Desk, grab } from './desk.ts'

/** A store on disk whose next commits fail when a test says so. */
class FailingStore implements Store {
  readonly name = 'sqlite:'
  readonly #store: SqliteStore
  /** So many batches with changes fail. */
  failures = 0
  /** Waited for before the next list of a function's jobs. */
  beforeList: (() => Promise<void>) | undefined

  constructor(path: string) {
    this.#store = new SqliteStore(path)
  }

  open(atLeast: number): Promise<StoreState> {
    return this.#store.open(atLeast)
  }

  async commit(batch: Batch): Promise<BatchResult> {
    if (batch.requests.some(({ kind }) => kind === 'list function')) {
      const wait = this.beforeList
      this.beforeList = undefined
      await wait?.()
    }
    const hasWrites = batch.changes.length + batch.forget.length + batch.cancel.length > 0
    if (this.failures === 0 || !hasWrites) return await this.#store.commit(batch)
    this.failures--
    const failure: StoreFailure = { code: 'SQLITE_FULL', message: 'database or disk is full', isBroken: false }
    return { ...nothingWritten, failure, answers: batch.requests.map(() => ({ kind: 'failed', failure })) }
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

function inDirectory(run: (path: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-control-'))
    try {
      await run(join(directory, 'jobs.db'))
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
}

function onStores(run: (desk: Desk, isDurable: boolean) => Promise<void>): () => Promise<void> {
  return inDirectory(async (path) => {
    for (const store of ['memory', `sqlite:${path}`]) {
      await using desk = await Desk.open({ store })
      await run(desk, store !== 'memory')
    }
  })
}

async function handlesOf(desk: Desk, params: ControlOperations['jobs']['params']): Promise<string[]> {
  const handles: string[] = []
  for (let after: string | undefined = '0'; after !== undefined; ) {
    const page: ControlOperations['jobs']['answer'] = await desk.ask('jobs', { ...params, after })
    for (const { handle } of page.jobs) handles.push(handle)
    after = page.next
  }
  return handles
}

describe('what is no request', () => {
  const rows: readonly [request: string, message: string][] = [
    ['', 'BAD_REQUEST: the request is no JSON'],
    ['{"op":', 'BAD_REQUEST: the request is no JSON'],
    ['[]', 'BAD_REQUEST: a request is an object'],
    ['null', 'BAD_REQUEST: a request is an object'],
    ['{}', 'BAD_REQUEST: a request says what to do in "op"'],
    ['{"op":7}', 'BAD_REQUEST: a request says what to do in "op"'],
    ['{"op":"function shew"}', 'BAD_REQUEST: there is no operation "function shew"; did you mean "function show"?'],
    ['{"op":"__proto__"}', 'BAD_REQUEST: there is no operation "__proto__"; there are "functions", '],
    ['{"op":"functions","nmaes":[]}', 'BAD_REQUEST: "functions": there is no parameter "nmaes"; did you mean "names"?'],
    ['{"op":"functions","names":"f"}', 'BAD_REQUEST: "functions", "names": expected array, received string'],
    ['{"op":"functions","names":[""]}', 'BAD_REQUEST: "functions", "names", "0": a name has one byte at least'],
    ['{"op":"function show"}', 'BAD_REQUEST: "function show", "name": it is missing'],
    [
      '{"op":"function show","name":"\u4e00"}',
      'BAD_REQUEST: "function show", "name": a name has one character for each',
    ],
    ['{"op":"function set","name":"f","values":{"attempts":3}}', 'BAD_REQUEST: "function set", "values", "attempts":'],
    ['{"op":"jobs","limit":1001}', 'BAD_REQUEST: "jobs", "limit": too big'],
    ['{"op":"jobs","limit":0}', 'BAD_REQUEST: "jobs", "limit": too small'],
    ['{"op":"jobs","after":"x"}', 'BAD_REQUEST: "jobs", "after": pass what the page before gave'],
    ['{"op":"jobs","state":"pending"}', 'BAD_REQUEST: "jobs", "state"'],
    ['{"op":"job show"}', 'BAD_REQUEST: "job show": one of "handle" and "unique" says which job'],
    ['{"op":"job show","handle":"H","unique":"u"}', 'BAD_REQUEST: "job show": one of "handle" and "unique"'],
    ['{"op":"job show","handle":"H","function":"f"}', 'BAD_REQUEST: "job show": "function" goes with "unique"'],
    ['{"op":"job show","handle":"H"}', 'NOT_FOUND: "H" is no handle that this server has given'],
    ['{"op":"job show","unique":"u"}', 'NOT_FOUND: there is no job of the unique "u"'],
    ['{"op":"job cancel","handle":"H"}', 'NOT_FOUND: "H" is no handle'],
    ['{"op":"job prioritize","handle":"H","priority":"high"}', 'NOT_FOUND: "H" is no handle'],
    ['{"op":"job prioritize","handle":"H","priority":"low "}', 'BAD_REQUEST: "job prioritize", "priority"'],
    ['{"op":"dead retry"}', 'BAD_REQUEST: "dead retry": one of "handles" and "filter" says which jobs'],
    ['{"op":"dead retry","handles":[]}', 'BAD_REQUEST: "dead retry", "handles": at least one is named'],
    ['{"op":"dead retry","handles":["H"],"filter":{}}', 'BAD_REQUEST: "dead retry": one of "handles" and "filter"'],
    ['{"op":"dead retry","filter":{},"workload":{"text":"x"}}', 'BAD_REQUEST: "dead retry": another "workload" is for'],
    ['{"op":"dead retry","handles":["H"],"workload":"x"}', 'BAD_REQUEST: "dead retry", "workload": expected { "text"'],
    [
      '{"op":"dead retry","handles":["H"],"workload":{"base64":"?"}}',
      'BAD_REQUEST: "dead retry", "workload": expected',
    ],
    ['{"op":"dead delete","filter":{"reasom":"lost"}}', 'BAD_REQUEST: "dead delete", "filter": there is no parameter'],
    ['{"op":"schedule show","name":"s"}', 'NOT_FOUND: there is no schedule "s"'],
    ['{"op":"schedule put","name":"s","function":"f"}', 'BAD_REQUEST: '],
    ['{"op":"schedule put","name":"s","function":"f","cron":"x"}', 'BAD_REQUEST: cron'],
    ['{"op":"schedule put"}', 'BAD_REQUEST: name'],
    ['{"op":"schedule pause","name":"s"}', 'NOT_FOUND: there is no schedule "s"'],
    ['{"op":"schedule resume","name":"s"}', 'NOT_FOUND: there is no schedule "s"'],
    ['{"op":"schedule run","name":"s"}', 'NOT_FOUND: there is no schedule "s"'],
    ['{"op":"schedule remove","name":"s"}', 'NOT_FOUND: there is no schedule "s"'],
  ]
  it('is told what is wrong with it, and the connection goes on', async () => {
    await using desk = await Desk.open()
    for (const [request, expected] of rows) {
      const answer = await desk.json(request)
      const said = answer.ok ? 'ok' : `${answer.error.code}: ${answer.error.message}`
      assert.equal(said.slice(0, expected.length), expected, request)
    }
    const notUtf8 = await desk.json(Buffer.from([0x22, 0xff, 0x22]))
    assert.match(JSON.stringify(notUtf8), /the request is no JSON/)
    await desk.local.assertServes()
  })

  it('may be as long as a limit', async () => {
    await using desk = await Desk.open()
    const bytesMax = 16 * 1024 * 1024
    assert.deepEqual(await desk.json(JSON.stringify({ op: 'functions' }).padEnd(bytesMax)), {
      ok: true,
      answer: { functions: [] },
    })
    const answer = await desk.json(' '.repeat(bytesMax + 1))
    assert.ok(!answer.ok)
    assert.equal(answer.error.message, `a request may have ${bytesMax} bytes, and this one has ${bytesMax + 1}`)
  })

  it('is answered in its turn', async () => {
    await using desk = await Desk.open()
    desk.peer.send(CONTROL, Buffer.from('{"op":"functions"}'))
    desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    desk.peer.send(CONTROL, Buffer.from('{"op":"functions"}'))
    desk.peer.send(PACKET.ECHO_REQ, 'end')
    assert.deepEqual(await desk.answer(), { ok: true, answer: { functions: [] } })
    assert.equal((await desk.peer.receive()).name, 'JOB_CREATED')
    assert.match(JSON.stringify(await desk.answer()), /"name":"f"/)
    assert.equal((await desk.peer.receive()).name, 'ECHO_RES')
  })
})

describe('functions', () => {
  it(
    'are counted, whether jobs are in memory or on disk',
    onStores(async (desk) => {
      await desk.submit('f')
      await desk.submit('f', '', '', PACKET.SUBMIT_JOB_HIGH_BG)
      await desk.submit('f', '', '', PACKET.SUBMIT_JOB_LOW_BG)
      await desk.submitLater('f')
      assert.equal(await desk.state('f'), 'ready 1/1/1 delayed 1 running 0 dead 0')
      const worker = await desk.worker('f')
      assert.equal(await desk.state('f'), 'ready 0/1/1 delayed 1 running 1 dead 0')
      await worker.peer.close()
      await desk.bury('g')
      assert.equal(await desk.state('g'), 'ready 0/0/0 delayed 0 running 0 dead 1')
      assert.deepEqual((await desk.ask('functions', {})).functions.map(({ name }) => name).sort(), ['f', 'g'])
      assert.deepEqual(await desk.ask('functions', { names: ['h'] }), { functions: [] })
    }),
  )

  it(
    'have policies: all values or none, also for patterns and names that nobody has used',
    onStores(async (desk) => {
      const value = async (name: string, key: string) => {
        const { settings } = await desk.ask('function show', { name })
        const setting = settings.find((each) => each.key === key)
        return `${setting?.value} (${setting?.source})`
      }
      assert.equal(await value('mail.send', 'attempts'), 'off (default)')
      await desk.ask('function set', { name: 'mail.*', values: { attempts: '5', timeout: '10s' } })
      const set = await desk.ask('function set', { name: 'mail.send', values: { attempts: '7' } })
      assert.equal(set.settings.find(({ key }) => key === 'attempts')?.value, '7')
      assert.equal(await value('mail.send', 'attempts'), '7 (set for mail.send)')
      assert.equal(await value('mail.send', 'timeout'), '10s (set for mail.*)')
      const refused = await desk.refuse({
        op: 'function set',
        name: 'mail.send',
        values: { attempts: '9', timeuot: '1s', concurrency: '0' },
      })
      assert.match(refused, /^BAD_REQUEST: .*did you mean "timeout"\?\n.*concurrency/)
      assert.equal(await value('mail.send', 'attempts'), '7 (set for mail.send)')
      await desk.ask('function set', { name: 'mail.send', values: { attempts: null } })
      assert.equal(await value('mail.send', 'attempts'), '5 (set for mail.*)')
    }),
  )

  it('are paused and drained at once', async () => {
    await using desk = await Desk.open()
    const worker = await desk.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    await worker.sync()
    await desk.ask('function set', { name: 'f', values: { paused: 'true' } })
    const handle = await desk.submit('f')
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive()).name, 'NO_JOB')
    worker.send(PACKET.PRE_SLEEP)
    await worker.expectNothing()
    await desk.ask('function set', { name: 'f', values: { paused: 'false', draining: 'true' } })
    assert.equal((await worker.receive()).name, 'NOOP')
    assert.equal(await grab(worker), handle)
    desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    assert.equal((await desk.peer.receive()).name, 'ERROR')
    const [row] = (await desk.ask('functions', {})).functions
    assert.deepEqual([row?.paused, row?.draining], [false, true])
  })

  it(
    'keep what was set in the store, and what the store does not take is not so',
    inDirectory(async (path) => {
      const store = new FailingStore(path)
      {
        await using desk = await Desk.open({ store })
        await desk.ask('function set', { name: 'f', values: { attempts: '3' } })
        store.failures = 1
        const refused = await desk.refuse({ op: 'function set', name: 'f', values: { attempts: '9' } })
        assert.match(refused, /^STORE_FAILED: the store has failed: database or disk is full; nothing has changed$/)
        assert.equal(await attempts(desk), '3')
        // Several at once, each on top of the one before.
        for (const values of [{ timeout: '1s' }, { ttl: '2s' }, { attempts: '4' }]) {
          desk.peer.send(CONTROL, Buffer.from(JSON.stringify({ op: 'function set', name: 'f', values })))
        }
        for (let i = 0; i < 3; i++) assert.equal((await desk.answer()).ok, true)
      }
      await using desk = await Desk.open({ store: `sqlite:${path}` })
      assert.equal(await attempts(desk), '4')
      const { settings } = await desk.ask('function show', { name: 'f' })
      const own = settings.filter(({ isDefault }) => !isDefault).map(({ key, value }) => `${key} ${value}`)
      assert.deepEqual(own, ['attempts 4', 'timeout 1s', 'ttl 2s'])
    }),
  )

  async function attempts(desk: Desk): Promise<string | undefined> {
    const { settings } = await desk.ask('function show', { name: 'f' })
    return settings.find(({ key }) => key === 'attempts')?.value
  }
})

describe('purge', () => {
  it(
    'ends what waits, however many, and not what runs, nor what comes later, nor what is of others',
    onStores(async (desk, isDurable) => {
      const count = 2600
      const before = await desk.submit('f')
      const { peer: worker, handle: running } = await desk.worker('f')
      assert.equal(running, before)
      const client = await desk.local.connect('client')
      client.send(PACKET.SUBMIT_JOB, 'f', '', 'foreground')
      await client.receive('JOB_CREATED')
      for (let i = 0; i < count; i++) desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', String(i))
      for (let i = 0; i < count; i++) await desk.peer.receive('JOB_CREATED')
      for (let i = 0; i < 30; i++) await desk.submitLater('f')
      const other = await desk.submit('g')
      // The answer to the purge is not waited for by another connection.
      const late = await desk.local.connect('late')
      const purged = desk.ask('function purge', { name: 'f' })
      assert.deepEqual(await purged, { purged: count + 30 + 1 })
      late.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'late')
      const lateHandle = (await late.receive('JOB_CREATED')).body.toString('latin1')
      assert.equal((await client.receive()).name, 'WORK_FAIL')
      assert.equal(await desk.state('f'), 'ready 0/1/0 delayed 0 running 1 dead 0')
      assert.deepEqual(await handlesOf(desk, { function: 'f' }), [running, lateHandle])
      assert.deepEqual(await handlesOf(desk, { function: 'g' }), [other])
      worker.send(PACKET.WORK_COMPLETE, running, 'done')
      assert.equal(await grab(worker), lateHandle)
      assert.deepEqual(await desk.ask('function purge', { name: 'f' }), { purged: 0 })
      assert.deepEqual(await desk.ask('function purge', { name: 'nobody' }), { purged: 0 })
      worker.send(PACKET.WORK_COMPLETE, lateHandle, '')
      await worker.sync()
      assert.equal(isDurable && desk.local.server.engine.backlogSize, isDurable && 1)
    }),
  )

  it(
    'goes on while workers take jobs, none of which is lost or done twice',
    inDirectory(async (path) => {
      await using desk = await Desk.open({ store: `sqlite:${path}` })
      const count = 3000
      for (let i = 0; i < count; i++) desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', String(i))
      for (let i = 0; i < count; i++) await desk.peer.receive('JOB_CREATED')
      const worker = await desk.local.connect('worker')
      worker.send(PACKET.CAN_DO, 'f')
      const purging = desk.ask('function purge', { name: 'f' })
      let done = 0
      for (;;) {
        worker.send(PACKET.GRAB_JOB)
        const { name, args } = await worker.receive()
        if (name === 'NO_JOB') break
        worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
        done++
      }
      const { purged } = await purging
      await worker.expectNothing()
      assert.equal(purged + done, count)
      assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 0')
    }),
  )

  it(
    'leaves what is submitted while it goes on',
    inDirectory(async (path) => {
      const store = new FailingStore(path)
      await using desk = await Desk.open({ store })
      const count = 1100
      for (let i = 0; i < count; i++) desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', String(i))
      for (let i = 0; i < count; i++) await desk.peer.receive('JOB_CREATED')
      const late = await desk.local.connect('late')
      const { engine } = desk.local.server
      store.beforeList = async () => {
        const { nextNumber } = engine
        late.send(PACKET.SUBMIT_JOB, 'f', '', 'late')
        late.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'late')
        await until('both had come', () => engine.nextNumber === nextNumber + 2)
      }
      assert.deepEqual(await desk.ask('function purge', { name: 'f' }), { purged: count })
      const handles = [await late.receive(), await late.receive()].map(({ body }) => body.toString('latin1'))
      assert.deepEqual(await handlesOf(desk, { function: 'f' }), handles)
      assert.equal(await desk.state('f'), 'ready 0/2/0 delayed 0 running 0 dead 0')
    }),
  )

  it(
    'says when the store does not take it, and the jobs are gone when it does',
    inDirectory(async (path) => {
      const store = new FailingStore(path)
      {
        await using desk = await Desk.open({ store })
        for (let i = 0; i < 3; i++) await desk.submit('f')
        store.failures = 1
        assert.match(
          await desk.refuse({ op: 'function purge', name: 'f' }),
          /^STORE_FAILED: .*the 3 jobs that have ended/,
        )
        assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 0')
      }
      await using desk = await Desk.open({ store: `sqlite:${path}` })
      assert.equal(await desk.state('f'), 'none')
    }),
  )
})

describe('jobs', () => {
  it(
    'are listed page by page, each once, in the order they came',
    onStores(async (desk) => {
      const [ready, delayed, all]: [string[], string[], string[]] = [[], [], []]
      for (let i = 0; i < 12; i++) {
        const name = i % 3 === 0 ? 'g' : 'f'
        const handle = i % 4 === 0 ? await desk.submitLater(name) : await desk.submit(name, String(i))
        all.push(handle)
        if (name === 'f') (i % 4 === 0 ? delayed : ready).push(handle)
      }
      const client = await desk.local.connect('client')
      client.send(PACKET.SUBMIT_JOB, 'f', 'live', 'x')
      const live = (await client.receive('JOB_CREATED')).body.toString('latin1')
      all.push(live)
      ready.push(live)
      for (const limit of [1, 2, 5, 100]) {
        assert.deepEqual(await handlesOf(desk, { limit }), all)
        assert.deepEqual(await handlesOf(desk, { limit, function: 'f', state: 'ready' }), ready)
        assert.deepEqual(await handlesOf(desk, { limit, function: 'f', state: 'delayed' }), delayed)
        assert.deepEqual(await handlesOf(desk, { limit, state: 'delayed' }), [all[0], all[4], all[8]])
        assert.deepEqual(await handlesOf(desk, { limit, state: 'running' }), [])
        assert.deepEqual(await handlesOf(desk, { limit, function: 'nobody' }), [])
      }
      const { peer, handle } = await desk.worker('f')
      // Those on disk come when they have been read.
      assert.ok(handle === live || handle === all[1])
      peer.send(PACKET.WORK_STATUS, handle, '1', '2')
      await peer.sync()
      const { jobs: running } = await desk.ask('jobs', { state: 'running' })
      const { connection, startedAt, ...job } = running[0] ?? {}
      assert.deepEqual([typeof connection, typeof startedAt], ['number', 'number'])
      assert.deepEqual(
        [job],
        [
          {
            handle,
            function: 'f',
            unique: handle === live ? 'live' : '',
            priority: 'normal',
            state: 'running',
            attempts: 0,
            background: handle !== live,
            worker: 'joe 127.0.0.1',
            numerator: 1,
            denominator: 2,
          },
        ],
      )
      assert.deepEqual(await handlesOf(desk, {}), all)
    }),
  )

  it(
    'are described by handle and by unique, with what ended their attempts',
    onStores(async (desk, isDurable) => {
      await desk.ask('function set', {
        name: 'f',
        values: { attempts: '3', 'backoff-first': '0', 'keep-results': '1h' },
      })
      const handle = await desk.submit('f', 'w\0', 'u')
      const { peer } = await desk.worker('f')
      peer.send(PACKET.WORK_EXCEPTION, handle, 'no disk')
      assert.equal(await grab(peer), handle)
      const running = await desk.ask('job show', { handle })
      assert.equal(running.state, 'running')
      assert.equal(running.attempts, 1)
      assert.deepEqual(running.workload, { base64: 'dwA=' })
      assert.equal(running.submittedAt !== undefined, isDurable)
      const [failure] = running.failures
      assert.deepEqual([failure?.reason, failure?.error, failure?.worker], ['exception', 'no disk', 'joe 127.0.0.1'])
      assert.ok(failure !== undefined && (failure.startedAt ?? 0) > 0 && (failure.startedAt ?? 0) <= failure.at)
      assert.deepEqual(await desk.ask('job show', { unique: 'u' }), running)
      assert.deepEqual(await desk.ask('job show', { unique: 'u', function: 'f' }), running)
      assert.match(await desk.refuse({ op: 'job show', unique: 'u', function: 'g' }), /^NOT_FOUND/)
      peer.send(PACKET.WORK_COMPLETE, handle, 'gr\xc3\xb6\xc3\x9fe')
      await peer.sync()
      const ended = await desk.ask('job show', { handle })
      assert.deepEqual([ended.state, ended.result], ['complete', { text: 'größe' }])
      assert.ok((ended.endedAt ?? 0) > 0)
      // The unique is free: the one that came last counts.
      const next = await desk.submit('f', 'again', 'u')
      assert.equal((await desk.ask('job show', { unique: 'u' })).handle, next)
      const later = await desk.submitLater('f', 'l')
      const { state, runAt } = await desk.ask('job show', { handle: later })
      assert.deepEqual([state, (runAt ?? 0) > Date.now()], ['delayed', true])
      assert.equal((await desk.ask('job show', { unique: 'l' })).handle, later)
    }),
  )

  it(
    'that have failed wait for their next attempt, and say so',
    onStores(async (desk) => {
      await desk.ask('function set', { name: 'f', values: { attempts: '3', 'backoff-first': '1h' } })
      const handle = await desk.submit('f', 'w')
      const { peer } = await desk.worker('f')
      peer.send(PACKET.WORK_FAIL, handle)
      await peer.sync()
      const { jobs } = await desk.ask('jobs', {})
      assert.deepEqual(
        jobs.map((job) => [job.handle, job.state, job.attempts]),
        [[handle, 'delayed', 1]],
      )
      const { state, attempts, runAt, failures } = await desk.ask('job show', { handle })
      assert.deepEqual([state, attempts, (runAt ?? 0) > Date.now()], ['delayed', 1, true])
      assert.equal(failures[0]?.reason, 'failed')
      await desk.ask('job prioritize', { handle, priority: 'low' })
      assert.equal((await desk.ask('job show', { handle })).priority, 'low')
    }),
  )

  it(
    'are cancelled wherever they are, once',
    onStores(async (desk) => {
      const [first, second, later] = [await desk.submit('f'), await desk.submit('f'), await desk.submitLater('f')]
      const { peer, handle } = await desk.worker('f')
      assert.equal(handle, first)
      for (const each of [first, second, later]) {
        assert.deepEqual(await desk.ask('job cancel', { handle: each }), {})
        assert.match(await desk.refuse({ op: 'job cancel', handle: each }), /^NOT_FOUND: there is no job H:/)
      }
      assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 0')
      peer.send(PACKET.WORK_COMPLETE, first, 'too late')
      await peer.expectNothing()
    }),
  )

  it(
    'go to the end of another line, in memory and on disk',
    onStores(async (desk) => {
      const handles = []
      for (let i = 0; i < 4; i++) handles.push(await desk.submit('f', String(i)))
      const [a = '', b = '', c = '', d = ''] = handles
      const later = await desk.submitLater('f')
      await desk.ask('job prioritize', { handle: c, priority: 'high' })
      await desk.ask('job prioritize', { handle: a, priority: 'low' })
      await desk.ask('job prioritize', { handle: later, priority: 'high' })
      assert.equal(await desk.state('f'), 'ready 1/2/1 delayed 1 running 0 dead 0')
      assert.equal((await desk.ask('job show', { handle: later })).priority, 'high')
      const { peer, handle } = await desk.worker('f')
      assert.equal(handle, c)
      assert.match(
        await desk.refuse({ op: 'job prioritize', handle: c, priority: 'low' }),
        /^CONFLICT: the job H:\S+ does not wait: it is running$/,
      )
      const order = []
      for (let previous = c; order.length < 3; order.push(previous)) {
        peer.send(PACKET.WORK_COMPLETE, previous, '')
        previous = await grab(peer)
      }
      assert.deepEqual(order, [b, d, a])
      const dead = await desk.bury('g')
      assert.match(
        await desk.refuse({ op: 'job prioritize', handle: dead, priority: 'low' }),
        /^CONFLICT: .*it is dead$/,
      )
    }),
  )
})

describe('dead jobs', () => {
  it(
    'are listed, the latest first, and looked at',
    onStores(async (desk) => {
      const [a, b, c] = [await desk.bury('f', '1'), await desk.bury('g', '2'), await desk.bury('f', '3', 'u', 'why')]
      const { jobs, next } = await desk.ask('dead', { limit: 2 })
      assert.deepEqual(
        jobs.map(({ handle }) => handle),
        [c, b],
      )
      const rest = await desk.ask('dead', { limit: 2, ...(next === undefined ? {} : { before: next }) })
      assert.deepEqual([rest.jobs.map(({ handle }) => handle), rest.next], [[a], undefined])
      const [{ diedAt, ...found } = { diedAt: 0 }] = jobs
      assert.ok(diedAt > 0)
      const expected = {
        function: 'f',
        unique: 'u',
        priority: 'normal',
        reason: 'exception',
        attempts: 1,
        error: 'why',
      }
      assert.deepEqual(found, { handle: c, ...expected })
      assert.equal((await desk.ask('dead', { function: 'f', reason: 'exception' })).jobs.length, 2)
      assert.equal((await desk.ask('dead', { reason: 'lost' })).jobs.length, 0)
      const { state, reason, workload } = await desk.ask('job show', { handle: c })
      assert.deepEqual([state, reason, workload], ['dead', 'exception', { text: '3' }])
    }),
  )

  it(
    'are retried: by handle, with another workload, by filter, and told why not',
    onStores(async (desk) => {
      const [a, b, c] = [await desk.bury('f', '1', 'u'), await desk.bury('f', '2'), await desk.bury('f', '3')]
      const waiting = await desk.submit('f', 'new', 'u')
      const { retried, refused } = await desk.ask('dead retry', { handles: [a, b, b, 'nonsense', waiting] })
      assert.equal(retried, 1)
      assert.deepEqual(
        refused.map(({ handle }) => handle),
        ['nonsense', a, waiting],
      )
      assert.match(refused[0]?.why ?? '', /never given such a handle/)
      assert.match(refused[1]?.why ?? '', /a job of the same function and unique is waiting or running/)
      assert.match(refused[2]?.why ?? '', /no such dead job/)
      await desk.ask('job cancel', { handle: waiting })
      const workload = { base64: 'AP8=' }
      assert.deepEqual(await desk.ask('dead retry', { handles: [a], workload }), { retried: 1, refused: [] })
      assert.deepEqual(await desk.ask('dead retry', { filter: { function: 'g' } }), { retried: 0, refused: [] })
      assert.deepEqual(await desk.ask('dead retry', { filter: {} }), { retried: 1, refused: [] })
      assert.equal(await desk.state('f'), 'ready 0/3/0 delayed 0 running 0 dead 0')
      const done = []
      const peer = await desk.local.connect('worker')
      peer.send(PACKET.CAN_DO, 'f')
      for (let i = 0; i < 3; i++) {
        peer.send(PACKET.GRAB_JOB)
        const { args, data } = await peer.receive('JOB_ASSIGN')
        done.push(data.toString('latin1'))
        peer.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
      }
      assert.deepEqual(done, ['2', '\0\xff', '3'])
      assert.ok(c !== '')
    }),
  )

  it(
    'are retried in the order in which they came, more than are asked for at a time',
    inDirectory(async (path) => {
      await using desk = await Desk.open({ store: `sqlite:${path}` })
      await desk.ask('function set', { name: 'f', values: { attempts: '1' } })
      const peer = await desk.local.connect('worker')
      peer.send(PACKET.CAN_DO, 'f')
      const count = 1200
      for (let i = 0; i < count; i++) desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', String(i))
      for (let i = 0; i < count; i++) await desk.peer.receive('JOB_CREATED')
      for (let i = 0; i < count; i++) peer.send(PACKET.WORK_FAIL, await grab(peer))
      await peer.sync()
      assert.equal(await desk.state('f'), `ready 0/0/0 delayed 0 running 0 dead ${count}`)
      assert.deepEqual(await desk.ask('dead retry', { filter: { function: 'f' } }), { retried: count, refused: [] })
      for (let i = 0; i < count; i++) {
        peer.send(PACKET.GRAB_JOB)
        const { args, data } = await peer.receive('JOB_ASSIGN')
        assert.equal(data.toString(), String(i))
        peer.send(PACKET.WORK_FAIL, args[0] ?? '')
      }
      await peer.sync()
      assert.deepEqual(await desk.ask('dead delete', { filter: { reason: 'failed' } }), { deleted: count })
      assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 0')
    }),
  )

  it(
    'are deleted',
    onStores(async (desk) => {
      const [a, b] = [await desk.bury('f'), await desk.bury('f')]
      assert.deepEqual(await desk.ask('dead delete', { handles: [a, a, 'nonsense'] }), { deleted: 1 })
      assert.match(await desk.refuse({ op: 'job show', handle: a }), /^NOT_FOUND/)
      assert.deepEqual(await desk.ask('dead delete', { filter: { reason: 'lost' } }), { deleted: 0 })
      assert.deepEqual(await desk.ask('dead delete', { filter: {} }), { deleted: 1 })
      assert.match(await desk.refuse({ op: 'job show', handle: b }), /^NOT_FOUND/)
    }),
  )

  it(
    'stay as they are if the store does not take it',
    inDirectory(async (path) => {
      const store = new FailingStore(path)
      await using desk = await Desk.open({ store })
      const handle = await desk.bury('f')
      store.failures = 1
      assert.match(
        await desk.refuse({ op: 'dead retry', handles: [handle] }),
        /^STORE_FAILED: .*is full; 0 of 1 jobs had been retried before that$/,
      )
      store.failures = 1
      assert.match(
        await desk.refuse({ op: 'dead delete', filter: {} }),
        /^STORE_FAILED: .*0 of 1 jobs had been deleted/,
      )
      assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 1')
    }),
  )
})

describe('schedules', () => {
  it(
    'are put, listed, paused, run and removed, and kept',
    inDirectory(async (path) => {
      {
        await using desk = await Desk.open({ store: `sqlite:${path}` })
        const put = await desk.ask('schedule put', { name: 's', function: 'f', every: '1h', workload: { text: 'x' } })
        assert.deepEqual([put.origin, put.paused, put.next.length > 0], ['runtime', false, true])
        assert.equal((await desk.ask('schedule pause', { name: 's' })).paused, true)
        const { handle } = await desk.ask('schedule run', { name: 's' })
        assert.deepEqual((await desk.ask('job show', { handle })).workload, { text: 'x' })
        assert.equal((await desk.ask('schedule show', { name: 's' })).history[0]?.handle, handle)
        assert.deepEqual(await desk.ask('schedules', { function: 'g' }), { schedules: [] })
        await desk.ask('schedule put', { name: 't', function: 'f', cron: '0 3 * * *' })
      }
      await using desk = await Desk.open({ store: `sqlite:${path}` })
      const { schedules } = await desk.ask('schedules', {})
      assert.deepEqual(
        schedules.map(({ name, paused }) => `${name} ${paused}`),
        ['s true', 't false'],
      )
      assert.equal((await desk.ask('schedule resume', { name: 's' })).paused, false)
      assert.deepEqual(await desk.ask('schedule remove', { name: 's' }), {})
      assert.match(await desk.refuse({ op: 'schedule show', name: 's' }), /^NOT_FOUND/)
    }),
  )
})

describe('a server that shuts down', () => {
  it('begins nothing', async () => {
    await using desk = await Desk.open()
    const handle = await desk.bury('f')
    await desk.submit('g')
    const { peer } = await desk.worker('g')
    const closed = desk.local.server.close(60_000)
    assert.match(await desk.refuse({ op: 'dead retry', handles: [handle] }), /^SHUTTING_DOWN/)
    assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 1')
    await peer.close()
    await closed
  })
})
