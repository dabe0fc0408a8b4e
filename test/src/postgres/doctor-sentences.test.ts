import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { durability, type Facts, neededBy, setting, upkeep } from './doctor-parts.ts'

const standby = (name: string, syncState: string, lagMs?: number) => ({ name, state: 'streaming', syncState, lagMs })

/** A database about which there is nothing to say. */
const sound: Facts = {
  versionNumber: 160_004,
  version: '16.4',
  isTls: true,
  isPooled: false,
  settings: new Map([
    ['autovacuum', 'on'],
    ['fsync', 'on'],
    ['full_page_writes', 'on'],
    ['max_connections', '100'],
    ['synchronous_commit', 'on'],
    ['synchronous_standby_names', 'ANY 1 (b, c)'],
  ]),
  standbys: [standby('b', 'quorum'), standby('c', 'quorum')],
  maySeeStandbys: true,
  schema: { version: 1, missingIndexes: [], invalidIndexes: [], closedTables: [] },
  tables: [{ name: 'jobs', liveRows: 10, deadRows: 5, bytes: 8192, indexBytes: 8192, vacuumedMsAgo: 1000 }],
  servers: [
    { id: 1, name: 'one', isLeader: true, leaseMs: 8000 },
    { id: 2, name: 'two', isLeader: false, leaseMs: 7000 },
  ],
  connectionCount: 8,
  oldestTransactionMs: 0,
  preparedTransactions: 0,
  idleSlots: [],
  roundTripMs: 0.3,
  commitMs: { median: 2, slowest: 5 },
  clockAheadMs: 0.2,
  clockErrorMs: 1,
}

function withSettings(changed: Readonly<Record<string, string>>, more: Partial<Facts> = {}): Facts {
  return { ...sound, settings: new Map([...sound.settings, ...Object.entries(changed)]), ...more }
}

function all(facts: Facts) {
  return [...setting(facts), ...durability(facts), ...upkeep(facts)]
}

function found(facts: Facts, level: string) {
  return all(facts).filter((finding) => finding.level === level)
}

