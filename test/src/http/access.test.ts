import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, test } from 'node:test'
import { defaultLimits, hashToken, type Log, silentLog } from '@geartrain/server'
import { type Asker, everyone, others, rules, theirs, tokenOf, whoMay } from '../access/parts.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Api, type ApiOperation, startApi } from './api.ts'

// Who is let in to which operation over HTTP, with a role on `mail.*` alone. A new operation takes a row here.

const view = 'view operate admin'
const result = 'submit view operate admin'
const operate = 'operate admin'
const submit = 'submit admin'
const work = 'work admin'

const table: Readonly<Record<string, string>> = {
  submitJob: submit,
  getJob: result,
  getJobWorkload: result,
  getJobResult: result,
  watchJob: result,
  listJobs: view,
  countJobs: view,
  countJobsByState: view,
  changeJobs: operate,
  runJob: operate,
  deleteJob: operate,
  cancelJob: operate,
  retryJob: operate,
  prioritizeJob: operate,
  takeJob: work,
  sendProgress: work,
  sendData: work,
  sendWarning: work,
  extendLease: work,
  completeJob: work,
  failJob: work,
  listFunctions: view,
  listPolicies: view,
  getFunction: view,
  changePolicy: operate,
  pauseFunction: operate,
  resumeFunction: operate,
  drainFunction: operate,
  undrainFunction: operate,
  purgeFunction: operate,
  listDeadGroups: view,
  listSchedules: view,
  previewSchedule: view,
  getSchedule: view,
  putSchedule: operate,
  removeSchedule: operate,
  pauseSchedule: operate,
  resumeSchedule: operate,
  runSchedule: operate,
  listWorkers: view,
  listConnections: view,
  closeConnection: 'admin',
  getServer: view,
  listServers: view,
  getAbout: everyone,
  streamEvents: view,
  getHistory: view,
  listFunctionHistories: view,
  listFindings: view,
  getMetrics: view,
  getHealth: everyone,
  getReadiness: everyone,
  getOpenApi: everyone,
  getSession: everyone,
  beginSession: everyone,
  endSession: everyone,
}

interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly row: ApiOperation
}

function operationsOf(api: Api): Operation[] {
  return Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, row]) => ({ id: row.operationId, method: method.toUpperCase(), path, row })),
  )
}

/** Where a path has the name of a function. */
const functionPart = /\{function\}|(?<=^\/api\/functions\/)\{name\}/

/** A request that is refused for what it says, if not for who makes it. */
async function statusOf(api: Api, { method, path }: Operation, name: string, headers: Record<string, string>) {
  const filled = path.replace(functionPart, name).replaceAll(/\{\w+\}/g, 'H:nowhere:1')
  const hasBody = method !== 'GET' && method !== 'DELETE'
  const stop = new AbortController()
  const answer = await fetch(`${api.origin}${filled}`, {
    method,
    headers: { ...(hasBody ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(hasBody ? { body: '{ no JSON' } : {}),
    signal: stop.signal,
  })
  // Of a stream that is enough.
  stop.abort()
  return answer.status
}

function as(asker: Asker): Record<string, string> {
  return asker === 'nobody' ? {} : { authorization: `Bearer ${tokenOf(asker)}` }
}

test('who is let in', async (t) => {
  await using api = await startApi({ access: rules })
  const operations = operationsOf(api)
  for (const operation of operations) {
    await t.test(`${operation.method} ${operation.path}`, async () => {
      const { id } = operation
      assert.ok(table[id] !== undefined, `${id} has its row in this table`)
      const allowed = await whoMay(async (asker) => {
        const status = await statusOf(api, operation, theirs, as(asker))
        if (status !== 401 && status !== 403) return id !== 'beginSession' || status === 400
        assert.equal(status, asker === 'nobody' ? 401 : 403)
        return false
      })
      assert.equal(allowed, table[id])
      if (!functionPart.test(operation.path)) return
      const elsewhere = await whoMay(async (asker) => (await statusOf(api, operation, others, as(asker))) < 300)
      assert.equal(elsewhere, '')
    })
  }
  await t.test('there is no row too many', () => {
    assert.deepEqual(Object.keys(table).sort(), operations.map(({ id }) => id).sort())
  })
})

test('a job of a function that is not theirs is neither shown nor changed', async () => {
  await using api = await startApi({ access: rules })
  const made = await fetch(`${api.origin}/api/functions/${others}/jobs`, {
    method: 'POST',
    headers: { authorization: 'Bearer token-of-all' },
    body: 'secret',
  })
  assert.equal(made.status, 202)
  const job = `${api.origin}${made.headers.get('location')}`
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/result'],
    ['GET', '/workload'],
    ['GET', '/events'],
    ['POST', '/cancel'],
    ['DELETE', ''],
  ] as const) {
    const answer = await fetch(`${job}${path}`, { method, headers: as('admin') })
    const { code } = (await answer.json()) as { code: string }
    // As if it were not there.
    assert.deepEqual([answer.status, code], [404, 'NOT_FOUND'], `${method} ${path}`)
  }
})

