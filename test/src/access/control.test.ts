import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ControlAnswer, ControlOperation } from '@geartrain/protocol'
import { controlRoles, type Log, silentLog } from '@geartrain/server'
import { CONTROL, Desk } from '../server/desk.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'
import { type Asker, connectAs, others, rules, theirs, tokenOf, whoMay } from './parts.ts'

// Who may ask for which operation of CONTROL, about `mail.send` and with a role on `mail.*` alone. What has no function
// is for those with a rule for all of them: here for nobody.

interface Row {
  /** With NAME for the function, HANDLE for a job of it and SCHEDULE for a schedule of it. */
  readonly request: object
  readonly allowed: string
  /** Who may do the same with another function; default: nobody. */
  readonly elsewhere?: string
}

const view = 'view operate admin'
const operate = 'operate admin'

const table: { readonly [Operation in ControlOperation]: readonly Row[] } = {
  functions: [{ request: {}, allowed: view, elsewhere: view }],
  'function show': [{ request: { name: 'NAME' }, allowed: view }],
  'function set': [
    { request: { name: 'NAME', values: { attempts: '3' } }, allowed: 'admin' },
    { request: { name: 'NAME', values: { paused: 'true' } }, allowed: operate },
    { request: { name: 'NAME', values: { draining: null, attempts: null } }, allowed: 'admin' },
    { request: { name: 'mail.*', values: { attempts: '3' } }, allowed: 'admin', elsewhere: 'admin' },
    { request: { name: 'mai*', values: { attempts: '3' } }, allowed: '' },
    { request: { name: '*', values: { paused: 'false' } }, allowed: '' },
  ],
  'function purge': [
    { request: { name: 'NAME' }, allowed: operate },
    { request: { name: 'mail.*' }, allowed: operate, elsewhere: operate },
    { request: { name: 'mai*' }, allowed: '' },
  ],
  policies: [{ request: {}, allowed: view, elsewhere: view }],
  'jobs count': [{ request: { filter: {} }, allowed: view, elsewhere: view }],
  'jobs counts': [{ request: { filter: {} }, allowed: view, elsewhere: view }],
  'jobs change': [
    { request: { action: 'cancel', handles: ['HANDLE'] }, allowed: operate },
    { request: { action: 'cancel', filter: { function: 'NAME' } }, allowed: operate },
    { request: { action: 'cancel', filter: {} }, allowed: '' },
  ],
  jobs: [{ request: {}, allowed: view, elsewhere: view }],
  'job show': [
    { request: { handle: 'HANDLE' }, allowed: 'submit view operate admin' },
    { request: { unique: 'of NAME' }, allowed: 'submit view operate admin' },
  ],
  'job cancel': [{ request: { handle: 'HANDLE' }, allowed: operate }],
  'job run': [{ request: { handle: 'HANDLE' }, allowed: operate }],
  'job delete': [{ request: { handle: 'HANDLE' }, allowed: operate }],
  'job prioritize': [{ request: { handle: 'HANDLE', priority: 'high' }, allowed: operate }],
  dead: [{ request: {}, allowed: view, elsewhere: view }],
  'dead groups': [{ request: {}, allowed: view, elsewhere: view }],
  'dead retry': [
    { request: { handles: ['HANDLE'] }, allowed: operate },
    { request: { filter: { function: 'NAME' } }, allowed: operate },
    { request: { filter: {} }, allowed: '' },
  ],
  'dead delete': [
    { request: { handles: ['HANDLE'] }, allowed: operate },
    { request: { filter: { function: 'NAME' } }, allowed: operate },
    { request: { filter: {} }, allowed: '' },
  ],
  schedules: [{ request: {}, allowed: view, elsewhere: view }],
  'schedule show': [{ request: { name: 'SCHEDULE' }, allowed: view }],
  'schedule put': [
    { request: { name: 'new', function: 'NAME', every: '1h' }, allowed: operate },
    { request: { name: 'SCHEDULE', function: 'NAME', every: '1h' }, allowed: operate },
    { request: { name: 'new', function: 'NAME', every: '1h', then: others }, allowed: '' },
  ],
  'schedule pause': [{ request: { name: 'SCHEDULE' }, allowed: operate }],
  'schedule resume': [{ request: { name: 'SCHEDULE' }, allowed: operate }],
  'schedule run': [{ request: { name: 'SCHEDULE' }, allowed: operate }],
  'schedule remove': [{ request: { name: 'SCHEDULE' }, allowed: operate }],
  'schedule preview': [{ request: { every: '1h' }, allowed: view, elsewhere: view }],
  connections: [{ request: {}, allowed: view, elsewhere: view }],
  'connection close': [{ request: { id: 1 }, allowed: '' }],
  'server show': [{ request: {}, allowed: view, elsewhere: view }],
}

