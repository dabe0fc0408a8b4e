import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { Desk } from './desk.ts'
import { type LocalOptions, LocalServer } from './local-server.ts'

const submitJobWith = 1003
const jobAssignTraced = 1004
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

interface Submitted {
  readonly unique?: string
  readonly trace?: string
  readonly workload?: string
}

/** Handle, or the ERROR's code and text. */
async function submit(peer: RawPeer, options: object | string, more: Submitted = {}): Promise<string> {
  const { unique = '', trace: traced = '', workload = 'w' } = more
  const text = typeof options === 'string' ? options : JSON.stringify(options)
  peer.send(submitJobWith, 'f', unique, Buffer.from(text), traced, workload)
  const { name, args, body } = await peer.receive('JOB_CREATED')
  return name === 'JOB_CREATED' ? body.toString('latin1') : `${args.join(': ')}`
}

async function worker(local: LocalServer, ...options: readonly string[]): Promise<RawPeer> {
  const peer = await local.connect('worker')
  for (const option of options) {
    peer.send(PACKET.OPTION_REQ, option)
    assert.equal((await peer.receive('OPTION_RES')).name, 'OPTION_RES')
  }
  peer.send(PACKET.CAN_DO, 'f')
  return peer
}

async function grab(peer: RawPeer, type: number = PACKET.GRAB_JOB): Promise<{ type: number; words: string[] }> {
  peer.send(type)
  const packet = await peer.receive('JOB_ASSIGN')
  return { type: packet.type, words: packet.body.toString('latin1').split('\0') }
}

