import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RawHttp } from '../exchange.ts'
import { startLocal } from '../local-http.ts'
import { ask, assertAlive, codeOf, connectTo, get, portOf, post, submit, untilAllLeft, written } from './requests.ts'

describe('a path is taken as it is, and leads nowhere else:', () => {
  const paths = [
    '/../healthz',
    '/api/../healthz',
    '/api/%2e%2e/healthz',
    '/%2e%2e%2fetc/passwd',
    '/..%2f..%2f..%2fetc/passwd',
    '/api/..%5c..%5chealthz',
    '/api\\..\\healthz',
    '//healthz',
    '//evil.example/healthz',
    '/healthz/',
    '/healthz;a=b',
    '/HEALTHZ',
    '/healthz%20',
    '/healthz%2f',
    '/./healthz',
    '/api//jobs',
    '/__proto__',
    '/constructor/prototype',
  ]
  for (const path of paths) {
    test(path, async () => {
      await using local = await startLocal()
      const answer = await ask(local, get(path))
      assert.deepEqual([answer.status, codeOf(answer)], [404, 'NOT_FOUND'])
      assert.equal(answer.headers['location'], undefined)
    })
  }

  test('also where a name stands in it', async () => {
    await using local = await startLocal()
    for (const name of [
      '..',
      '.',
      '/',
      '../../server',
      '\\',
      'a?b#c',
      '%',
      '%2e%2e',
      'constructor',
      '__proto__',
      '*',
    ]) {
      const handle = await submit(local, name)
      const job = await ask(local, get(`/api/jobs/${handle}`))
      assert.equal((JSON.parse(job.body) as { function: string }).function, name)
      const shown = await ask(local, get(`/api/functions/${encodeURIComponent(name)}`))
      assert.equal((JSON.parse(shown.body) as { name: string }).name, name)
    }
    assert.equal((await ask(local, get('/api/jobs/..%2fserver'))).status, 404)
  })
})

describe('a method', () => {
  test('HEAD has the headers of GET, and no body', async () => {
    await using local = await startLocal()
    using connection = await connectTo(local)
    for (const path of ['/healthz', '/api/jobs', '/metrics', '/nowhere', '/api/jobs/%zz', '/api/openapi.json']) {
      connection.send(get(path) + written(`HEAD ${path}`, []))
      const full = await connection.answer()
      const head = await connection.answer(true)
      assert.deepEqual([head.status, head.headers['content-type']], [full.status, full.headers['content-type']], path)
    }
    connection.send(get('/healthz'))
    assert.equal((await connection.answer()).body, '{"status":"alive"}', 'no body came in between')
  })

  test('HEAD of events ends, and watches nothing', async () => {
    await using local = await startLocal()
    const handle = await submit(local, 'f')
    const before = local.server.connectionCount
    using connection = await connectTo(local)
    for (const path of ['/api/events', `/api/jobs/${handle}/events`]) {
      connection.send(written(`HEAD ${path}`, []))
      const head = await connection.answer(true)
      assert.deepEqual([head.status, head.headers['content-type']], [200, 'text/event-stream; charset=utf-8'])
      connection.send(get('/healthz'))
      assert.equal((await connection.answer()).body, '{"status":"alive"}')
    }
    connection.destroy()
    await untilAllLeft(local, before)
  })

  test('that nothing takes does nothing, and TRACE gives back nothing of what it was sent', async () => {
    await using local = await startLocal()
    for (const method of ['OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'LOCK', 'MKCOL', 'SEARCH']) {
      for (const path of ['/healthz', '/api/jobs', '/api/functions/f/jobs']) {
        const answer = await ask(local, written(`${method} ${path}`, ['X-Secret: 12345', 'Cookie: a=12345']))
        assert.ok([404, 405].includes(answer.status), `${method} ${answer.status}`)
        assert.ok(!JSON.stringify(answer).includes('12345'))
      }
    }
    assert.equal(local.server.engine.findFunction('f'), undefined)
    assert.equal((await ask(local, written('OPTIONS *', []))).status, 404)
  })

  test('CONNECT and Upgrade lead nowhere', async () => {
    await using local = await startLocal()
    for (const request of [written('CONNECT 127.0.0.1:22', []), written('CONNECT /healthz', [])]) {
      using connection = await RawHttp.connect(portOf(local))
      connection.send(request)
      assert.doesNotMatch(await connection.rest(), /^HTTP\/1\.1 2/)
    }
    for (const protocol of ['websocket', 'h2c', 'TLS/1.2']) {
      const answer = await ask(local, get('/healthz', 'Connection: Upgrade', `Upgrade: ${protocol}`))
      assert.notEqual(answer.status, 101)
    }
    await assertAlive(local)
  })

  test('in a header or the query is not listened to', async () => {
    await using local = await startLocal()
    const handle = await submit(local, 'f')
    const headers = ['X-HTTP-Method-Override: DELETE', 'X-Method-Override: DELETE']
    await ask(local, post(`/api/jobs/${handle}?_method=DELETE`, '', ...headers))
    await ask(local, get(`/api/jobs/${handle}`, ...headers))
    assert.equal((await ask(local, get(`/api/jobs/${handle}`))).status, 200)
  })
})
