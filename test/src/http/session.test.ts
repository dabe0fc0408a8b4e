import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { hashToken, type Log, type ServerOptions, silentLog } from '@geartrain/server'
import { rules, tokenOf } from '../access/parts.ts'
import { scratch } from '../cli/command.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Api, startApi } from './api.ts'

/** As a browser sends what a page of the server's own asks. */
const fromOwnPage = { 'sec-fetch-site': 'same-origin' }

async function begin(api: Api, token: string): Promise<{ readonly cookie: string; readonly line: string }> {
  const answer = await api.call('beginSession', { body: { token } })
  assert.equal(answer.status, 200, await answer.clone().text())
  const line = answer.headers.get('set-cookie') ?? ''
  return { cookie: line.split(';', 1)[0] ?? '', line }
}

async function nameOf(api: Api, headers: Record<string, string> = {}): Promise<string> {
  const { name } = (await api.json('getSession', { headers })) as { name: string }
  return name
}

test('says who one is, and what one may do', async () => {
  await using api = await startApi({
    access: { ...rules, mine: { token: hashToken('m'), roles: ['submit', 'operate'], functions: 'größe' } },
  })
  assert.deepEqual(await api.json('getSession', { headers: { authorization: 'Bearer m' } }), {
    name: 'mine',
    address: '127.0.0.1',
    isOpen: false,
    grants: [{ roles: ['submit', 'view', 'operate'], functions: ['größe'] }],
  })
  assert.deepEqual(await api.json('getSession'), { name: 'nobody', address: '127.0.0.1', isOpen: false, grants: [] })
})

test('without rules there are no sessions, since everyone may do everything', async () => {
  await using api = await startApi()
  const roles = ['submit', 'work', 'view', 'operate', 'admin']
  const open = { name: 'anyone', address: '127.0.0.1', isOpen: true, grants: [{ roles, functions: ['*'] }] }
  assert.deepEqual(await api.json('getSession'), open)
  const answer = await api.call('beginSession', { body: { token: 'whatever' } })
  assert.deepEqual(await answer.json(), open)
  assert.equal(answer.headers.get('set-cookie'), null)
})

test('begins with a token, and ends', async () => {
  await using api = await startApi({ access: rules })
  const { cookie, line } = await begin(api, tokenOf('view'))
  assert.match(line, /^geartrain=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/)
  assert.ok(!line.includes(tokenOf('view')) && !line.includes(hashToken(tokenOf('view')).slice(7, 39)))
  assert.equal(await nameOf(api, { cookie: `other=1; ${cookie}; more=2` }), 'view')
  const ended = await api.call('endSession', { headers: { cookie, ...fromOwnPage } })
  assert.equal(ended.headers.get('set-cookie'), 'geartrain=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict')
})