/** With its jobs in memory, and on disk. */
function onEach(title: string, run: (options: LocalOptions) => Promise<void>): void {
  it(`${title}, in memory`, () => run({ store: 'memory' }))
  it(`${title}, on disk`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-with-'))
    try {
      await run({ store: `sqlite:${join(directory, 'jobs.db')}` })
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

describe('SUBMIT_JOB_WITH', () => {
  onEach('submits what any other submission does', async (options) => {
    await using local = await LocalServer.start(options)
    const client = await local.connect('client')
    const low = await submit(client, { background: true, priority: 'low', reducer: 'sum' }, { unique: 'u' })
    const high = await submit(client, { priority: 'high' })
    const normal = await submit(client, '')
    const peer = await worker(local)
    assert.deepEqual((await grab(peer, PACKET.GRAB_JOB_ALL)).words, [high, 'f', '', 'w'])
    assert.deepEqual((await grab(peer, PACKET.GRAB_JOB_ALL)).words, [normal, 'f', '', 'w'])
    assert.deepEqual((await grab(peer, PACKET.GRAB_JOB_ALL)).words, [low, 'f', 'u', 'sum', 'w'])
    for (const handle of [low, high, normal]) peer.send(PACKET.WORK_COMPLETE, handle, 'done')
    for (const handle of [high, normal]) {
      assert.deepEqual((await client.receive('WORK_COMPLETE')).args[0], handle)
    }
    await client.sync()
  })

  onEach('joins a job of the same unique, and is joined', async (options) => {
    await using local = await LocalServer.start(options)
    const client = await local.connect('client')
    const handle = await submit(client, { background: true, policy: { attempts: '3' } }, { unique: 'u' })
    assert.equal(await submit(client, { background: true }, { unique: 'u' }), handle)
    client.send(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'w')
    assert.equal((await client.receive('JOB_CREATED')).body.toString(), handle)
  })

  onEach('with a time, whatever its priority, and the time need not be waited for', async (options) => {
    await using desk = await Desk.open(options)
    const { peer: client, local } = desk
    const runAt = Date.now() + 3_600_000
    const handles = [
      await submit(client, { background: true, priority: 'high', runAt }),
      await submit(client, { background: true, priority: 'low', delayMs: 3_600_000 }),
      await submit(client, { background: true, delayMs: 0 }),
      await submit(client, { background: true, runAt: 1 }),
    ]
    const [high = '', low = '', now = '', past = ''] = handles
    assert.equal(await desk.state('f'), 'ready 0/2/0 delayed 2 running 0 dead 0')
    const { runAt: shown } = await desk.ask('job show', { handle: high })
    assert.ok(Math.abs((shown ?? 0) - runAt) <= 10, `${shown}`)
    await desk.ask('job run', { handle: low })
    assert.equal(await desk.state('f'), 'ready 0/2/1 delayed 1 running 0 dead 0')
    assert.match(
      await desk.refuse({ op: 'job run', handle: low }),
      /^CONFLICT: the job .* is not delayed: it is ready$/,
    )
    await desk.ask('job run', { handle: high })
    const peer = await worker(local)
    const got = [await grab(peer), await grab(peer), await grab(peer), await grab(peer)]
    assert.deepEqual(
      got.map(({ words }) => words[0]),
      [high, now, past, low],
    )
    assert.match(await desk.refuse({ op: 'job run', handle: low }), /^CONFLICT: .* is running$/)
    peer.send(PACKET.WORK_COMPLETE, low, '')
    await peer.sync()
    assert.match(await desk.refuse({ op: 'job run', handle: low }), /^NOT_FOUND: there is no job/)
    assert.match(await desk.refuse({ op: 'job run', handle: 'H:x:1' }), /^NOT_FOUND: /)
  })

  onEach("with a policy of its own, which lasts through death and somebody's retry", async (options) => {
    await using desk = await Desk.open({ ...options, functions: { f: { attempts: 9, 'backoff-first': '1h' } } })
    const { peer: client, local } = desk
    const own = { attempts: '1', 'keep-results': '1h' }
    const handle = await submit(client, { background: true, policy: own }, { trace })
    const peer = await worker(local, 'tracing')
    await grab(peer)
    peer.send(PACKET.WORK_FAIL, handle)
    await peer.sync()
    assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 1')
    assert.deepEqual(await desk.ask('dead retry', { handles: [handle] }), { retried: 1, refused: [] })
    const { type, words } = await grab(peer)
    assert.deepEqual([type, words[4]], [jobAssignTraced, trace])
    peer.send(PACKET.WORK_FAIL, words[0] ?? '')
    await peer.sync()
    assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 1')
    await desk.ask('dead retry', { handles: [words[0] ?? ''] })
    const [again = ''] = (await grab(peer)).words
    peer.send(PACKET.WORK_COMPLETE, again, 'result')
    await peer.sync()
    assert.deepEqual((await desk.ask('job show', { handle: again })).result, { text: 'result' })
  })

  it('has its policy and its trace after a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-with-'))
    const options = { store: `sqlite:${join(directory, 'jobs.db')}` }
    try {
      await using before = await Desk.open(options)
      const handle = await submit(before.peer, { background: true, policy: { attempts: '1' } }, { trace })
      await before.local.server.close(0)
      await using after = await Desk.open(options)
      const peer = await worker(after.local, 'tracing')
      assert.deepEqual(await grab(peer), { type: jobAssignTraced, words: [handle, 'f', '', '', trace, 'w'] })
      peer.send(PACKET.WORK_FAIL, handle)
      await peer.sync()
      assert.equal(await after.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 1')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('sends its result on, with its trace', async () => {
    await using local = await LocalServer.start({ store: 'memory' })
    const client = await local.connect('client')
    await submit(client, { then: 'gr\u00f6\u00dfe \u{1f682}' }, { trace })
    const peer = await worker(local, 'tracing')
    peer.send(PACKET.CAN_DO, Buffer.from('gr\u00f6\u00dfe \u{1f682}'))
    const { words } = await grab(peer)
    peer.send(PACKET.WORK_COMPLETE, words[0] ?? '', 'result')
    const next = await grab(peer)
    assert.equal(Buffer.from(next.words[1] ?? '', 'latin1').toString(), 'gr\u00f6\u00dfe \u{1f682}')
    assert.deepEqual(next.words.slice(2), ['', '', trace, 'result'])
  })

  const invalid = 'INVALID_OPTIONS: The options of the job are not possible: '
  const wrong: readonly [options: object | string, sentence: string][] = [
    ['{', 'they are no JSON'],
    ['[]', 'they are no JSON object'],
    ['null', 'they are no JSON object'],
    [{ backgrond: true }, 'there is no option "backgrond"'],
    ['{"__proto__":{"background":true}}', 'there is no option "__proto__"'],
    [{ background: 1 }, 'background must be true or false'],
    [{ priority: 'urgent' }, 'priority must be "high", "normal" or "low"'],
    [{ priority: 'toString' }, 'priority must be "high", "normal" or "low"'],
    [{ runAt: 5 }, 'only a background job can have a time'],
    [{ delayMs: 0 }, 'only a background job can have a time'],
    [{ background: true, runAt: 5, delayMs: 5 }, 'of runAt and delayMs one is enough'],
    [{ background: true, delayMs: -1 }, 'delayMs must be milliseconds, a whole number from 0 to 8640000000000000'],
    [{ background: true, runAt: 1.5 }, 'runAt must be milliseconds, a whole number from 0 to 8640000000000000'],
    [{ background: true, runAt: 1e300 }, 'runAt must be milliseconds, a whole number from 0 to 8640000000000000'],
    [{ reducer: 7 }, 'reducer must be the name of a function'],
    ['{"then":"a\\u0000b"}', 'then must be the name of a function'],
    [{ policy: ['attempts'] }, 'policy must be an object of settings'],
    [{ policy: { atempts: '1' } }, 'there is no setting "atempts"; did you mean "attempts"?'],
    [{ policy: { rate: '1' } }, "rate is for all jobs of a function and can't be set for one job"],
    [`{"reducer":"${'x'.repeat(8179)}"}`, 'they have 8193 bytes, and may have 8192'],
    [{ priority: '\u{1f682}', 'gr\u00f6\u00dfe': 1 }, 'there is no option "gr\u00f6\u00dfe"'],
  ]
  it('says what is wrong with its options, and submits nothing', async () => {
    await using local = await LocalServer.start({ store: 'memory' })
    const client = await local.connect('client')
    for (const [options, sentence] of wrong) {
      const said = Buffer.from(await submit(client, options), 'latin1').toString()
      assert.equal(said, invalid + sentence)
    }
    for (const bad of ['x', '00', trace.toUpperCase(), `${trace}-more`, `01${trace.slice(2)}-${'x'.repeat(250)}`]) {
      assert.equal(await submit(client, '', { trace: bad }), `${invalid}the trace is no traceparent of the W3C's`)
    }
    client.send(submitJobWith, 'f', '', Buffer.from('{"then":"\xff"}', 'latin1'), '', 'w')
    assert.equal((await client.receive('ERROR')).args.join(': '), `${invalid}they are no UTF-8`)
    assert.equal(local.server.engine.jobCount, 0)
    assert.equal(await submit(client, { reducer: 'x'.repeat(513) }), 'ARGUMENT_TOO_LARGE: Unique value too large')
    assert.equal(await submit(client, { then: 'x'.repeat(513) }), 'ARGUMENT_TOO_LARGE: Function name too large')
    assert.match(await submit(client, { then: 'x'.repeat(512), reducer: 'x'.repeat(64) }), /^H:/)
    assert.match(await submit(client, '{"background":true}'.padEnd(8192)), /^H:/)
  })

  it('remembers options that come again and again, and no more of them than it should', async () => {
    await using local = await LocalServer.start({ store: 'memory' })
    const client = await local.connect('client')
    for (let delayMs = 0; delayMs < 3000; delayMs++) {
      client.send(submitJobWith, 'f', 'u', JSON.stringify({ background: true, delayMs }), '', 'w')
    }
    for (let i = 0; i < 3000; i++) assert.equal((await client.receive('JOB_CREATED')).name, 'JOB_CREATED')
    assert.equal(local.server.engine.jobCount, 1)
  })
})

describe('JOB_ASSIGN_TRACED', () => {
  it('comes to a worker that wants it, however it grabs, and for jobs with a trace alone', async () => {
    await using local = await LocalServer.start({ store: 'memory' })
    const client = await local.connect('client')
    const peer = await worker(local, 'Tracing')
    for (const form of [PACKET.GRAB_JOB, PACKET.GRAB_JOB_UNIQ, PACKET.GRAB_JOB_ALL]) {
      const handle = await submit(client, { background: true, reducer: 'r' }, { trace, unique: 'u' })
      assert.deepEqual(await grab(peer, form), { type: jobAssignTraced, words: [handle, 'f', 'u', 'r', trace, 'w'] })
      peer.send(PACKET.WORK_COMPLETE, handle, '')
      const plain = await submit(client, { background: true })
      const { type, words } = await grab(peer, form)
      assert.notEqual(type, jobAssignTraced)
      assert.equal(words[0], plain)
      peer.send(PACKET.WORK_COMPLETE, plain, '')
      await peer.sync()
    }
  })

  it('does not come to others', async () => {
    await using local = await LocalServer.start({ store: 'memory' })
    const client = await local.connect('client')
    const handle = await submit(client, { background: true }, { trace })
    assert.deepEqual(await grab(await worker(local)), { type: PACKET.JOB_ASSIGN, words: [handle, 'f', 'w'] })
  })
})
