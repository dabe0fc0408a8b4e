import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashToken } from '@geartrain/server'
import { scratch } from '../cli/command.ts'
import { type Api, type ApiRequest, startApi } from './api.ts'

// Every operation is called, and each answer is as the API describes it: Api sees to that. What an answer says is for the
// tests of its noun.

test('every operation answers as described', async () => {
  using directory = scratch()
  const access = { everyone: { roles: ['admin'] }, one: { roles: ['view'], token: hashToken(token) } } as const
  await using api = await startApi({ store: `sqlite:${directory.path('jobs.db')}`, access, watch: ['127.0.0.1:1'] })
  await play(api)
  const operations = Object.values(api.document.paths).flatMap((methods) => Object.values(methods))
  const ids = operations.map(({ operationId }) => operationId)
  const succeeded = [...api.met].flatMap((met) => /^(\w+) 2\d\d$/.exec(met)?.[1] ?? [])
  assert.deepEqual(
    ids.filter((id) => !succeeded.includes(id)),
    [],
    'operations that no step of this test calls',
  )
})

const token = 'gt_secret-of-this-test'

async function play(api: Api): Promise<void> {
  await jobs(api)
  await work(api)
  await functions(api)
  await dead(api)
  await schedules(api)
  await server(api)
}

async function jobs(api: Api): Promise<void> {
  const handle = await submit(api, 'mail', { body: 'größe', query: { unique: 'ü', attempts: '3', delay: '1h' } })
  const one = { params: { handle } }
  await api.json('getJob', one)
  await api.call('getJobWorkload', one)
  await api.json('listJobs', { query: { function: 'mail', limit: '10' } })
  await api.json('listJobs', { query: { state: 'delayed', order: 'newest' } })
  await api.json('countJobs', { query: { function: 'mail' } })
  await api.json('countJobsByState')
  await api.json('changeJobs', { body: { action: 'run', filter: { function: 'mail' }, dryRun: true } })
  assert.equal((await api.call('prioritizeJob', { ...one, body: { priority: 'high' } })).status, 204)
  assert.equal((await api.call('runJob', one)).status, 204)
  assert.equal((await api.call('runJob', one)).status, 409)
  const events = await api.stream('watchJob', one)
  assert.equal((await api.call('cancelJob', one)).status, 204)
  await events.end()
  assert.equal((await api.call('cancelJob', one)).status, 404)
  const other = await submit(api, 'mail', { body: '' })
  assert.equal((await api.call('deleteJob', { params: { handle: other } })).status, 204)
  assert.equal(
    (await api.call('submitJob', { params: { function: 'mail' }, body: 'x', query: { wait: '10ms' } })).status,
    504,
  )
  assert.equal(
    (await api.call('submitJob', { params: { function: 'mail' }, body: 'x', query: { shape: 'round' } })).status,
    400,
  )
}

async function work(api: Api): Promise<void> {
  const handle = await submit(api, 'reverse', { body: 'abc', query: { 'keep-results': '1h' } })
  const first = await take(api, 'reverse')
  await api.json('sendProgress', { params: first, body: { numerator: 1, denominator: 2 } })
  await api.json('sendData', { params: first, body: 'part' })
  await api.json('sendWarning', { params: first, body: 'careful' })
  await api.json('extendLease', { params: first, body: { lease: '2m' } })
  await api.json('listJobs', { query: { state: 'running' } })
  await api.json('getJob', { params: { handle } })
  await api.json('listWorkers')
  assert.equal((await api.call('completeJob', { params: first, body: 'cba' })).status, 204)
  assert.equal(await (await api.call('getJobResult', { params: { handle } })).text(), 'cba')
  await api.json('getJob', { params: { handle } })
  await api.json('listJobs', { query: { state: 'complete' } })
  assert.equal((await api.call('takeJob', { body: { functions: ['reverse'], wait: '0s' } })).status, 204)
  assert.equal((await api.call('completeJob', { params: { lease: 'none' }, body: '' })).status, 409)
}

async function functions(api: Api): Promise<void> {
  const params = { name: 'mail.*' }
  await api.json('changePolicy', { params, query: { 'dry-run': '' }, body: { values: { attempts: '2' } } })
  await api.json('changePolicy', { params, body: { values: { attempts: '1', 'backoff-first': '0s' } } })
  for (const id of ['pauseFunction', 'resumeFunction', 'drainFunction', 'undrainFunction', 'purgeFunction']) {
    await api.json(id, { params })
  }
  await api.json('getFunction', { params })
  await api.json('listFunctions')
  await api.json('listPolicies')
  assert.equal((await api.call('changePolicy', { params, body: { values: { attempts: 'many' } } })).status, 400)
}

async function dead(api: Api): Promise<void> {
  const handle = await submit(api, 'mail.out', { body: 'x' })
  await api.call('failJob', { params: await take(api, 'mail.out'), body: 'timeout after 3012 ms' })
  await api.json('listDeadGroups')
  await api.json('listJobs', { query: { state: 'dead' } })
  await api.json('getJob', { params: { handle } })
  assert.equal((await api.call('retryJob', { params: { handle }, body: 'y' })).status, 204)
}

async function schedules(api: Api): Promise<void> {
  const params = { name: 'nightly' }
  await api.json('previewSchedule', { body: { cron: '0 3 * * *', timezone: 'Europe/Berlin' } })
  await api.json('putSchedule', { params, body: { function: 'report', cron: '0 3 * * *', workload: { text: 'all' } } })
  for (const id of ['pauseSchedule', 'resumeSchedule', 'runSchedule', 'getSchedule']) await api.json(id, { params })
  await api.json('listSchedules')
  assert.equal((await api.call('putSchedule', { params, body: { function: 'f', cron: 'never' } })).status, 400)
  assert.equal((await api.call('removeSchedule', { params })).status, 204)
  assert.equal((await api.call('getSchedule', { params })).status, 404)
}

async function server(api: Api): Promise<void> {
  await submit(api, 'mail', { body: 'x' })
  await take(api, 'mail')
  const { connections } = (await api.json('listConnections')) as { connections: { id: string | number }[] }
  const [connection] = connections
  assert.ok(connection !== undefined)
  assert.equal((await api.call('closeConnection', { params: { id: String(connection.id) } })).status, 204)
  await api.json('getServer')
  await api.json('listServers')
  await api.json('getAbout')
  for (const id of ['getMetrics', 'getHealth', 'getReadiness', 'getOpenApi']) assert.ok((await api.call(id)).ok, id)
  await (await api.stream('streamEvents')).end()
  await api.json('getHistory')
  await api.json('getHistory', { query: { range: '7d', function: 'mail' } })
  await api.json('listFunctionHistories')
  assert.equal((await api.call('getHistory', { query: { range: '2h' } })).status, 400)
  await api.json('listFindings')
  await api.json('getSession')
  await api.json('beginSession', { body: { token } })
  assert.equal((await api.call('beginSession', { body: { token: 'gt_another' } })).status, 401)
  assert.equal((await api.call('endSession')).status, 204)
}

async function submit(api: Api, name: string, request: ApiRequest): Promise<string> {
  const { handle } = (await api.json('submitJob', { params: { function: name }, ...request })) as { handle: string }
  return handle
}

async function take(api: Api, name: string): Promise<{ lease: string }> {
  const { lease } = (await api.json('takeJob', { body: { functions: [name], wait: '10s' } })) as { lease: string }
  return { lease }
}
