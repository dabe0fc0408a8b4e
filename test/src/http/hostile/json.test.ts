import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, codeOf, postJson, written } from './requests.ts'

const deep = 100_000

function put(path: string, body: string, method = 'PUT'): string {
  return `${written(`${method} ${path}`, [`Content-Length: ${body.length}`, 'Content-Type: application/json'])}${body}`
}

/** As requests to take a job, as settings, as a schedule and as a bulk change: each is refused. */
const bombs = {
  'lists in lists': `${'['.repeat(deep)}${']'.repeat(deep)}`,
  'objects in objects': `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
  'lists without an end': '['.repeat(deep),
  'within a known member': `{"functions":${'['.repeat(deep)}${']'.repeat(deep)},"values":${'{"a":'.repeat(10)}1${'}'.repeat(10)}}`,
  'a million values': `{"functions":[${'1,'.repeat(1e6)}1]}`,
  'a million members': `{${Array.from({ length: 1e5 }, (_, index) => `"a${index}":1`).join(',')}}`,
  'a number without end': `{"functions":["f"],"wait":${'9'.repeat(100_000)}}`,
  'a number past all': '{"functions":["f"],"wait":1e999}',
  'a long text': `{"functions":["${'x'.repeat(1e6)}"]}`,
  'no UTF-8': '{"functions":["\xff\xfe"]}',
  'overlong UTF-8': '{"functions":["\xc0\xaf"]}',
  'a surrogate in UTF-8': '{"functions":["\xed\xa0\x80"]}',
  'UTF-16': '\xff\xfe{\0}\0',
  'a NUL': '{"functions":["a\\u0000b"]}',
  'a raw NUL': '{"functions":["a\0b"]}',
  'two documents': '{"functions":["f"]}{}',
  'a comment': '{/**/}',
  'a trailing comma': '{"functions":["f"],}',
  'single quotes': "{'functions':['f']}",
  NaN: '{"functions":NaN}',
  'a list': '["f"]',
  'a text': '"f"',
  null: 'null',
}

describe('JSON that is hostile is refused, and nothing comes of it:', () => {
  for (const [what, body] of Object.entries(bombs)) {
    test(what, async () => {
      await using local = await startLocal()
      for (const request of [
        postJson('/api/work/take', body),
        postJson('/api/jobs/bulk', body),
        postJson('/api/schedules/preview', body),
        put('/api/schedules/s', body),
        put('/api/functions/f', body, 'PATCH'),
      ]) {
        const answer = await ask(local, request)
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST'], request.slice(0, 40))
        assert.ok(answer.body.length < 5000, `the answer does not say all of it again: ${answer.body.length}`)
      }
      await assertAlive(local)
    })
  }
})

test('members of prototypes are none', async () => {
  await using local = await startLocal()
  for (const body of [
    '{"functions":["f"],"wait":"0s","__proto__":{"polluted":1}}',
    '{"functions":[{"name":"f","timeout":"1s","__proto__":1}],"wait":"0s"}',
    '{"functions":["f"],"wait":"0s","\\u005f_proto__":{}}',
  ]) {
    assert.equal((await ask(local, postJson('/api/work/take', body))).status, 400, body)
  }
  for (const values of ['{"__proto__":{"paused":"true"}}', '{"__proto__":"true"}', '{"constructor":"true"}']) {
    assert.equal((await ask(local, put('/api/functions/f', `{"values":${values}}`, 'PATCH'))).status, 400, values)
  }
  assert.equal(Reflect.get({}, 'polluted'), undefined)
  assert.equal(Reflect.get({}, 'paused'), undefined)
})

test('of members that come twice the last one counts, everywhere alike', async () => {
  await using local = await startLocal()
  assert.equal(
    (await ask(local, postJson('/api/work/take', '{"functions":["f"],"wait":"5m","wait":"0s"}'))).status,
    204,
  )
})

test('a body that says what it is not is not read', async () => {
  await using local = await startLocal()
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
    'text/json',
  ]) {
    const body = '{"functions":["f"],"wait":"0s"}'
    const headers = [`Content-Length: ${body.length}`, `Content-Type: ${type}`]
    const answer = await ask(local, `${written('POST /api/work/take', headers)}${body}`)
    assert.deepEqual([answer.status, codeOf(answer)], [415, 'UNSUPPORTED_MEDIA_TYPE'])
  }
  const packed = `${written('POST /api/work/take', ['Content-Length: 2', 'Content-Type: application/json', 'Content-Encoding: gzip'])}\x1f\x8b`
  assert.ok([400, 415].includes((await ask(local, packed)).status))
})
