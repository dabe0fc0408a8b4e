import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../../support/until.ts'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, codeOf, connectTo, get, post, postJson, take, untilAllLeft, written } from './requests.ts'

test('a hundred requests in one write have their answers in order, each its own', async () => {
  await using local = await startLocal()
  using connection = await connectTo(local)
  const names = Array.from({ length: 100 }, (_, index) => `f${index}`)
  const request = (name: string, index: number) => {
    if (index % 4 === 0) return post(`/api/functions/${name}/jobs`, 'x')
    if (index % 4 === 1) return get(`/${name}`)
    if (index % 4 === 2) return postJson('/api/work/take', { functions: [name], wait: '0s', nonsense: 1, lease: name })
    return written(`HEAD /api/functions/${name}`, [])
  }
  connection.send(names.map(request).join(''))
  for (const [index, name] of names.entries()) {
    const answer = await connection.answer(index % 4 === 3)
    const expected = [202, 404, 400, 200][index % 4]
    assert.equal(answer.status, expected, `${name} ${answer.body}`)
    if (index % 4 === 0) assert.equal((JSON.parse(answer.body) as { function: string }).function, name)
    if (index % 4 === 1) assert.ok(answer.body.includes(`GET /${name}"`), answer.body)
  }
})

test('one that waits holds those behind it, which keep their places', async () => {
  await using local = await startLocal()
  using connection = await connectTo(local)
  const requests = [
    get('/healthz'),
    post('/api/functions/slow/jobs?wait', 'x'),
    post('/api/functions/b/jobs', 'x'),
    get('/nowhere'),
    post('/api/functions/slow/jobs?wait', 'y'),
    get('/healthz'),
  ]
  connection.send(requests.join(''))
  assert.equal((await connection.answer()).status, 200)
  const first = await take(local, 'slow')
  const second = await take(local, 'slow')
  // The later one ends first.
  assert.equal((await ask(local, post(`/api/work/${second.lease}/complete`, 'second'))).status, 204)
  assert.equal((await ask(local, post(`/api/work/${first.lease}/complete`, 'first'))).status, 204)
  const answers = []
  for (let count = 0; count < 5; count++) answers.push(await connection.answer())
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 202, 404, 200, 200],
  )
  assert.deepEqual([answers[0]?.body, answers[3]?.body], ['first', 'second'])
})

test('of many that wait on one connection a few are begun at a time, in order, and all leave with it', async () => {
  await using local = await startLocal()
  using connection = await connectTo(local)
  connection.send(post('/api/functions/f/jobs?wait', 'x').repeat(1000))
  await until('some of them waited', () => local.server.connectionCount === 17)
  await assertAlive(local)
  assert.equal(local.server.connectionCount, 17)
  for (const result of ['first', 'second', 'third']) {
    const { lease } = await take(local, 'f')
    assert.equal((await ask(local, post(`/api/work/${lease}/complete`, result))).status, 204)
    assert.equal((await connection.answer()).body, result)
  }
  await until('others were begun', () => local.server.engine.findFunction('f')?.jobCount === 16)
  connection.destroy()
  await untilAllLeft(local)
})

test('a thousand requests in one write, of which a few are begun at a time, are all answered', async () => {
  await using local = await startLocal()
  using connection = await connectTo(local)
  connection.send(post('/api/functions/f/jobs', 'x').repeat(1000))
  for (let count = 0; count < 1000; count++) assert.equal((await connection.answer()).status, 202)
  assert.equal(local.server.engine.findFunction('f')?.jobCount, 1000)
})

test('who sends requests without end behind one that waits is cut off', async () => {
  await using local = await startLocal()
  using connection = await connectTo(local)
  connection.send(post('/api/functions/f/jobs?wait', 'x') + get('/healthz').repeat(10_100))
  assert.equal(await connection.rest(), '')
  await untilAllLeft(local)
})

describe('a connection goes on after', () => {
  const refused = {
    'a name that is none': [get('/api/jobs/%zz'), 400],
    'JSON that is none': [postJson('/api/work/take', '{'), 400],
    'a body of the wrong kind': [post('/api/work/take', 'x', 'Content-Type: text/html'), 415],
    'a type that is none': [post('/api/work/take', 'x', 'Content-Type: //'), 415],
    'nothing there': [post('/nowhere', 'a body that nobody reads'), 404],
    'a method that is not taken': [written('DELETE /api/jobs', []), 405],
    'a job that is not done in time': [post('/api/functions/f/jobs?wait=1ms', 'x'), 504],
    'another site': [post('/api/functions/f/jobs', 'x', 'Sec-Fetch-Site: cross-site'), 403],
    'another host': [post('/api/functions/f/jobs', 'x', 'Host: evil.example'), 421],
  } as const
  for (const [what, [request, status]] of Object.entries(refused)) {
    test(what, async () => {
      await using local = await startLocal()
      using connection = await connectTo(local)
      connection.send(request + get('/healthz') + request)
      assert.equal((await connection.answer()).status, status)
      const next = await connection.answer()
      assert.deepEqual([next.status, next.body], [200, '{"status":"alive"}'])
      assert.equal((await connection.answer()).status, status)
    })
  }
})

test('a body that was refused is not read as the next request', async () => {
  await using local = await startLocal({ limits: { httpBodyBytesMax: 10 } })
  using connection = await connectTo(local)
  connection.send(post('/api/functions/f/jobs', get('/api/server')))
  const answer = await connection.answer()
  assert.deepEqual([answer.status, codeOf(answer)], [413, 'BODY_TOO_LARGE'])
  assert.equal(await connection.rest(), '')
})
