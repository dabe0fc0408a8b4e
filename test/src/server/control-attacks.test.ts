import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Batch, type BatchResult, SqliteStore, type Store, type StoreState } from '@geartrain/server'
import { PACKET } from '../support/raw.ts'
import { CONTROL, Desk } from './desk.ts'

// A little less than what a request may have.
const MiB = 1000 * 1000

/** A store with a fault: it answers a question with what is the answer to another one. */
class ConfusedStore implements Store {
  readonly name = 'sqlite:'
  readonly #store: SqliteStore

  constructor(path: string) {
    this.#store = new SqliteStore(path)
  }

  open(atLeast: number): Promise<StoreState> {
    return this.#store.open(atLeast)
  }

  async commit(batch: Batch): Promise<BatchResult> {
    const result = await this.#store.commit(batch)
    const answers = batch.requests.map(({ kind }, index) => {
      return kind === 'count dead' ? ({ kind: 'find', job: undefined } as const) : result.answers[index]
    })
    return { ...result, answers: answers.filter((answer) => answer !== undefined) }
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

describe('a request that is to do harm', () => {
  const values = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}":"1"`).join()
  const names = (count: number) => Array(count).fill('"f"').join()
  const rows: readonly [what: string, request: string, answer: RegExp][] = [
    ['lists in lists', '['.repeat(8 * MiB), /^BAD_REQUEST: a request may have 25000 values, and this one has more$/],
    ['tables in tables', '{"a":'.repeat(2 * MiB), /^BAD_REQUEST: a request may have 25000 values/],
    ['very many names', `{"op":"functions","names":[${names(4 * MiB)}]}`, /^BAD_REQUEST: a request may have 25000 v/],
    ['many names', `{"op":"functions","names":[${names(10_001)}]}`, /^BAD_REQUEST: "functions", "names": too big/],
    ['names up to the limit', `{"op":"functions","names":[${names(10_000)}]}`, /^ok$/],
    [
      'many handles',
      `{"op":"dead delete","handles":[${names(10_001)}]}`,
      /^BAD_REQUEST: "dead delete", "handles": at most 10000 are named at a time$/,
    ],
    ['handles up to the limit', `{"op":"dead delete","handles":[${names(10_000)}]}`, /^ok$/],
    ['very many settings', `{"op":"function set","name":"f","values":{${values(500_000)}}}`, /may have 25000 values/],
    ['many settings', `{"op":"function set","name":"f","values":{${values(101)}}}`, /: at most 100 settings are /],
    [
      'settings up to the limit',
      `{"op":"function set","name":"f","values":{${values(100)}}}`,
      /^BAD_REQUEST: f: there/,
    ],
    [
      'commas in a text',
      `{"op":"function show","name":"${',"'.repeat(30_000).replaceAll('"', '\\"')}"}`,
      /1024 bytes$/,
    ],
    ['a long name', `{"op":"function show","name":"${'a'.repeat(15 * MiB)}"}`, /^BAD_REQUEST: .* at most 1024 bytes$/],
    [
      'a name past the limit',
      `{"op":"function show","name":"${'a'.repeat(513)}"}`,
      /^BAD_REQUEST: .* 512 bytes, not 513$/,
    ],
    ['a name at the limit', `{"op":"function show","name":"${'a'.repeat(512)}"}`, /^ok$/],
    ['512 bytes that are no text', `{"op":"function show","name":"${'\\u00ff'.repeat(512)}"}`, /^ok$/],
    [
      'half a character in a setting',
      '{"op":"function set","name":"f","values":{"then":"\\ud800"}}',
      /^BAD_REQUEST: f: then/,
    ],
    ['a long field', `{"op":"schedule put","${'x'.repeat(MiB)}":1}`, /^BAD_REQUEST: x{80} is no field of a schedule/],
    ['a prototype', '{"op":"functions","__proto__":{"names":[]}}', /^BAD_REQUEST: .* no parameter "__proto__"/],
    ['a constructor', '{"op":"functions","constructor":1}', /^BAD_REQUEST: .* no parameter "constructor"/],
    [
      'a prototype among settings',
      '{"op":"function set","name":"f","values":{"attempts":"2","__proto__":"1"}}',
      /^BAD_REQUEST: "function set", "values": there is no setting "__proto__"$/,
    ],
    [
      'a constructor among settings',
      '{"op":"function set","name":"f","values":{"attempts":"2","constructor":"1"}}',
      /^BAD_REQUEST: f: there is no setting "constructor"$/,
    ],
    [
      'a prototype in a schedule',
      '{"op":"schedule put","__proto__":{"name":"s"}}',
      /^BAD_REQUEST: __proto__ is no field/,
    ],
    [
      'half a character in a name',
      '{"op":"function show","name":"\\ud800"}',
      /^BAD_REQUEST: .* one character for each/,
    ],
    [
      'half a character in a workload',
      '{"op":"dead retry","handles":["H"],"workload":{"text":"a\\udc00"}}',
      /^BAD_REQUEST: "dead retry", "workload": expected \{ "text": "..." \}/,
    ],
    [
      'half a character in the workload of a schedule',
      '{"op":"schedule put","name":"s","function":"f","every":"1s","workload":{"text":"\\ud800x"}}',
      /^BAD_REQUEST: workload must be text or base64/,
    ],
    ['a number that is no number of a job', '{"op":"jobs","after":"9999999999999999"}', /^ok$/],
    ['the same for dead jobs', '{"op":"dead","before":"9999999999999999"}', /^ok$/],
  ]
  it('is told what is wrong with it, and nothing has changed', async () => {
    await using desk = await Desk.open()
    for (const [what, request, expected] of rows) {
      const answer = await desk.json(request)
      const said = answer.ok ? 'ok' : `${answer.error.code}: ${answer.error.message}`
      assert.match(said.slice(0, 1000), expected, what)
    }
    const { settings } = await desk.ask('function show', { name: 'f' })
    assert.ok(settings.every(({ isDefault }) => isDefault))
    assert.equal(await desk.state('f'), 'none')
    await desk.local.assertServes()
  })

  it('does not end the server when it meets a fault of the server', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'geartrain-control-'))
    try {
      const errors: unknown[] = []
      const log = { debug() {}, info() {}, warn() {}, error: (entry: unknown) => errors.push(entry) }
      await using desk = await Desk.open({ store: new ConfusedStore(join(directory, 'jobs.db')), log })
      assert.match(await desk.refuse({ op: 'functions' }), /^INTERNAL_ERROR: .*answers count dead with find$/)
      assert.match(await desk.refuse({ op: 'functions' }), /^INTERNAL_ERROR: /)
      assert.equal(errors.length, 2)
      await desk.submit('f')
      assert.equal((await desk.ask('jobs', {})).jobs.length, 1)
      await desk.local.assertServes()
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('is one of thousands that were not waited for, some from peers that are gone', async () => {
    await using desk = await Desk.open()
    const { peer } = desk
    const count = 2000
    for (let i = 0; i < count; i++) {
      peer.send(CONTROL, Buffer.from(JSON.stringify({ op: 'function show', name: `f${i}` })))
      peer.send(PACKET.ECHO_REQ, String(i))
    }
    for (let i = 0; i < 20; i++) {
      const gone = await desk.local.connect('gone')
      for (let k = 0; k < 50; k++) gone.send(CONTROL, Buffer.from('{"op":"function purge","name":"f"}'))
      gone.destroy()
    }
    for (let i = 0; i < count; i++) {
      const answer = await desk.answer()
      assert.ok(answer.ok && JSON.stringify(answer.answer).includes(`"f${i}"`))
      assert.equal((await peer.receive()).body.toString(), String(i))
    }
    await desk.local.assertServes()
  })

  it('is a purge of a peer that leaves, and another one beside it: each job ends once', async () => {
    await using desk = await Desk.open()
    const count = 10_000
    for (let i = 0; i < count; i++) desk.peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    for (let i = 0; i < count; i++) await desk.peer.receive('JOB_CREATED')
    const leaving = await desk.local.connect('leaving')
    const purge = Buffer.from('{"op":"function purge","name":"f"}')
    leaving.send(CONTROL, purge)
    const others = [await desk.local.connect('first'), await desk.local.connect('second')]
    for (const other of others) other.send(CONTROL, purge)
    leaving.destroy()
    let purged = 0
    for (const other of others) {
      const answer: unknown = JSON.parse((await other.receive('CONTROL_RES')).body.toString())
      const [, said] = /"purged":(\d+)/.exec(JSON.stringify(answer)) ?? []
      purged += Number(said)
    }
    assert.ok(purged <= count)
    assert.equal(await desk.state('f'), 'ready 0/0/0 delayed 0 running 0 dead 0')
    await desk.local.assertServes()
  })
})

describe('settings of very many patterns', () => {
  it('are those of 250, and ones that nearly fit hold nobody up', async () => {
    await using desk = await Desk.open()
    const patterns = Array.from({ length: 250 }, (_, i) => `*${'a'.repeat(250)}${i}*`)
    for (const name of patterns) await desk.ask('function set', { name, values: { attempts: '2', then: 'z' } })
    assert.match(
      await desk.refuse({ op: 'function set', name: '*more*', values: { attempts: '2' } }),
      /^BAD_REQUEST: settings of more than 250 patterns are not kept$/,
    )
    await desk.submit('a'.repeat(512))
    await desk.local.assertServes()
  })
})
