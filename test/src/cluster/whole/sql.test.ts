import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Client } from '@geartrain/client'
import pg from 'pg'
import { repositoryRoot } from '../../support/peers.ts'
import { eventually } from '../../support/postgres/eventually.ts'
import { sharedFleet } from './fleet.ts'
import { Hands, startWorker } from './hands.ts'

// Jobs that are submitted from SQL, with the transaction that they belong to.

const fleet = sharedFleet()
const guide = readFileSync(join(repositoryRoot, 'docs/cluster.md'), 'utf8')

/** The indented lines of the guide, from the one that begins so to the end of its block. */
function example(beginning: string): string {
  const lines = guide.split('\n')
  const first = lines.findIndex((line) => line.startsWith(`    ${beginning}`))
  assert.ok(first >= 0, `docs/cluster.md has no example that begins with ${beginning}`)
  const length = lines.slice(first).findIndex((line) => line !== '' && !line.startsWith('    '))
  return lines.slice(first, first + length).join('\n')
}

/** A session in the database of the cluster. */
async function connect(user = 'postgres'): Promise<pg.Client & AsyncDisposable> {
  const url = new URL(fleet.url)
  url.username = user
  const session = new pg.Client({ connectionString: url.href })
  session.on('error', () => {})
  await session.connect()
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.end() })
}

async function submit(session: pg.Client, sql: string, values: unknown[] = []): Promise<string> {
  const { rows } = await session.query<{ handle: string }>(`SELECT geartrain.do_background(${sql}) AS handle`, values)
  return rows[0]?.handle ?? ''
}