test('an administrative act that is refused at the door is audited, without what was shown', async () => {
  const lines: object[] = []
  const log: Log = { ...silentLog, info: (facts: unknown) => void (isAudit(facts) && lines.push(facts)) }
  await using api = await startApi({ access: rules, log })
  const purge = { method: 'POST', path: `/api/functions/${theirs}/purge` }
  for (const asker of ['nobody', 'view', 'operate'] as const) {
    await fetch(`${api.origin}${purge.path}`, { method: purge.method, headers: as(asker) })
  }
  await fetch(`${api.origin}/api/functions`)
  const who = { audit: true, address: '127.0.0.1', name: theirs }
  assert.deepEqual(lines, [
    { ...who, operation: 'purgeFunction', actor: 'nobody', outcome: 'UNAUTHORIZED' },
    { ...who, operation: 'purgeFunction', actor: 'view', outcome: 'ACCESS_DENIED' },
    { ...who, operation: 'function purge', actor: 'operate', outcome: 'done' },
  ])
})

function isAudit(facts: unknown): facts is object {
  return typeof facts === 'object' && facts !== null && 'audit' in facts
}

describe('a token', () => {
  test('that is wrong is 401, and not said again', async () => {
    const lines: unknown[] = []
    const note = (...line: unknown[]) => void lines.push(line)
    const log: Log = { ...silentLog, debug: note, info: note, warn: note, error: note }
    await using api = await startApi({ access: rules, log })
    const answer = await fetch(`${api.origin}/api/session`, { headers: { authorization: 'Bearer gt_unknown' } })
    const text = await answer.text()
    assert.equal(answer.status, 401)
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
    assert.ok(!`${text}${JSON.stringify(lines)}`.includes('gt_unknown'), text)
  })

  test('of which the network does not hold is 401', async () => {
    await using api = await startApi({
      access: { far: { token: hashToken('t'), network: '10.0.0.0/8', roles: 'admin' } },
    })
    const answer = await fetch(`${api.origin}/api/session`, { headers: { authorization: 'Bearer t' } })
    assert.equal(answer.status, 401)
  })

  test('has so many requests, and then waits', async () => {
    const clock = new ManualClock()
    const { createServer } = await import('@geartrain/server')
    const limits = { ...defaultLimits, httpRequestsPerTokenMax: 2 }
    await using server = createServer({ port: 0, http: '127.0.0.1:0', access: rules, limits }, clock)
    await server.listen()
    const ask = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${server.httpAddress?.port}/api/session`, { headers })
    const statuses = async (asker: Asker) => [(await ask(as(asker))).status, (await ask(as(asker))).status]
    assert.deepEqual(await statuses('view'), [200, 200])
    const refused = await ask(as('view'))
    assert.equal(refused.status, 429)
    assert.equal(refused.headers.get('retry-after'), '1')
    assert.equal(((await refused.json()) as { code: string }).code, 'TOO_MANY_REQUESTS')
    // Others are not held up by it, nor those without one.
    assert.deepEqual(await statuses('admin'), [200, 200])
    assert.deepEqual(await statuses('nobody'), [200, 200])
    clock.advance(500)
    assert.equal((await ask(as('view'))).status, 200)
    assert.equal((await ask(as('view'))).status, 429)
  })
})

describe('a page that has its own name lead here', () => {
  const ask = (api: Api, host: string, headers: Record<string, string> = {}) =>
    new Promise<number>((resolve, reject) => {
      const { port } = new URL(api.origin)
      http
        .get({ port, host: '127.0.0.1', path: '/api/session', headers: { host, ...headers } }, (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        })
        .once('error', reject)
    })
  const here = { here: { network: '127.0.0.0/8', roles: 'admin' } } as const
  const rows: readonly [
    what: string,
    access: typeof here | typeof rules,
    host: string,
    asked: object,
    status: number,
  ][] = [
    ['without rules', {}, 'evil.example', {}, 421],
    ['without rules, with any token', {}, 'evil.example', { authorization: 'Bearer x' }, 421],
    ['without rules, by address', {}, '127.0.0.1:4731', {}, 200],
    ['without rules, by a known name', {}, 'Jobs.Example:4731', {}, 200],
    ['without rules, as localhost', {}, 'localhost:4731', {}, 200],
    ['without rules, in IPv6', {}, '[::1]:4731', {}, 200],
    ['let in by its network', here, 'evil.example', {}, 421],
    ['with a token', rules, 'any.example', as('view'), 200],
    ['with a wrong token', rules, 'any.example', { authorization: 'Bearer x' }, 401],
  ]
  for (const [what, access, host, asked, status] of rows) {
    test(`${what}: ${host}`, async () => {
      await using api = await startApi({ access, httpHosts: ['jobs.example'] })
      assert.equal(await ask(api, host, asked as Record<string, string>), status)
    })
  }
})
