import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { rules, tokenOf } from '../../access/parts.ts'
import type { LocalServer } from '../../server/local-server.ts'
import { startLocal } from '../local-http.ts'
import { ask, codeOf, get, post, postJson, submit, written } from './requests.ts'

// What a page of another site, open in the browser of somebody who may do something here, can have that browser send.

const jobs = '/api/functions/f/jobs'

function countOf(local: LocalServer): number {
  return local.server.engine.findFunction('f')?.jobCount ?? 0
}

async function cookieOf(local: LocalServer, token: string): Promise<string> {
  const answer = await ask(local, postJson('/api/session', { token }, 'Sec-Fetch-Site: same-origin'))
  assert.equal(answer.status, 200, answer.body)
  return (answer.headers['set-cookie'] ?? '').split(';', 1)[0] ?? ''
}

describe('a page of another site', () => {
  const simple = {
    'a form': ['Content-Type: application/x-www-form-urlencoded', 'Origin: https://evil.example'],
    'fetch without CORS': ['Content-Type: text/plain', 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'],
    'a page of the same site': ['Origin: https://other.localhost', 'Sec-Fetch-Site: same-site'],
    'another port': ['Origin: http://localhost:1', 'Content-Type: text/plain'],
    'a sandboxed frame': ['Origin: null'],
    'an origin of nonsense': ['Origin: ://'],
    'two origins': ['Origin: http://localhost', 'Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'],
    'a beacon': ['Content-Type: text/plain;charset=UTF-8', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'],
    'a word that is unknown': ['Sec-Fetch-Site: sideways'],
  }
  for (const [what, headers] of Object.entries(simple)) {
    test(`changes nothing by ${what}`, async () => {
      await using local = await startLocal()
      for (const request of [
        post(jobs, 'x', ...headers),
        postJson('/api/work/take', { functions: ['f'], wait: '0s' }, ...headers),
        post('/api/functions/f/pause', '', ...headers),
        written('DELETE /api/jobs/x', headers),
      ]) {
        const answer = await ask(local, request)
        assert.deepEqual([answer.status, codeOf(answer)], [403, 'CROSS_SITE'])
      }
      assert.equal(countOf(local), 0)
    })
  }

  test('is told nothing of what it only fetches, not even by how long it takes, but may link to it', async () => {
    await using local = await startLocal()
    const rows: readonly [headers: string[], status: number][] = [
      [['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'], 403],
      [['Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: cors', 'Origin: http://localhost:1'], 403],
      [['Sec-Fetch-Site: cross-site'], 403],
      [['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'], 200],
      [['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors'], 200],
      [['Sec-Fetch-Site: none', 'Sec-Fetch-Mode: navigate'], 200],
      // As programs that are browsers inside.
      [['Sec-Fetch-Mode: cors'], 200],
    ]
    for (const path of ['/api/jobs', '/api/history?range=7d', '/api/servers', '/api/about', '/metrics']) {
      for (const [headers, status] of rows) {
        const answer = await ask(local, get(path, ...headers))
        assert.equal(answer.status, status, `${path} ${headers.join(' ')}`)
        if (status === 403) assert.equal(codeOf(answer), 'CROSS_SITE')
      }
    }
  })

  test('has no answer to a preflight that lets it go on, nor may it read what it gets', async () => {
    await using local = await startLocal()
    const origin = 'Origin: https://evil.example'
    const preflight = written(`OPTIONS ${jobs}`, [origin, 'Access-Control-Request-Method: POST'])
    for (const request of [preflight, get('/api/jobs', origin), get('/api/events', origin), get('/nowhere', origin)]) {
      const isStream = request.includes('/api/events')
      const { headers } = await ask(local, isStream ? request.replace('GET', 'HEAD') : request)
      for (const name of Object.keys(headers)) assert.ok(!name.startsWith('access-control-'), name)
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    }
  })

  test('that has its own name resolve to this machine is not known by it', async () => {
    await using local = await startLocal({ httpHosts: ['jobs.example'] })
    for (const host of [
      'evil.example',
      'evil.example:4731',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'evil.example#localhost',
      'localhost@evil.example',
      'evil.example,localhost',
      '[evil.example]',
      '0x7f.1',
      'jobs.example.',
      '',
    ]) {
      for (const path of ['/api/jobs', '/metrics', '/api/session', '/healthz']) {
        const answer = await ask(local, get(path, `Host: ${host}`))
        assert.deepEqual([answer.status, codeOf(answer)], [421, 'WRONG_HOST'], host)
      }
    }
    for (const host of ['localhost', '127.0.0.1:4731', '[::1]:4731', 'LOCALHOST', 'jobs.example', 'JOBS.example:80']) {
      assert.equal((await ask(local, get('/healthz', `Host: ${host}`))).status, 200, host)
    }
  })

  test('is not believed by the second of two hosts', async () => {
    await using local = await startLocal()
    const answer = await ask(local, get('/api/jobs', 'Host: evil.example', 'Host: localhost'))
    assert.ok([400, 421].includes(answer.status))
  })
})

describe('a cookie', () => {
  test('changes something only from a page of the server itself', async () => {
    await using local = await startLocal({ access: rules })
    const cookie = `Cookie: ${await cookieOf(local, 'token-of-all')}`
    const silent = await ask(local, post(jobs, 'x', cookie))
    assert.deepEqual([silent.status, codeOf(silent)], [403, 'CROSS_SITE'])
    assert.equal((await ask(local, post(jobs, 'x', cookie, 'Origin: https://evil.example'))).status, 403)
    assert.equal((await ask(local, post(jobs, 'x', cookie, 'Sec-Fetch-Site: same-site'))).status, 403)
    assert.equal(countOf(local), 0)
    assert.equal((await ask(local, post(jobs, 'x', cookie, 'Sec-Fetch-Site: same-origin'))).status, 202)
  })

  test('of that name that somebody else has put beside it does not take its place', async () => {
    await using local = await startLocal({ access: rules })
    const cookie = await cookieOf(local, tokenOf('view'))
    const name = async (header: string) => {
      const { body } = await ask(local, get('/api/session', `Cookie: ${header}`))
      return (JSON.parse(body) as { name: string }).name
    }
    assert.equal(await name(`geartrain=tossed; ${cookie}`), 'view')
    assert.equal(await name(`${cookie}; geartrain=tossed`), 'view')
    assert.equal(await name(`geartrain=; geartrain; =geartrain; ${cookie}`), 'view')
    assert.equal(await name(`geartrain="${cookie.slice(10)}"`), 'nobody')
    assert.equal(await name(`Geartrain=${cookie.slice(10)}`), 'nobody')
  })

  test('that is broken, long or one of thousands is none', async () => {
    await using local = await startLocal({ access: rules })
    const future = '99999999999999.'
    const forged = `${future}${'a'.repeat(32)}.${'b'.repeat(43)}`
    for (const header of [
      `geartrain=${'x'.repeat(15_000)}`,
      'geartrain=%',
      'geartrain=%ff%00',
      'geartrain=\xff\xfe',
      `${'geartrain=;'.repeat(1000)}`,
      `${'a=b;'.repeat(3000)}`,
      Array.from({ length: 120 }, () => `geartrain=${forged}`).join(';'),
      '__proto__=x; constructor=y',
    ]) {
      const answer = await ask(local, get('/api/session', `Cookie: ${header}`))
      assert.equal(answer.status, 200, header.slice(0, 30))
      assert.equal((JSON.parse(answer.body) as { name: string }).name, 'nobody')
    }
  })
})

describe('what a worker has made', () => {
  const html = '<html><script>alert(1)</script></html>'

  function assertNoPage(headers: Readonly<Record<string, string>>, what: string): void {
    assert.equal(headers['content-type'], 'application/octet-stream', what)
    assert.equal(headers['x-content-type-options'], 'nosniff', what)
    assert.match(headers['content-security-policy'] ?? '', /default-src 'none'/, what)
    assert.doesNotMatch(headers['content-security-policy'] ?? '', /unsafe/, what)
    assert.equal(headers['x-frame-options'], 'DENY', what)
  }

  test('is no page of the server’s, whatever it looks like and whatever is asked for', async () => {
    await using local = await startLocal()
    const handle = await submit(local, 'f', '?keep-results=1h')
    const accept = 'Accept: text/html'
    assertNoPage((await ask(local, get(`/api/jobs/${handle}/workload`, accept))).headers, 'workload')
    const waiting = ask(local, post('/api/functions/g/jobs?wait', html, accept))
    const streamed = ask(local, post('/api/functions/h/jobs?wait&stream', html, accept, 'Connection: close'))
    for (const name of ['f', 'g', 'h']) {
      const taken = await ask(
        local,
        postJson('/api/work/take', { functions: [name] }, 'Accept: application/octet-stream'),
      )
      assertNoPage(taken.headers, `workload of ${name}`)
      const lease = taken.headers['x-gearman-lease'] ?? ''
      const done = await ask(local, post(`/api/work/${lease}/complete`, html, 'Content-Type: text/html'))
      assert.equal(done.status, 204)
    }
    assertNoPage((await waiting).headers, 'waited for')
    assertNoPage((await streamed).headers, 'streamed')
    const kept = await ask(local, get(`/api/jobs/${handle}/result`, accept))
    assert.equal(kept.body, html)
    assertNoPage(kept.headers, 'kept')
  })

  test('is no page either where it says what went wrong', async () => {
    await using local = await startLocal()
    const waiting = ask(local, post('/api/functions/f/jobs?wait', 'x', 'Accept: text/html'))
    const { body } = await ask(local, postJson('/api/work/take', { functions: ['f'] }))
    const { lease } = JSON.parse(body) as { lease: string }
    await ask(local, post(`/api/work/${lease}/fail`, html))
    const failed = await waiting
    assert.equal(failed.headers['content-type'], 'application/problem+json; charset=utf-8')
    assert.equal(failed.headers['x-content-type-options'], 'nosniff')
  })
})
