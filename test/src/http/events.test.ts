import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import net from 'node:net'
import { describe, it } from 'node:test'
import { FakeStore } from '../support/fake-store.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import type { EventReader } from './event-reader.ts'
import { EventStage } from './event-stage.ts'
import { apiOf, originOf } from './local-http.ts'

/** What is read of a snapshot or of counters. */
interface Told {
  readonly functions: readonly State[]
  readonly gone?: readonly string[]
  readonly all?: { readonly totals: Readonly<Record<string, number>> }
  readonly server?: { readonly ready: boolean; readonly store?: { readonly failing: boolean } }
}

interface State {
  readonly name: string
  readonly ready: { readonly high: number; readonly normal: number; readonly low: number }
  readonly oldestReadyAt?: number
  readonly running: number
  readonly workers: number
  readonly paused: boolean
}

async function told(reader: EventReader, event: 'snapshot' | 'counters'): Promise<Told> {
  // As the description of the API has it.
  return (await reader.named(event)) as Told
}

function namesOf({ functions }: Told): string[] {
  return functions.map(({ name }) => name)
}

async function changeOf(stage: EventStage, reader: EventReader, kind: string): Promise<object> {
  const isIt = (data: unknown) => typeof data === 'object' && data !== null && 'kind' in data && data.kind === kind
  const found = reader.next(`a change: ${kind}`, ({ event, data }) => event === 'change' && isIt(data))
  const isDone = { now: false }
  void found.finally(() => {
    isDone.now = true
  })
  // What is told at once waits for the clock all the same, by nothing or by a moment.
  await until(`${kind} was told`, () => {
    stage.clock.advance(1)
    return isDone.now
  })
  return (await found) as object
}

