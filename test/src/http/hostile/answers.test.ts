import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLog } from '@geartrain/server'
import { rules } from '../../access/parts.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { startLocal } from '../local-http.ts'
import { ask, codeOf, get, post, postJson, written } from './requests.ts'

const jobs = '/api/functions/f/jobs'

/** Of every kind that there is. HEAD stands for GET where the answer does not end. */
const requests = {
  health: get('/healthz'),
  'a list': get('/api/jobs'),
  figures: get('/metrics'),
  'the description': get('/api/openapi.json'),
  events: written('HEAD /api/events', []),
  'a job': post(jobs, 'x'),
  'no job': postJson('/api/work/take', { functions: ['g'], wait: '0s' }),
  'no such path': get('/nowhere'),
  'no such job': get('/api/jobs/H:x:1'),
  'a path that can not be read': get('/api/jobs/%zz'),
  'a query that can not be read': get('/api/jobs?limit=x'),
  'a method that is not taken': written('PUT /api/jobs', []),
  'a method that nothing takes': written('OPTIONS /api/jobs', []),
  'a large body': post(jobs, 'x'.repeat(1001)),
  'a body of the wrong kind': post('/api/work/take', 'x', 'Content-Type: text/html'),
  'JSON that is none': postJson('/api/work/take', '{'),
  'another site': post(jobs, 'x', 'Origin: https://evil.example'),
  'another host': get('/api/jobs', 'Host: evil.example'),
  'no HTTP': 'GARBAGE\r\n\r\n',
  'long headers': get('/healthz', `X: ${'x'.repeat(20_000)}`),
  'a slow request': 'GET /healthz HTTP/1.1\r\n',
  'a job that is not done in time': post(`${jobs}?wait=1ms`, 'x'),
}

describe('the security headers are on every answer:', () => {
  for (const [what, request] of Object.entries(requests)) {
    test(what, async () => {
      await using local = await startLocal({ limits: { httpBodyBytesMax: 1000, httpHeadersTimeoutMs: 100 } })
      const { headers, status, body } = await ask(local, request)
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.match(headers['content-security-policy'] ?? '', /^default-src 'none'; .*frame-ancestors 'none'$/)
      assert.equal(headers['x-frame-options'], 'DENY')
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['server'], undefined)
      assert.equal(headers['x-powered-by'], undefined)
      if (body !== '') assert.notEqual(headers['content-type'], undefined)
      if (status >= 400) assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8')
    })
  }
})

/** A seam of the server's that breaks, with what nobody is to see. */
class BrokenClock extends ManualClock {
  isBroken = false

  override wallNow(): number {
    if (this.isBroken) throw new Error('secret workload of /root/secret.ts')
    return super.wallNow()
  }
}

test('a fault of the server is told to its log, and not to who has asked', async () => {
  const lines: string[] = []
  const error = (fields: unknown, message?: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const clock = new BrokenClock()
  await using local = await startLocal({ access: rules, log: { ...silentLog, error } }, clock)
  const answers = []
  clock.isBroken = true
  for (const path of ['/api/session', '/api/session?token=hush']) {
    answers.push(await ask(local, postJson(path, { token: 'token-of-all' })))
  }
  clock.isBroken = false
  for (const answer of answers) {
    assert.deepEqual([answer.status, codeOf(answer)], [500, 'INTERNAL_ERROR'])
    assert.doesNotMatch(JSON.stringify(answer), /secret|root|\.ts|\.js| {4}at |hush/)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  }
  assert.equal(lines.length, 2)
  assert.ok(!lines.join().includes('hush') && !lines.join().includes('token-of-all'))
  assert.equal((await ask(local, get('/healthz'))).status, 200)
})