suite('jobs from SQL', { skip: fleet.skip }, () => {
  test('a job is there when its transaction commits, and gone when it rolls back', async () => {
    const { a, b } = await fleet.pair()
    const done: string[] = []
    await using _worker = await startWorker([a, b], 'committed', (job) => void done.push(job.text()))
    await using session = await connect()
    await using other = await connect()
    await session.query('BEGIN')
    const handle = await submit(session, `'committed', 'in the transaction'`)
    await submit(other, `'committed', 'beside it'`)
    await eventually('the one beside it is done', () => done.length > 0 || undefined)
    assert.deepEqual(done, ['beside it'])
    for (const member of [a, b]) assert.equal((await member.http(`/api/jobs/${handle}`)).status, 404)
    await session.query('COMMIT')
    await eventually('it is done', () => done.length > 1 || undefined)

    await session.query('BEGIN')
    await submit(session, `'committed', 'rolled back'`)
    await session.query('ROLLBACK')
    await submit(session, `'committed', 'after it'`)
    await eventually('the one after it is done', () => done.length > 2 || undefined)
    assert.deepEqual(done, ['beside it', 'in the transaction', 'after it'])
  })

  test('what it gives is the handle', async () => {
    const { a, b } = await fleet.pair()
    await using session = await connect()
    const handle = await submit(session, `'handled', 'payload'`)
    assert.match(handle, /^H:.+:\d+$/)
    const view = await eventually('a server has taken it in', async () => {
      const { status, text } = await b.http(`/api/jobs/${handle}`)
      return status === 200 ? (JSON.parse(text) as { function: string; workload: { text: string } }) : undefined
    })
    assert.deepEqual([view.function, view.workload.text], ['handled', 'payload'])
    await using hands = await Hands.at(a, 'handled')
    const { job } = await hands.next()
    assert.equal(job.handle.replace(/.*:/, ''), handle.replace(/.*:/, ''))
    assert.equal(job.text(), 'payload')
  })

  test('payloads of all types, byte for byte', async () => {
    const { b } = await fleet.pair()
    await using hands = await Hands.at(b, 'typed')
    await using session = await connect()
    const bytes = Buffer.from([0, 255, 1, 0x5c, 10])
    const rows: readonly (readonly [sql: string, values: unknown[], expected: Buffer])[] = [
      [`'typed', 'Grüße'`, [], Buffer.from('Grüße')],
      [`'typed', 'Grüße'::text`, [], Buffer.from('Grüße')],
      [`'typed', '\\x00ff015c0a'::bytea`, [], bytes],
      [`'typed', $1::bytea`, [bytes], bytes],
      [`'typed', $1`, ['as it comes'], Buffer.from('as it comes')],
      [`'typed', '{"b": 1, "a":2}'::json`, [], Buffer.from('{"b": 1, "a":2}')],
      [`'typed', '{"b": 1}'::jsonb`, [], Buffer.from('{"b": 1}')],
      [`'typed', jsonb_build_object('id', 7)`, [], Buffer.from('{"id": 7}')],
      [`function => 'typed', payload => 'by name'::text`, [], Buffer.from('by name')],
      [`'typed', ''`, [], Buffer.alloc(0)],
    ]
    for (const [sql, values, expected] of rows) {
      await submit(session, sql, values)
      const { job, finish } = await hands.next()
      assert.deepEqual(Buffer.from(job.workload), expected, sql)
      finish()
    }
  })

  test('unique: a job that waits or runs with the same one is joined', async () => {
    const { a, b } = await fleet.pair()
    await using session = await connect()
    await submit(session, `'joined', 'from SQL', "unique" => 'image-17'`)
    await submit(session, `'joined', 'from SQL again', "unique" => 'image-17'`)
    await using client = await Client.connect(a.address)
    await eventually('it is there', async () => (await client.statusByUnique('image-17')).isKnown || undefined)
    await client.submitBackground('joined', 'from a client', { unique: 'image-17' })
    await using hands = await Hands.at(b, 'joined')
    const { job, finish } = await hands.next()
    assert.deepEqual([job.text(), job.unique], ['from SQL', 'image-17'])
    await submit(session, `'joined', 'while it runs', "unique" => 'image-17'`)
    await submit(session, `'joined', 'marker', "unique" => 'marker'`)
    const marker = await hands.next()
    assert.equal(marker.job.text(), 'marker')
    finish()
    await eventually('it has ended', async () => !(await client.statusByUnique('image-17')).isKnown || undefined)
    assert.equal(hands.jobs.length, 2)
  })

  test('run_at, priority and expires_at', async () => {
    const { a, b } = await fleet.pair()
    await using session = await connect()
    await using client = await Client.connect(a.address)
    const later = await submit(session, `'timed', 'later', run_at => now() + interval '1 hour'`)
    const state = async (handle: string) => {
      const { status, text } = await b.http(`/api/jobs/${handle}`)
      return status === 200 ? (JSON.parse(text) as { state: string }).state : undefined
    }
    assert.equal(await eventually('it is there', () => state(later)), 'delayed')
    const soon = await submit(session, `'timed', 'soon', run_at => now() + interval '1.5 seconds'`)
    assert.equal(await eventually('it is there', () => state(soon)), 'delayed')
    await using hands = await Hands.at(b, 'timed')
    assert.equal((await hands.next()).job.text(), 'soon')

    for (const priority of ['low', 'normal', 'high']) {
      await submit(session, `'ranked', '${priority}', priority => '${priority}'`)
    }
    const { count } = await eventually('they are there', async () => {
      const counted = await a.json<{ count: number }>('/api/jobs/count?function=ranked')
      return counted.count === 3 ? counted : undefined
    })
    assert.equal(count, 3)
    const listed = await a.json<{ jobs: readonly { priority: string; handle: string }[] }>('/api/jobs?function=ranked')
    assert.deepEqual(listed.jobs.map(({ priority }) => priority).sort(), ['high', 'low', 'normal'])

    const expired = await submit(session, `'expiring', 'x', expires_at => now() + interval '300 milliseconds'`)
    assert.equal(
      await eventually('it is dead', async () => ((await state(expired)) === 'dead' ? 'dead' : undefined)),
      'dead',
    )
    assert.equal((await client.status(expired)).isRunning, false)
  })

  test('a transaction that has the servers told at once', async () => {
    const { b } = await fleet.pair()
    await using hands = await Hands.at(b, 'woken')
    await using session = await connect()
    await session.query('BEGIN')
    await session.query(`SET LOCAL geartrain.wake = 'on'`)
    await submit(session, `'woken', 'now'`)
    await session.query('COMMIT')
    assert.equal((await hands.next()).job.text(), 'now')
  })

  test('the trigger of the guide', async () => {
    const { a } = await fleet.pair()
    await using session = await connect()
    await session.query('CREATE TABLE images (id int PRIMARY KEY, name text)')
    await session.query(example('CREATE FUNCTION resize_image()'))
    await using hands = await Hands.at(a, 'resize')
    await session.query('BEGIN')
    await session.query(`INSERT INTO images VALUES (1, 'rolled back')`)
    await session.query('ROLLBACK')
    await session.query(`INSERT INTO images VALUES (2, 'cat'), (3, 'dog')`)
    const came = [await hands.next(), await hands.next()].map(({ job }) => [job.unique, job.json()])
    assert.deepEqual(came, [
      ['image-2', { id: 2, name: 'cat' }],
      ['image-3', { id: 3, name: 'dog' }],
    ])
  })

  test('the first example of the guide', async () => {
    const { a } = await fleet.pair()
    await using session = await connect()
    const sql = example("SELECT geartrain.do_background('resize'").replace('payload', `'the payload'::text`)
    const { rows } = await session.query<Record<string, string>>(sql)
    const [handle = ''] = Object.values(rows[0] ?? {})
    const state = async () => {
      const { status, text } = await a.http(`/api/jobs/${handle}`)
      return status === 200 ? (JSON.parse(text) as { state: string }).state : undefined
    }
    assert.equal(await eventually('it is there', state), 'delayed')
  })

  test('a role with the two grants of the guide, which can do nothing else', async () => {
    const { a } = await fleet.pair()
    await using owner = await connect()
    await owner.query('CREATE ROLE app LOGIN')
    await owner.query(example('GRANT USAGE ON SCHEMA'))
    await using session = await connect('app')
    await using hands = await Hands.at(a, 'by-app')
    await submit(session, `'by-app', 'allowed'`)
    assert.equal((await hands.next()).job.text(), 'allowed')
    const { rows: relations } = await owner.query<{ name: string; kind: string }>(
      `SELECT relname AS name, relkind AS kind FROM pg_class WHERE relnamespace = 'geartrain'::regnamespace AND relkind IN ('r', 'v', 'p', 'S')`,
    )
    assert.ok(relations.length > 0)
    for (const { name, kind } of relations) {
      const relation = `geartrain.${pg.escapeIdentifier(name)}`
      const statements =
        kind === 'r' ? [`SELECT FROM ${relation}`, `DELETE FROM ${relation}`] : [`SELECT FROM ${relation}`]
      for (const sql of statements) await assert.rejects(session.query(sql), /permission denied/, sql)
    }
    await using nobody = await (async () => {
      await owner.query('CREATE ROLE without_grants LOGIN')
      return connect('without_grants')
    })()
    await assert.rejects(submit(nobody, `'by-app', 'not allowed'`), /permission denied/)
  })

  test('arguments that can not be', async () => {
    const { a } = await fleet.pair()
    await using session = await connect()
    const rows: readonly (readonly [sql: string, complaint: RegExp])[] = [
      [`'', 'x'`, /function/i],
      [`NULL, 'x'::text`, /function/i],
      [`repeat('f', 513), 'x'`, /function/i],
      [`repeat('ü', 257), 'x'`, /function/i],
      [`'bad', 'x', "unique" => repeat('u', 65)`, /unique/i],
      [`'bad', 'x', "unique" => repeat('ü', 33)`, /unique/i],
      [`'bad', 'x', priority => 'urgent'`, /priority/i],
      [`'bad', 'x', run_at => 'infinity'`, /run_at/i],
      [`'bad', 'x', expires_at => '-infinity'`, /expires_at/i],
    ]
    const taken: string[] = []
    for (const [sql, complaint] of rows) {
      try {
        taken.push(`${sql} gave ${await submit(session, sql)}`)
      } catch (error) {
        assert.ok(error instanceof pg.DatabaseError)
        if (!complaint.test(error.message)) taken.push(`${sql} was refused with "${error.message}"`)
      }
    }
    assert.deepEqual(taken, [])
    // Servers live with whatever came.
    await using hands = await Hands.at(a, 'good')
    await submit(session, `'good', 'x'`)
    assert.equal((await hands.next()).job.text(), 'x')
  })

  test('names in other letters', async () => {
    const { a } = await fleet.pair()
    await using hands = await Hands.at(a, 'größe')
    await using session = await connect()
    await submit(session, `'größe', 'Grüße', "unique" => 'schlüssel'`)
    const { job } = await hands.next()
    assert.deepEqual([job.function, job.unique, job.text()], ['größe', 'schlüssel', 'Grüße'])
  })

  test('a thousand in one transaction', async () => {
    const { a, b } = await fleet.pair()
    const done = new Set<string>()
    await using _worker = await startWorker([a, b], 'many', (job) => void done.add(job.text()))
    await using session = await connect()
    await session.query(`SELECT geartrain.do_background('many', i::text) FROM generate_series(1, 1000) AS i`)
    await eventually('all are done', () => done.size === 1000 || undefined)
  })
})