test('is sent over TLS alone if it came so, also by way of a proxy', async () => {
  await using api = await startApi({ access: rules, httpHosts: ['jobs.example'] })
  const answer = await fetch(`${api.origin}/api/session`, {
    method: 'POST',
    headers: { origin: 'https://jobs.example', 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
    body: JSON.stringify({ token: tokenOf('view') }),
  })
  assert.match(answer.headers.get('set-cookie') ?? '', /; Secure$/)
})

test('does not begin with a wrong token', async () => {
  await using api = await startApi({ access: rules })
  const answer = await api.call('beginSession', { body: { token: 'gt_wrong' } })
  assert.equal(answer.status, 401)
  assert.ok(!(await answer.text()).includes('gt_wrong'))
  for (const body of [{}, { token: '' }, { token: 'x'.repeat(257) }, { token: 1 }, { token: 'a', more: 1 }]) {
    assert.equal((await api.call('beginSession', { body })).status, 400)
  }
})

test('a wrong token is logged with where it comes from, and not itself', async () => {
  const lines: string[] = []
  const log: Log = { ...silentLog, warn: (...words: unknown[]) => void lines.push(JSON.stringify(words)) }
  await using api = await startApi({ access: rules, log })
  await api.call('beginSession', { body: { token: 'gt_wrong' } })
  await api.call('getServer', { headers: { authorization: 'Bearer gt_wrong' } })
  // Who shows none is no guesser.
  await api.call('getServer')
  const line = /"address":"127\.0\.0\.1".*a token was shown that lets nobody in/
  assert.equal(lines.filter((each) => line.test(each)).length, 2, lines.join('\n'))
  assert.ok(!lines.join().includes('gt_wrong'))
})

describe('a cookie', () => {
  test('that was changed anywhere is none', async () => {
    await using api = await startApi({ access: rules })
    const { cookie } = await begin(api, tokenOf('view'))
    const [expiry = '', id = '', signature = ''] = cookie.replace('geartrain=', '').split('.')
    const { cookie: other } = await begin(api, tokenOf('admin'))
    const [, otherId = ''] = other.split('.')
    for (const value of [
      `${Number(expiry) + 1}.${id}.${signature}`,
      `${expiry}.${otherId}.${signature}`,
      `${expiry}.${id}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${expiry}.${id}.`,
      `${expiry}.${id}`,
      '',
      '..',
      'x'.repeat(5000),
    ]) {
      assert.equal(await nameOf(api, { cookie: `geartrain=${value}` }), 'nobody', value)
    }
  })

  test('changes something only from a page of the server', async () => {
    await using api = await startApi({ access: rules })
    const { cookie } = await begin(api, tokenOf('submit'))
    const { host } = new URL(api.origin)
    const submit = async (headers: Record<string, string>) => {
      const answer = await fetch(`${api.origin}/api/functions/mail.send/jobs`, { method: 'POST', headers, body: '' })
      return `${answer.status} ${((await answer.json()) as { code?: string }).code ?? ''}`
    }
    const rows: readonly [headers: Record<string, string>, answer: string][] = [
      [{ 'sec-fetch-site': 'same-origin' }, '202 '],
      [{ 'sec-fetch-site': 'none' }, '202 '],
      [{ 'sec-fetch-site': 'same-site' }, '403 CROSS_SITE'],
      [{ 'sec-fetch-site': 'cross-site' }, '403 CROSS_SITE'],
      [{ 'sec-fetch-site': 'cross-site', origin: api.origin }, '403 CROSS_SITE'],
      [{ origin: `http://${host}` }, '202 '],
      [{ origin: 'http://evil.example' }, '403 CROSS_SITE'],
      [{ origin: 'null' }, '403 CROSS_SITE'],
      [{}, '403 CROSS_SITE'],
    ]
    for (const [headers, answer] of rows)
      assert.equal(await submit({ cookie, ...headers }), answer, JSON.stringify(headers))
    // A program that shows its token is no browser.
    assert.equal(await submit({ authorization: `Bearer ${tokenOf('submit')}` }), '202 ')
  })

  test('has less than what an operation takes: 403, and no cookie: 401', async () => {
    await using api = await startApi({ access: rules })
    const { cookie } = await begin(api, tokenOf('submit'))
    assert.equal((await fetch(`${api.origin}/metrics`, { headers: { cookie } })).status, 403)
    assert.equal((await fetch(`${api.origin}/metrics`)).status, 401)
  })

  test('ends after 12 hours', async () => {
    const clock = new ManualClock()
    const { createServer } = await import('@geartrain/server')
    await using server = createServer({ port: 0, http: '127.0.0.1:0', access: rules }, clock)
    await server.listen()
    const url = `http://127.0.0.1:${server.httpAddress?.port}/api/session`
    const begun = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: tokenOf('view') }),
    })
    const cookie = begun.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    const name = async () => ((await (await fetch(url, { headers: { cookie } })).json()) as { name: string }).name
    clock.advance(12 * 3_600_000 - 1)
    assert.equal(await name(), 'view')
    clock.advance(1)
    assert.equal(await name(), 'nobody')
  })
})

describe('a server that is started again', () => {
  test('knows the sessions, if it has a store', async () => {
    using directory = scratch()
    const options: Partial<ServerOptions> = { access: rules, store: `sqlite:${directory.path('jobs.db')}` }
    assert.equal(await nameAfterRestart(options, options), 'view')
  })

  test('has forgotten those whose token is in no rule any more', async () => {
    using directory = scratch()
    const store = `sqlite:${directory.path('jobs.db')}`
    const { view: _, ...left } = rules
    assert.equal(await nameAfterRestart({ access: rules, store }, { access: left, store }), 'nobody')
  })

  test('has forgotten all, without a store', async () => {
    assert.equal(await nameAfterRestart({ access: rules }, { access: rules }), 'nobody')
  })

  async function nameAfterRestart(before: Partial<ServerOptions>, after: Partial<ServerOptions>): Promise<string> {
    const first = await startApi(before)
    const { cookie } = await begin(first, tokenOf('view'))
    await first.server.close(0)
    await using second = await startApi(after)
    return await nameOf(second, { cookie })
  }
})
