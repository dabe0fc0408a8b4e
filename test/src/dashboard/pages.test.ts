import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { createServer, silentLog } from '@geartrain/server'
import { exchange, type RawAnswer } from '../http/exchange.ts'

// How the pages' files are served. What they do is tested in a browser.

const page = { accept: 'text/html,application/xhtml+xml' }

const site = await open()
after(() => site.close())

async function open() {
  const server = createServer({ port: 0, http: '127.0.0.1:0', log: silentLog, store: 'memory' })
  await server.listen()
  const { port = 0 } = server.httpAddress ?? {}
  return {
    port,
    get: (path: string, headers: Readonly<Record<string, string>> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers }),
    close: () => server.close(0),
  }
}

/** The files that the first page names, by path. */
async function assets(): Promise<string[]> {
  const html = await (await site.get('/')).text()
  return Array.from(html.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g), ([, path]) => path ?? '')
}

describe('pages', () => {
  for (const path of ['/', '/functions', '/job?handle=H%3Aa%3A1', '/anything']) {
    test(`${path} is the dashboard`, async () => {
      const answer = await site.get(path, page)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.match(await answer.text(), /<div id="app">/)
    })
  }

  for (const path of [
    '/api/nothing',
    '/a/b',
    '/assets/nothing.js',
    '/assets/..%2f..%2findex.js',
    '/favicon.ico',
    '//',
  ]) {
    test(`${path} is a problem`, async () => {
      const answer = await site.get(path, page)
      assert.equal(answer.status, 404)
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
    })
  }

  test('programs that ask for what is not there are told so', async () => {
    assert.equal((await site.get('/nothing')).status, 404)
    assert.equal((await fetch(`http://127.0.0.1:${site.port}/`, { method: 'POST' })).status, 404)
  })

  test('nothing inline and nothing of other sites runs, and no other site shows them', async () => {
    const policy = (await site.get('/')).headers.get('content-security-policy') ?? ''
    const words = policy.split('; ')
    for (const word of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "connect-src 'self'"]) {
      assert.ok(words.includes(word), word)
    }
    assert.doesNotMatch(policy, /unsafe|\*|https?:/)
  })

  test('they name nothing elsewhere, and what they name is there', async () => {
    const html = await (await site.get('/')).text()
    assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//)
    const paths = await assets()
    assert.ok(paths.length >= 3)
    for (const path of paths) assert.equal((await site.get(path)).status, 200, path)
  })

  test('files last, the page is asked for each time', async () => {
    assert.equal((await site.get('/')).headers.get('cache-control'), 'no-cache')
    for (const path of await assets()) {
      assert.equal((await site.get(path)).headers.get('cache-control'), 'public, max-age=31536000, immutable')
    }
    const etag = (await site.get('/')).headers.get('etag') ?? ''
    const again = await site.get('/', { 'if-none-match': etag })
    assert.equal(again.status, 304)
    assert.equal(await again.text(), '')
  })

  test('packed for those who take it, and the same for others', async () => {
    const [script = ''] = (await assets()).filter((path) => path.endsWith('.js'))
    const plain = await get(script)
    const packed = await get(script, 'Accept-Encoding: br, gzip\r\n')
    assert.equal(plain.headers['content-encoding'], undefined)
    const refused = await get(script, 'Accept-Encoding: gzip;q=0, br\r\n')
    assert.equal(refused.headers['content-encoding'], undefined)
    assert.equal(packed.headers['content-encoding'], 'gzip')
    assert.equal(packed.headers['vary'], 'accept-encoding')
    assert.deepEqual(gunzipSync(Buffer.from(packed.body, 'latin1')), Buffer.from(plain.body, 'latin1'))
  })

  test('all of it is less than 200 KB', async () => {
    let bytes = 0
    for (const path of ['/', ...(await assets())]) bytes += (await get(path, 'Accept-Encoding: gzip\r\n')).body.length
    assert.ok(bytes > 10_000 && bytes < 200_000, `${bytes} bytes`)
  })
})

/** As it comes: fetch would unpack it. */
function get(path: string, headers = ''): Promise<RawAnswer> {
  return exchange(site.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`)
}
