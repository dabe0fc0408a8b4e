import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LocalServer } from '../../server/local-server.ts'
import { PACKET } from '../../support/raw.ts'
import type { RawAnswer } from '../exchange.ts'
import { JobEventReader } from '../job-event-reader.ts'
import { originOf, startLocal } from '../local-http.ts'
import { ask, assertAlive, get, post, postJson, submit, written } from './requests.ts'

/** What would break out of where it stands, if it stood there as it is. */
const hostile = [
  'a\r\nSet-Cookie: geartrain=1',
  'a\r\n\r\nHTTP/1.1 200 OK',
  'a\n\nevent: forged\ndata: 1\n\n',
  'a\rdata: 1',
  '\u2028\u2029\u0085',
  'größe',
  '日本語 🚂',
  '\ufeff\u202e',
  '\x01\x1b[31m\x7f',
  '"}\n# HELP forged x\nforged 1\n',
  '<script>alert(1)</script>',
  ' a ',
  'a;b,c="d"',
]

function assertClean(answer: RawAnswer, what: string): void {
  assert.equal(answer.headers['set-cookie'], undefined, what)
  for (const [name, value] of Object.entries(answer.headers)) {
    assert.match(name, /^[\w-]+$/, what)
    assert.match(value, /^[ -~]*$/, `${what}: ${name}`)
  }
}

async function json(local: LocalServer, request: string): Promise<Record<string, unknown>> {
  const answer = await ask(local, request)
  assert.ok(answer.status < 300, answer.body)
  return JSON.parse(Buffer.from(answer.body, 'latin1').toString('utf8')) as Record<string, unknown>
}