describe('what the doctor says', () => {
  it('of a sound database: all is fine, and nothing is lost with a machine', () => {
    assert.deepEqual(
      all(sound).filter(({ level }) => level !== 'fine'),
      [],
    )
    const [last] = durability(sound)
    assert.match(last?.text ?? '', /nothing that was acknowledged is.*One standby may stop/)
  })

  const problems: readonly [string, Facts, RegExp][] = [
    ['fsync is off', withSettings({ fsync: 'off' }), /fsync is off: when the database's machine loses power/],
    ['pages are not written in full', withSettings({ full_page_writes: 'off' }), /full_page_writes is off/],
    ['commits do not wait', withSettings({ synchronous_commit: 'off' }), /before the job is on disk/],
    [
      'the standby that commits wait for is not there',
      withSettings({}, { standbys: [standby('x', 'async')] }),
      /none of these standbys is there: every commit waits/,
    ],
    ['it is too old', { ...sound, versionNumber: 130_012, version: '13.12' }, /PostgreSQL 13.12/],
    ['an index is missing', withSchema({ missingIndexes: ['jobs_unique'] }), /Indexes are missing: jobs_unique/],
    ['an index was not built', withSchema({ invalidIndexes: ['jobs_ready'] }), /could not be built: jobs_ready/],
    ['a table is closed', withSchema({ closedTables: ['jobs', 'dead'] }), /may not read and write jobs, dead/],
    ['nobody clears up', withSettings({ autovacuum: 'off' }), /autovacuum is off/],
  ]
  for (const [title, facts, sentence] of problems) {
    it(`a problem: ${title}`, () => {
      const [only, ...others] = found(facts, 'problem')
      assert.match(only?.text ?? '', sentence)
      assert.ok(only?.advice)
      assert.deepEqual(others, [])
    })
  }

  const warnings: readonly [string, Facts, RegExp][] = [
    [
      'there is no standby',
      withSettings({ synchronous_standby_names: '' }, { standbys: [] }),
      /if its machine or disk is lost for good, all jobs since the last backup are/,
    ],
    [
      'standbys follow on their own',
      withSettings({ synchronous_standby_names: '' }, { standbys: [standby('b', 'async', 12)] }),
      /no commit waits for them.*12 ms behind/,
    ],
    [
      'commits are local',
      withSettings({ synchronous_commit: 'local' }, { standbys: [standby('b', 'async')] }),
      /commits do not wait for any standby/,
    ],
    [
      'no standby may stop',
      withSettings({ synchronous_standby_names: 'b' }, { standbys: [standby('b', 'sync')] }),
      /if a standby stops, every submission waits/,
    ],
    ['a pooler is between', { ...sound, isPooled: true }, /another connection/],
    ['few connections are left', { ...sound, connectionCount: 95 }, /95 of 100 connections/],
    ['a transaction stays open', { ...sound, oldestTransactionMs: 3_600_000 }, /open for 60 min/],
    ['a prepared transaction does', { ...sound, preparedTransactions: 2 }, /2 prepared transactions/],
    ['a slot keeps the log', { ...sound, idleSlots: [{ name: 's', bytes: 3 * 1024 ** 3 }] }, /keeps 3.0 GiB/],
    [
      'vacuum does not keep up',
      {
        ...sound,
        tables: [{ name: 'jobs', liveRows: 10, deadRows: 1e6, bytes: 1, indexBytes: 1, vacuumedMsAgo: undefined }],
      },
      /1000000 rows of jobs that have gone.*never was there/,
    ],
    ['commits take long', { ...sound, commitMs: { median: 80, slowest: 200 } }, /a commit 80 ms/],
  ]
  for (const [title, facts, sentence] of warnings) {
    it(`a warning: ${title}`, () => {
      assert.ok(
        found(facts, 'warning').some(({ text }) => sentence.test(text)),
        JSON.stringify(found(facts, 'warning')),
      )
      assert.deepEqual(found(facts, 'problem'), [])
    })
  }

  const notes: readonly [string, Facts, RegExp][] = [
    ['nothing is there yet', { ...sound, schema: undefined, servers: [] }, /There is no schema geartrain yet/],
    ['no server is there', { ...sound, servers: [] }, /No server uses it/],
    ['one server is there', { ...sound, servers: sound.servers.slice(0, 1) }, /One server uses it: one \(leads\)/],
    ['it is far away', { ...sound, roundTripMs: 30 }, /far away/],
    ['its clock is wrong', { ...sound, clockAheadMs: -90_000 }, /90000 ms behind this machine/],
    ['statements are timed out', withSettings({ statement_timeout: '5000' }), /statement_timeout is 5000 ms/],
    [
      'the standby has it in memory only',
      withSettings({ synchronous_commit: 'remote_write' }),
      /if the primary and the standby lose power at once/,
    ],
    [
      'standbys can not be seen',
      withSettings({}, { maySeeStandbys: false, standbys: [standby('b', '')] }),
      /may not see whether they are in step/,
    ],
  ]
  for (const [title, facts, sentence] of notes) {
    it(`a note: ${title}`, () => {
      assert.ok(
        found(facts, 'note').some(({ text }) => sentence.test(text)),
        JSON.stringify(all(facts)),
      )
      assert.deepEqual([...found(facts, 'problem'), ...found(facts, 'warning')], [])
    })
  }

  it('how many standbys a commit waits for', () => {
    const needed = ['b', 'b, c', 'ANY 2 (a, b, c)', 'first 3 (a,b,c)', '2 (a, b)', '*', 'ANY 1 (*)'].map(neededBy)
    assert.deepEqual(needed, [1, 1, 2, 3, 2, 1, 1])
  })
})

function withSchema(changed: Partial<NonNullable<Facts['schema']>>): Facts {
  return { ...sound, schema: { version: 1, missingIndexes: [], invalidIndexes: [], closedTables: [], ...changed } }
}