describe('who may ask for an operation', () => {
  for (const op of Object.keys(controlRoles) as ControlOperation[]) {
    test(op, async () => {
      for (const { request, allowed, elsewhere = '' } of table[op]) {
        const text = JSON.stringify({ op, ...request })
        assert.equal(await whoMay((asker) => isDone(text, theirs, asker)), allowed, text)
        assert.equal(await whoMay((asker) => isDone(text, others, asker)), elsewhere, `${text} of ${others}`)
      }
    })
  }
})

/** On a server of its own, which has a job and a schedule of the function. */
async function isDone(request: string, name: string, asker: Asker): Promise<boolean> {
  await using desk = await Desk.open({ access: rules })
  const all = await connectAs(desk.local, 'all')
  all.send(PACKET.SUBMIT_JOB_BG, name, `of ${name}`, '')
  const handle = (await all.receive('JOB_CREATED')).body.toString('latin1')
  const made = await ask(all, JSON.stringify({ op: 'schedule put', name: 'hourly', function: name, every: '1h' }))
  assert.ok(made.ok, JSON.stringify(made))
  const peer = await connectAs(desk.local, asker)
  const answer = await ask(peer, request.replace('HANDLE', handle).replace('NAME', name).replace('SCHEDULE', 'hourly'))
  // Of a function that is none of theirs it is as if there were nothing.
  return answer.ok || !['ACCESS_DENIED', 'NOT_FOUND'].includes(answer.error.code)
}

async function ask(peer: RawPeer, request: string): Promise<ControlAnswer<unknown>> {
  peer.send(CONTROL, request)
  return JSON.parse((await peer.receive('CONTROL_RES')).body.toString()) as ControlAnswer<unknown>
}

test('lists have what may be viewed', async () => {
  await using desk = await Desk.open({ access: rules })
  const all = await connectAs(desk.local, 'all')
  for (const name of [theirs, others]) {
    all.send(PACKET.SUBMIT_JOB_BG, name, '', '')
    await all.receive('JOB_CREATED')
    await ask(all, JSON.stringify({ op: 'schedule put', name: `for ${name}`, function: name, every: '1h' }))
  }
  const peer = await connectAs(desk.local, 'view')
  const list = async (op: string, key: string) => {
    const answer = await ask(peer, JSON.stringify({ op }))
    assert.ok(answer.ok)
    const rows = (answer.answer as Record<string, readonly { name?: string; function?: string }[]>)[key]
    return rows?.map((row) => row.function ?? row.name)
  }
  assert.deepEqual(await list('functions', 'functions'), [theirs])
  assert.deepEqual(await list('jobs', 'jobs'), [theirs])
  assert.deepEqual(await list('schedules', 'schedules'), [theirs])
  assert.deepEqual(await list('dead', 'jobs'), [])
})

test('of a handle that nobody knows, one with a part of the functions learns no more than that', async () => {
  await using desk = await Desk.open({ access: rules })
  const peer = await connectAs(desk.local, 'operate')
  const answer = await ask(peer, JSON.stringify({ op: 'job cancel', handle: 'H:nowhere:1' }))
  assert.deepEqual(answer, { ok: false, error: { code: 'NOT_FOUND', message: 'there is no job H:nowhere:1' } })
})

test('what changes something is audited: who, what, and what came of it, without payloads', async () => {
  const lines: object[] = []
  const log: Log = { ...silentLog, info: (facts: unknown) => void (isAudit(facts) && lines.push(facts)) }
  await using desk = await Desk.open({ access: rules, log })
  const peer = await connectAs(desk.local, 'operate')
  const workload = { text: 'secret' }
  for (const request of [
    { op: 'functions' },
    { op: 'function set', name: theirs, values: { paused: 'true' } },
    { op: 'function set', name: theirs, values: { attempts: '3' } },
    { op: 'schedule put', name: 'nightly', function: theirs, every: '1h', workload },
    { op: 'schedule pause', name: 'never' },
    { op: 'dead retry', handles: [], workload },
  ]) {
    await ask(peer, JSON.stringify(request))
  }
  const who = { audit: true, actor: 'operate', address: '127.0.0.1' }
  assert.deepEqual(lines, [
    { ...who, operation: 'function set', name: theirs, values: { paused: 'true' }, outcome: 'done' },
    { ...who, operation: 'function set', name: theirs, values: { attempts: '3' }, outcome: 'ACCESS_DENIED' },
    { ...who, operation: 'schedule put', name: 'nightly', function: theirs, every: '1h', outcome: 'done' },
    { ...who, operation: 'schedule pause', name: 'never', outcome: 'NOT_FOUND' },
    { ...who, operation: 'dead retry', handles: [], outcome: 'BAD_REQUEST' },
  ])
  assert.ok(!JSON.stringify(lines).includes(tokenOf('operate')))
})

function isAudit(facts: unknown): facts is object {
  return typeof facts === 'object' && facts !== null && 'audit' in facts
}