describe('GET /api/events', () => {
  it('tells everything at first, and then what has changed', async () => {
    await using stage = await EventStage.open()
    await stage.submit('a', 'b')
    // Their rates are 0 again.
    stage.clock.advance(130_000)
    const reader = await stage.read()
    const snapshot = await told(reader, 'snapshot')
    assert.deepEqual(namesOf(snapshot), ['a', 'b'])
    const [a] = snapshot.functions
    assert.deepEqual([a?.ready, a?.running, a?.workers, a?.paused], [{ high: 0, normal: 1, low: 0 }, 0, 0, false])
    assert.equal(a?.oldestReadyAt, stage.clock.wallNow() - 130_000)
    assert.equal(snapshot.server?.ready, true)
    await stage.submit('b', 'c')
    stage.tick()
    const counters = await told(reader, 'counters')
    assert.deepEqual(
      counters.functions.map(({ name, ready }) => [name, ready.normal]),
      [
        ['b', 2],
        ['c', 1],
      ],
    )
    assert.equal(counters.gone, undefined)
    stage.local.server.control.perform({ op: 'function purge', name: 'c' }, itself, () => {})
    const admin = await stage.local.connect('admin')
    admin.sendBytes(Buffer.from('drop function c\n'))
    await until('c was dropped', () => stage.local.server.engine.findFunction('c') === undefined)
    stage.tick()
    assert.deepEqual((await told(reader, 'counters')).gone, ['c'])
  })

  it('tells at once of workers, policies, schedules, dead jobs, the store and the end', async () => {
    const store = new FakeStore()
    await using stage = await EventStage.open({ store })
    const reader = await stage.read()
    await told(reader, 'snapshot')
    const worker = await stage.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    assert.deepEqual(await changeOf(stage, reader, 'workers'), { kind: 'workers', function: 'f', workers: 1 })
    worker.destroy()
    assert.deepEqual(await changeOf(stage, reader, 'workers'), { kind: 'workers', function: 'f', workers: 0 })
    const ask = (request: object) => stage.local.server.control.perform(request, itself, ({ ok }) => assert.ok(ok))
    ask({ op: 'function set', name: 'mail.*', values: { paused: 'true' } })
    assert.deepEqual(await changeOf(stage, reader, 'policy'), { kind: 'policy', name: 'mail.*' })
    ask({ op: 'schedule put', name: 'nightly', function: 'f', every: '1h' })
    assert.deepEqual(await changeOf(stage, reader, 'schedule'), { kind: 'schedule', name: 'nightly' })
    const client = await stage.local.connect('client')
    store.failNext('full')
    client.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    await client.receive('ERROR')
    assert.deepEqual(await changeOf(stage, reader, 'store'), { kind: 'store', failing: true })
    // It is tried again by itself, and has to work for a while.
    const over = changeOf(stage, reader, 'store')
    const isOver = { now: false }
    void over.then(() => {
      isOver.now = true
    })
    await until('the store works again', () => {
      stage.clock.advance(100)
      return isOver.now
    })
    assert.deepEqual(await over, { kind: 'store', failing: false })
    void stage.local.server.close(0)
    assert.deepEqual(await changeOf(stage, reader, 'stopping'), { kind: 'stopping' })
  })

  it('tells of jobs that have died, many at once in one event', async () => {
    await using stage = await EventStage.open({ functions: { f: { attempts: 1 } } })
    const reader = await stage.read()
    await told(reader, 'snapshot')
    await stage.submit('f', 'f', 'f')
    const worker = await stage.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    for (let count = 0; count < 3; count++) worker.send(PACKET.GRAB_JOB)
    const handles: string[] = []
    for (let count = 0; count < 3; count++) handles.push((await worker.receive('JOB_ASSIGN')).args[0] ?? '')
    await changeOf(stage, reader, 'workers')
    for (const handle of handles) worker.send(PACKET.WORK_FAIL, handle)
    await worker.sync()
    assert.deepEqual(await changeOf(stage, reader, 'job died'), {
      kind: 'job died',
      function: 'f',
      handle: handles[2],
      count: 3,
    })
  })

  it('tells of the functions that were asked for, and as often', async () => {
    await using stage = await EventStage.open()
    await stage.submit('a', 'b', 'gr\xc3\xb6\xc3\x9fe')
    const one = await stage.read('?function=gr%C3%B6%C3%9Fe&interval=3')
    const two = await stage.read('?function=a&function=nothing')
    assert.deepEqual(namesOf(await told(one, 'snapshot')), ['größe'])
    assert.deepEqual(namesOf(await told(two, 'snapshot')), ['a'])
    await stage.submit('a', 'b', 'gr\xc3\xb6\xc3\x9fe')
    stage.tick()
    assert.deepEqual(namesOf(await told(two, 'counters')), ['a'])
    stage.tick()
    await told(two, 'counters')
    assert.deepEqual(one.events, [], 'its interval is not over')
    stage.tick()
    assert.deepEqual(namesOf(await told(one, 'counters')), ['größe'])
  })

  it('refuses what it does not know', async () => {
    await using stage = await EventStage.open()
    const api = await apiOf(stage.local)
    const wrong = [
      'interval=0',
      'interval=61',
      'interval=x',
      'function=',
      `function=${'x'.repeat(513)}`,
      'function=a%00',
    ]
    const many = Array.from({ length: 101 }, (_, index) => `function=${index}`).join('&')
    for (const query of [...wrong, many]) {
      const answer = await fetch(`${api.origin}/api/events?${query}`)
      assert.equal(answer.status, 400, `${query}: ${await answer.text()}`)
    }
  })

  it('tells each what they may view', async () => {
    const rule = (token: string, roles: 'view' | 'submit', functions: string) => {
      return { token: `sha256:${createHash('sha256').update(token).digest('hex')}`, roles, functions }
    }
    const gearman = { network: '127.0.0.1', roles: ['submit', 'work'] as const }
    const access = {
      mail: rule('mail', 'view', 'mail.*'),
      all: rule('all', 'view', '*'),
      ci: rule('ci', 'submit', '*'),
    }
    await using stage = await EventStage.open({ access: { ...access, gearman } })
    await stage.submit('mail.send', 'resize')
    const some = await stage.read('', 'mail')
    const all = await stage.read('', 'all')
    const asked = await stage.read('?function=resize', 'mail')
    assert.deepEqual(namesOf(await told(all, 'snapshot')), ['mail.send', 'resize'])
    assert.deepEqual(Object.keys(await told(some, 'snapshot')).sort(), ['at', 'findings', 'functions'])
    assert.deepEqual(namesOf(await told(asked, 'snapshot')), [])
    const worker = await stage.local.connect('worker')
    worker.send(PACKET.CAN_DO, 'resize')
    worker.send(PACKET.CAN_DO, 'mail.send')
    await worker.sync()
    const ofAll = [await changeOf(stage, all, 'workers'), await changeOf(stage, all, 'workers')]
    assert.deepEqual(ofAll, [
      { kind: 'workers', function: 'resize', workers: 1 },
      { kind: 'workers', function: 'mail.send', workers: 1 },
    ])
    assert.deepEqual(await changeOf(stage, some, 'workers'), { kind: 'workers', function: 'mail.send', workers: 1 })
    stage.tick()
    assert.deepEqual(namesOf(await told(some, 'counters')), ['mail.send'])
    assert.deepEqual(
      asked.events.flatMap(({ event, data }) => (event === 'change' ? [data] : [])),
      [],
    )
    const answer = await fetch(`${originOf(stage.local)}/api/events`, { headers: { authorization: 'Bearer ci' } })
    assert.equal(answer.status, 403)
  })

  it('does nothing while nobody reads', async () => {
    await using stage = await EventStage.open()
    const idle = stage.clock.timerCount
    const reader = await stage.read()
    await told(reader, 'snapshot')
    assert.equal(stage.clock.timerCount, idle + 1)
    reader[Symbol.dispose]()
    await until('the feed has stopped', () => stage.clock.timerCount === idle)
  })

  it('serves 1,000 readers, and holds little for those that are slow', { timeout: 120_000 }, async () => {
    const functionsCount = 400
    const slowCount = 5
    const responses: ServerResponse[] = []
    const onRequest = (message: unknown) => {
      // What Node publishes there.
      responses.push((message as { readonly response: ServerResponse }).response)
    }
    diagnostics.subscribe('http.server.request.start', onRequest)
    await using stage = await EventStage.open()
    const names = Array.from({ length: functionsCount }, (_, index) => `function ${index} ${'x'.repeat(200)}`)
    await stage.submit(...names)
    const { port } = new URL(originOf(stage.local))
    const slow = await Promise.all(Array.from({ length: slowCount }, () => readNothing(Number(port))))
    await until('the slow ones were let in', () => responses.length === slowCount)
    const [first = ''] = names
    const query = `?function=${encodeURIComponent(first)}`
    const readers = await Promise.all(Array.from({ length: 1000 - slowCount }, () => stage.read(query)))
    diagnostics.unsubscribe('http.server.request.start', onRequest)
    assert.equal(responses.length, 1000)
    for (const reader of readers) await told(reader, 'snapshot')
    const slowResponses = responses.slice(0, slowCount)
    const held = () => Math.max(...slowResponses.map(({ writableLength }) => writableLength))
    // As much as all functions take.
    const onePiece = functionsCount * 750
    let isBehind = 0
    // All functions change in each tick: so much can no system's buffers take.
    for (let tick = 0; tick < 60; tick++) {
      await stage.submit(...names)
      stage.tick()
      for (const reader of readers.slice(0, 10)) await told(reader, 'counters')
      if (held() > 0) isBehind++
      assert.ok(held() < 64 * 1024 + onePiece, `${held()} bytes are held for one reader`)
    }
    assert.ok(isBehind > 5, 'the slow ones were behind')
    const total = responses.reduce((sum, { writableLength }) => sum + writableLength, 0)
    assert.ok(total < slowCount * (64 * 1024 + onePiece) + 1000 * 4096, `${total} bytes are held for all of them`)
    // Once they read, they get to what is so now.
    for (const reader of slow) reader.resume()
    for (const reader of slow) {
      await until('a slow one has caught up', () => {
        if (slowResponses.every(({ writableLength }) => writableLength === 0)) stage.tick()
        return reader.lastCount() === 61
      })
      reader.destroy()
    }
    for (const reader of readers) {
      let last = 0
      await until('a reader was told everything', () => {
        for (const { data } of reader.events.splice(0)) last = (data as Told).functions[0]?.ready.normal ?? last
        return last === 61 || readers.indexOf(reader) < 10
      })
    }
  })
})

/** Asks for events, and reads nothing but when it is told to. */
async function readNothing(port: number) {
  const socket = net.connect(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  let text = ''
  socket.on('data', (chunk) => {
    text = (text + chunk.toString('latin1')).slice(-1_000_000)
  })
  socket.pause()
  socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return {
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
    /** Of the last function that it was told of. */
    lastCount: () => Number(/.*"normal":(\d+)/s.exec(text)?.[1] ?? 0),
  }
}

/** Who may do everything. */
const itself = { name: 'test', address: '-', may: () => true, mayAnywhere: () => true, mayEverywhere: () => true }