describe('nothing breaks out of its place', () => {
  for (const name of hostile) {
    const shown = JSON.stringify(name)
    const part = encodeURIComponent(name)

    test(`a function called ${shown}`, async () => {
      await using local = await startLocal()
      const unique = encodeURIComponent(name.slice(0, 12))
      const created = await ask(local, post(`/api/functions/${part}/jobs?unique=${unique}`, 'x'))
      assertClean(created, shown)
      assert.match(created.headers['location'] ?? '', /^\/api\/jobs\/[\w:.%-]+$/)
      assert.equal((await json(local, get(created.headers['location'] ?? '')))['function'], name)
      assertClean(await ask(local, get(`/${part}`)), shown)
      assertClean(await ask(local, get(`/api/functions/${part}`)), shown)
      const body = { functions: [name], worker: name.slice(0, 20) }
      const taken = await ask(local, postJson('/api/work/take', asBytes(body), 'Accept: application/octet-stream'))
      assert.equal(taken.status, 200, taken.body)
      assertClean(taken, shown)
      assert.equal(decodeURIComponent(taken.headers['x-gearman-function'] ?? ''), name)
      const workers = await json(local, get('/api/workers'))
      const [worker] = workers['connections'] as { clientId: string; functions: string[] }[]
      assert.deepEqual([worker?.clientId, worker?.functions], [name.slice(0, 20), [name]])
      assertMetrics((await ask(local, get('/metrics'))).body)
      await assertAlive(local)
    })

    test(`a schedule called ${shown}`, async () => {
      await using local = await startLocal()
      const query = `schedule=1h&schedule-name=${part}`
      const made = await ask(local, post(`/api/functions/f/jobs?${query}`, 'x'))
      if (made.status === 400) return
      assert.equal(made.status, 201, made.body)
      assertClean(made, shown)
      assert.equal((await json(local, get(made.headers['location'] ?? '')))['name'], name)
    })

    test(`a job that fails and says ${shown}`, async () => {
      await using local = await startLocal()
      const waiting = ask(local, post(`/api/functions/f/jobs?wait`, 'x'))
      const { lease } = await json(local, postJson('/api/work/take', { functions: ['f'] }))
      await ask(local, post(`/api/work/${String(lease)}/fail`, Buffer.from(name).toString('latin1')))
      const answer = await waiting
      assertClean(answer, shown)
      assert.equal(answer.status, 502)
      assert.equal((JSON.parse(Buffer.from(answer.body, 'latin1').toString()) as { detail: string }).detail, name)
    })

    test(`events of a job, with ${shown}`, async () => {
      await using local = await startLocal()
      const handle = await submit(local, name)
      const watcher = await JobEventReader.open(`${originOf(local)}/api/jobs/${handle}/events`)
      const { lease } = await json(local, postJson('/api/work/take', asBytes({ functions: [name] })))
      const bytes = Buffer.from(name).toString('latin1')
      for (const word of ['data', 'warning', 'fail'])
        await ask(local, post(`/api/work/${String(lease)}/${word}`, bytes))
      const events = await watcher.rest()
      assert.deepEqual(
        events.map(({ event }) => event),
        ['snapshot', 'started', 'data', 'warning', 'ended'],
      )
      assert.deepEqual(events[2]?.data, { text: name })
    })

    test(`a submission that streams events, with ${shown}`, async () => {
      await using local = await startLocal()
      const url = `${originOf(local)}/api/functions/${part}/jobs?stream&wait`
      const reader = await JobEventReader.open(url, { method: 'POST', body: 'x' })
      const { lease } = await json(local, postJson('/api/work/take', asBytes({ functions: [name] })))
      const bytes = Buffer.from(name).toString('latin1')
      for (const word of ['data', 'warning', 'fail'])
        await ask(local, post(`/api/work/${String(lease)}/${word}`, bytes))
      const events = await reader.rest()
      assert.deepEqual(
        events.map(({ event }) => event),
        ['created', 'data', 'warning', 'failed'],
      )
    })
  }

  test('bytes of the Gearman port that are no text', async () => {
    await using local = await startLocal()
    const name = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('')
    const peer = await local.connect('client')
    peer.send(PACKET.SET_CLIENT_ID, 'id\r\nX: \xff')
    peer.send(PACKET.SUBMIT_JOB_BG, name, '\r\n\xff\xfe', 'x')
    await peer.receive('JOB_CREATED')
    const text = ((await json(local, get('/api/functions')))['functions'] as { name: string }[])[0]?.name ?? ''
    const body = asBytes({ functions: [text] })
    const taken = await ask(local, postJson('/api/work/take', body, 'Accept: application/octet-stream'))
    assert.equal(taken.status, 200, taken.body)
    assertClean(taken, 'bytes')
    assert.equal(decodeURIComponent(taken.headers['x-gearman-function'] ?? ''), text)
    assertMetrics((await ask(local, get('/metrics'))).body)
  })

  test('a prefix of handles', async () => {
    for (const handlePrefix of ['H:a\r\nX: 1', 'H:größe', 'H:\xff']) {
      await using local = await startLocal({ handlePrefix, gearmandHttp: '127.0.0.1:0' })
      const created = await ask(local, post('/api/functions/f/jobs', 'x'))
      assert.equal(created.status, 202, created.body)
      assertClean(created, handlePrefix)
      assert.equal((await ask(local, get(created.headers['location'] ?? ''))).status, 200)
    }
  })

  test('lone surrogates become characters that can be written', async () => {
    await using local = await startLocal()
    const taken = ask(local, postJson('/api/work/take', '{"functions":["a\\ud800b"],"wait":"1s","worker":"\\udfff"}'))
    const put = await ask(
      local,
      `${written('PUT /api/schedules/s', ['Content-Type: application/json', 'Content-Length: 42'])}{"function":"a\\ud800b","every":"1h","x":1}\n`,
    )
    assert.ok(put.status === 200 || put.status === 400, put.body)
    assert.ok([200, 204].includes((await taken).status))
    await assertAlive(local)
  })
})

/** As JSON, in UTF-8, one character a byte. */
function asBytes(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('latin1')
}

/** Each line is one of the format, and none has been forged. */
function assertMetrics(text: string): void {
  for (const line of text.split('\n')) {
    assert.match(line, /^(|# (HELP|TYPE) [^\n]*|geartrain_\w+(\{[^\n]*\})? \S+|(process|nodejs)_\w+(\{[^\n]*\})? \S+)$/)
  }
}
