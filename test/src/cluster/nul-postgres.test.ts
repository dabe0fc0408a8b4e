import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { RecordedLog } from '../faults/recorded-log.ts'
import { originOf } from '../http/local-http.ts'
import { Desk } from '../server/desk.ts'
import { eventually } from '../support/postgres/eventually.ts'
import { sharedPostgres } from '../support/postgres/shared-postgres.ts'
import { PACKET } from '../support/raw.ts'

// PostgreSQL has no place for a NUL in a text or in JSON. What can't be kept is refused when it is said, and what is
// kept comes back as it was; nobody else notices.

const postgres = sharedPostgres()

/** What is asked over CONTROL, and how it is answered. */
const requests: readonly (readonly [request: object, answer: RegExp])[] = [
  [{ op: 'schedule put', name: 'a\0b', function: 'f', every: '1h' }, /^BAD_REQUEST: name must be .* "a\\u0000b"$/],
  [{ op: 'schedule put', name: 'a', function: 'f\0', every: '1h' }, /^BAD_REQUEST: function must be/],
  [{ op: 'schedule put', name: 'a', function: 'f', every: '1h', unique: '\0' }, /^BAD_REQUEST: unique must be/],
  [{ op: 'schedule put', name: 'a', function: 'f', every: '1h', then: 'g\0' }, /^BAD_REQUEST: then must be/],
  [{ op: 'schedule put', name: 'a', function: 'f', every: '1h\0' }, /^BAD_REQUEST: every must be/],
  [
    { op: 'schedule put', name: 'a', function: 'f', cron: '@daily', timezone: 'UTC\0' },
    /^BAD_REQUEST: timezone must be/,
  ],
  [{ op: 'schedule put', name: 'a', function: 'f', at: '2099-01-01T00:00:00Z\0' }, /^BAD_REQUEST: at must be/],
  [{ op: 'schedule show', name: 'a\0b' }, /^NOT_FOUND/],
  [{ op: 'schedule pause', name: 'a\0b' }, /^NOT_FOUND/],
  [{ op: 'schedule run', name: 'a\0b' }, /^NOT_FOUND/],
  [{ op: 'schedule remove', name: 'a\0b' }, /^NOT_FOUND/],
  [{ op: 'function set', name: 'a\0b', values: { paused: 'true' } }, /^BAD_REQUEST: there is a control character/],
  [{ op: 'function set', name: 'a\0*', values: { paused: 'true' } }, /^BAD_REQUEST: there is a control character/],
  [{ op: 'function set', name: 'a', values: { then: '\0' } }, /^BAD_REQUEST: a: then must be/],
  [{ op: 'function set', name: 'a', values: { 'a\0b': '1' } }, /^BAD_REQUEST: a: there is no setting/],
  [{ op: 'function purge', name: 'a\0b' }, /^\{"purged":0\}$/],
  [{ op: 'function purge', name: 'a\0*' }, /^\{"purged":0\}$/],
  [{ op: 'jobs', state: 'ready', function: 'a\0b' }, /^\{"jobs":\[\]\}$/],
  [{ op: 'jobs', state: 'delayed', function: 'a\0*' }, /^\{"jobs":\[\]\}$/],
  [{ op: 'jobs', state: 'ready', unique: '\0' }, /^\{"jobs":\[\]\}$/],
  [{ op: 'jobs', state: 'dead', error: '\0\0' }, /^\{"jobs":\[\]\}$/],
  [{ op: 'jobs', state: 'completed', worker: 'a\0b' }, /^(BAD_REQUEST|\{"jobs":\[\]\}$)/],
  [{ op: 'dead', function: 'a\0b' }, /^\{"jobs":\[\]\}$/],
  [{ op: 'dead groups', function: 'a\0*' }, /^\{"groups":\[\],"isExact":true\}$/],
  [{ op: 'job show', handle: 'H:a\0b:1795448966415000' }, /^(NOT_FOUND|BAD_REQUEST)/],
]

suite('a NUL, with the store on PostgreSQL', { skip: postgres.skip }, () => {
  test('in what is asked is refused, in what is kept comes back, and harms nobody', async () => {
    const { url } = await postgres.createDatabase()
    const log = new RecordedLog()
    const options = { store: url, leaseMs: 8000, log, functions: { f: { attempts: 1 } } }
    await using a = await Desk.open({ ...options, serverName: 'A', http: '127.0.0.1:0' })
    await using b = await Desk.open({ ...options, serverName: 'B' })
    const taken: string[] = []
    for (const [request, expected] of requests) {
      const answer = await a.json(JSON.stringify(request))
      const text = answer.ok ? JSON.stringify(answer.answer) : `${answer.error.code}: ${answer.error.message}`
      if (!expected.test(text)) taken.push(`${JSON.stringify(request)}: ${text}`)
    }
    assert.deepEqual(taken, [])
    for (const path of ['/api/schedules/a%00b', '/api/functions/a%00b']) {
      const body = JSON.stringify(path.includes('schedules') ? { function: 'f', every: '1h' } : { values: {} })
      const method = path.includes('schedules') ? 'PUT' : 'PATCH'
      const headers = { 'content-type': 'application/json' }
      assert.equal((await fetch(`${originOf(a.local)}${path}`, { method, headers, body })).status, 400, path)
    }

    const workload = { text: '\0x' }
    await a.ask('schedule put', { name: 's', function: 'later', every: '1h', workload })
    const worker = await a.local.connect('worker')
    worker.send(PACKET.SET_CLIENT_ID, 'its\0name')
    for (const name of ['a\0b', 'f']) worker.send(PACKET.CAN_DO, name)
    await a.submit('f', '\0')
    worker.send(PACKET.GRAB_JOB)
    const job = await worker.receive('JOB_ASSIGN')
    assert.equal(job.data.toString('latin1'), '\0')
    worker.send(PACKET.WORK_EXCEPTION, job.args[0] ?? '', 'why\0')
    await worker.sync()

    // The other server hears of all of it.
    const { engine } = b.local.server
    await eventually('B has heard of the worker', () => engine.findFunction('f')?.elsewhere.workers === 1 || undefined)
    const { jobs } = await b.ask('dead', {})
    assert.deepEqual(
      jobs.map(({ error }) => error),
      ['why\0'],
    )
    const { groups } = await b.ask('dead groups', {})
    assert.deepEqual(
      groups.map(({ message }) => message),
      ['why\0'],
    )
    await eventually('B has heard of the schedule', async () => {
      return (await b.ask('schedules', {})).schedules.length === 1 || undefined
    })
    assert.deepEqual((await b.ask('schedule show', { name: 's' })).workload, workload)
    assert.deepEqual(
      log.lines.filter((line) => /^(warn|error)/.test(line)),
      [],
    )
  })
})
