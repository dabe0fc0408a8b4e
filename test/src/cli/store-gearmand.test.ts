import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { describe, test } from 'node:test'
import type { StoredJob } from '@geartrain/server'
import { openSqlite } from '../store/parts.ts'
import { missing, startServer } from '../support/peers.ts'
import { connect, PACKET } from '../support/raw.ts'
import { geartrain, scratch, startCommand } from './command.ts'
import { fillStore, job, jobsIn, storeCommand } from './store-file.ts'

// The queue that C gearmand keeps with -q libsqlite3: imported, and in its place.

const farAheadSeconds = 4_000_000_000

type Wanted = Pick<StoredJob, 'function' | 'unique' | 'priority' | 'runAt'> & { readonly workload: string }

function wanted(fields: Partial<Wanted>): Wanted {
  return { function: 'f', unique: '', priority: 1, runAt: 0, workload: 'work', ...fields }
}

/** In order, without what an import can't keep. */
function found(path: string): Wanted[] {
  return jobsIn(path).map(({ function: name, unique, priority, runAt, workload }) => {
    return { function: name, unique, priority, runAt, workload: Buffer.from(workload).toString('latin1') }
  })
}

const columns =
  'unique_key TEXT, function_name TEXT, priority INTEGER, data BLOB, when_to_run INTEGER, PRIMARY KEY (unique_key, function_name)'

/** What gearmand writes, without gearmand. */
function makeQueue(file: string, rows: readonly (readonly unknown[])[], table = 'gearman_queue'): void {
  const database = openSqlite(file)
  database.exec(`CREATE TABLE "${table}" (${columns})`)
  // As gearmand does: bytes are bound as TEXT, whatever they are.
  const insert = database.prepare(`INSERT INTO "${table}" VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?)`)
  for (const row of rows) insert.run(...row)
  database.close()
}

const twoRows = [
  [Buffer.from('u1'), Buffer.from('f'), 1, Buffer.from('one'), 0],
  [Buffer.from('u2'), Buffer.from('f'), 0, Buffer.from('two'), 0],
] as const
const twoJobs = [wanted({ unique: 'u1', workload: 'one' }), wanted({ unique: 'u2', workload: 'two', priority: 0 })]

test('what C gearmand has queued and was killed with is imported', async (t) => {
  const reason = missing('gearmand')
  if (reason !== undefined) return t.skip(reason)
  using directory = scratch()
  const file = directory.path('queue.db')
  const server = await startServer('gearmand', ['-q', 'libsqlite3', `--libsqlite3-db=${file}`])
  try {
    await using peer = await connect(server.port)
    const submissions: readonly [type: number, parts: readonly string[]][] = [
      [PACKET.SUBMIT_JOB_BG, ['normal', 'u1', 'work']],
      [PACKET.SUBMIT_JOB_HIGH_BG, ['high', 'u2', 'work']],
      [PACKET.SUBMIT_JOB_LOW_BG, ['low', 'u3', 'work']],
      [PACKET.SUBMIT_JOB_EPOCH, ['later', 'u4', String(farAheadSeconds), 'work']],
      [PACKET.SUBMIT_JOB_EPOCH, ['earlier', 'u5', '1000', 'work']],
      [PACKET.SUBMIT_JOB_BG, ['no unique', '', 'work']],
      [PACKET.SUBMIT_JOB_BG, ['dash', '-', 'work']],
      [PACKET.SUBMIT_JOB_BG, ['empty', 'u6', '']],
      [PACKET.SUBMIT_JOB_BG, ['bytes \xff\xfe', 'u \xff\x01', '\x00\x01\xff\xfe']],
      [PACKET.SUBMIT_JOB_BG, ['latin1 \xe9', 'u7', 'work']],
      [PACKET.SUBMIT_JOB_BG, ['same', 'u', 'work']],
      [PACKET.SUBMIT_JOB_BG, ['other', 'u', 'work']],
      [PACKET.SUBMIT_JOB_BG, ['large', 'u8', 'x'.repeat(1_000_000)]],
      // Not stored: a foreground job, and the reducer of this one.
      [PACKET.SUBMIT_JOB, ['foreground', 'u9', 'work']],
      [PACKET.SUBMIT_REDUCE_JOB_BG, ['reduced', 'u10', 'reducer', '', 'work']],
    ]
    for (const [type, parts] of submissions) {
      peer.send(type, ...parts)
      assert.equal((await peer.receive()).name, 'JOB_CREATED')
    }
    process.kill(server.pid, 'SIGKILL')
  } finally {
    await server.stop()
  }
  const before = readFileSync(file)
  const flags = ['import', '--from-gearmand-sqlite', 'queue.db', '--store', 'jobs.db']
  assert.equal(storeCommand(directory.path(''), [...flags, '--dry-run']).stdout, 'would import 14 jobs\n')
  assert.deepEqual(storeCommand(directory.path(''), flags), { code: 0, stdout: '14 jobs imported\n', stderr: '' })
  assert.deepEqual(found(directory.path('jobs.db')), [
    wanted({ function: 'normal', unique: 'u1' }),
    wanted({ function: 'high', unique: 'u2', priority: 0 }),
    wanted({ function: 'low', unique: 'u3', priority: 2 }),
    wanted({ function: 'later', unique: 'u4', runAt: farAheadSeconds * 1000 }),
    wanted({ function: 'earlier', unique: 'u5' }),
    wanted({ function: 'no unique' }),
    wanted({ function: 'dash', unique: '-' }),
    wanted({ function: 'empty', unique: 'u6', workload: '' }),
    wanted({ function: 'bytes \xff\xfe', unique: 'u \xff\x01', workload: '\x00\x01\xff\xfe' }),
    wanted({ function: 'latin1 \xe9', unique: 'u7' }),
    wanted({ function: 'same', unique: 'u' }),
    wanted({ function: 'other', unique: 'u' }),
    wanted({ function: 'large', unique: 'u8', workload: 'x'.repeat(1_000_000) }),
    wanted({ function: 'reduced', unique: 'u10' }),
  ])
  assert.match(storeCommand(directory.path(''), ['check', '--full', 'jobs.db']).stdout, /^OK: 14 jobs/)
  assert.ok(readFileSync(file).equals(before), 'its file is as it was')
})

describe('store import --from-gearmand-sqlite', () => {
  test('into a store with jobs: its own stand first, the same uniques join', async () => {
    using directory = scratch()
    makeQueue(directory.path('queue.db'), twoRows)
    await fillStore(directory.path('jobs.db'), [job({ unique: 'u1', workload: Buffer.from('here') })])
    const flags = ['import', '--from-gearmand-sqlite', 'queue.db', '--store', 'jobs.db']
    const { stdout } = storeCommand(directory.path(''), flags)
    assert.equal(stdout, '1 job imported, 1 joined to a job with the same unique\n')
    assert.deepEqual(found(directory.path('jobs.db')), [wanted({ unique: 'u1', workload: 'here' }), twoJobs[1]])
  })

  test('another table, one without times, and values that gearmand would not write', () => {
    using directory = scratch()
    const database = openSqlite(directory.path('queue.db'))
    database.exec(`
      CREATE TABLE "my ""queue""" (unique_key TEXT, function_name TEXT, priority INTEGER, data BLOB);
      INSERT INTO "my ""queue""" VALUES ('u1', 'f', 1, 'text'), (NULL, NULL, NULL, NULL), ('u3', 'f', 9, x'00ff')`)
    database.close()
    const flags = ['import', '--from-gearmand-sqlite', 'queue.db', '--table', 'my "queue"', '--store', 'jobs.db']
    assert.equal(storeCommand(directory.path(''), flags).stdout, '3 jobs imported\n')
    assert.deepEqual(found(directory.path('jobs.db')), [
      wanted({ unique: 'u1', workload: 'text' }),
      wanted({ function: '', workload: '' }),
      wanted({ unique: 'u3', workload: '\x00\xff' }),
    ])
  })

  test('a transaction that gearmand was killed in is rolled back, in a copy', () => {
    using directory = scratch()
    const [whole, half] = [directory.path('whole.db'), directory.path('half.db')]
    makeQueue(whole, twoRows)
    const database = openSqlite(whole)
    // So small a cache that pages are written before the transaction ends.
    database.pragma('cache_size = 5')
    database.exec('BEGIN')
    const insert = database.prepare("INSERT INTO gearman_queue VALUES (?, 'f', 1, zeroblob(200), 0)")
    for (let i = 0; i < 2000; i++) insert.run(`late ${i}`)
    for (const suffix of ['', '-journal']) copyFileSync(whole + suffix, half + suffix)
    database.close()
    const before = ['', '-journal'].map((suffix) => readFileSync(half + suffix))
    const flags = ['import', '--from-gearmand-sqlite', 'half.db', '--store', 'jobs.db']
    assert.equal(storeCommand(directory.path(''), flags).stdout, '2 jobs imported\n')
    assert.deepEqual(found(directory.path('jobs.db')), twoJobs)
    assert.deepEqual(
      ['', '-journal'].map((suffix) => readFileSync(half + suffix)),
      before,
    )
  })

  const refused: readonly [what: string, sql: string | undefined, sentence: string][] = [
    ['no file', undefined, 'there is no file queue.db; name the one that gearmand has as --libsqlite3-db'],
    [
      'no table',
      'CREATE TABLE other (a); CREATE TABLE another (a)',
      "queue.db is no queue of gearmand's: it has no table gearman_queue, only other, another; name the one that gearmand has as --libsqlite3-table",
    ],
    [
      'nothing in it',
      'PRAGMA user_version = 1',
      "queue.db is no queue of gearmand's: it has no table gearman_queue, only nothing at all; name the one that gearmand has as --libsqlite3-table",
    ],
    [
      'other columns',
      'CREATE TABLE gearman_queue (unique_key, data)',
      "queue.db is no queue of gearmand's: its table gearman_queue has other columns; name the one that gearmand has as --libsqlite3-table",
    ],
  ]
  for (const [what, sql, sentence] of refused) {
    test(`refused: ${what}`, () => {
      using directory = scratch()
      if (sql !== undefined) {
        const database = openSqlite(directory.path('queue.db'))
        database.exec(sql)
        database.close()
      }
      const before = readdirSync(directory.path(''))
      const flags = ['import', '--from-gearmand-sqlite', 'queue.db', '--store', 'jobs.db']
      assert.deepEqual(storeCommand(directory.path(''), flags), {
        code: 1,
        stdout: '',
        stderr: `geartrain store: ${sentence}\n`,
      })
      assert.deepEqual(readdirSync(directory.path('')), before)
    })
  }

  test('what another import has left half done beside it is begun anew', async () => {
    using directory = scratch()
    makeQueue(directory.path('queue.db'), twoRows)
    await fillStore(directory.path('jobs.db.part'), [job({ function: 'half' })])
    const flags = ['import', '--from-gearmand-sqlite', 'queue.db', '--store', 'jobs.db']
    assert.equal(storeCommand(directory.path(''), flags).stdout, '2 jobs imported\n')
    assert.deepEqual(found(directory.path('jobs.db')), twoJobs)
    assert.deepEqual(
      readdirSync(directory.path('')).filter((name) => name.includes('.part')),
      [],
    )
  })
})

describe('gearmand -q libsqlite3', () => {
  const start = (path: (name: string) => string, ...flags: string[]) => {
    const args = ['gearmand', '-p', '0', '-L', '127.0.0.1', '-l', 'stderr', '-P', path('pid')]
    return startCommand([...args, '-q', 'libsqlite3', '--libsqlite3-db', path('queue.db'), ...flags])
  }
  const grab = async (port: number) => {
    await using worker = await connect(port)
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB_UNIQ)
    const { name, args, data } = await worker.receive()
    if (name !== 'JOB_ASSIGN_UNIQ') return name
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
    await worker.sync()
    return `${args[2]} ${data.toString()}`
  }

  test('imports the jobs of its queue once, and leaves the file alone', async () => {
    using directory = scratch()
    const file = directory.path('queue.db')
    makeQueue(file, twoRows)
    const before = readFileSync(file)
    {
      await using server = await start(directory.path)
      assert.match(server.readyLine, new RegExp(`, store sqlite:${file}\\.geartrain$`))
      assert.match(
        server.command.stderr,
        new RegExp(`importing the 2 jobs of gearmand's queue ${file} into ${file}\\.geartrain`),
      )
      assert.match(server.command.stderr, new RegExp(`2 jobs imported; ${file} is kept as it is and is not read again`))
      assert.equal(await grab(server.port), 'u2 two')
      server.command.kill('SIGTERM')
      assert.equal((await server.command.ended()).code, 0)
    }
    {
      await using server = await start(directory.path)
      assert.doesNotMatch(server.command.stderr, /import|written to/)
      assert.equal(await grab(server.port), 'u1 one')
      assert.equal(await grab(server.port), 'NO_JOB')
      server.command.kill('SIGTERM')
      await server.command.ended()
    }
    assert.ok(readFileSync(file).equals(before))

    // What gearmand writes later is not taken in, and that is said.
    utimesSync(file, new Date(), new Date(Date.now() + 60_000))
    {
      await using server = await start(directory.path)
      assert.match(server.command.stderr, /WARNING .* was written to after its jobs were imported into /)
    }
    // Without gearmand's file it is the same store.
    renameSync(file, directory.path('away'))
    await using server = await start(directory.path)
    assert.match(server.readyLine, /, store sqlite:.*\.geartrain$/)
    assert.equal(existsSync(file), false)
  })

  test('without a file it makes a store of that name, and keeps it', async () => {
    using directory = scratch()
    writeFileSync(directory.path('queue.db'), '')
    {
      await using server = await start(directory.path, '--store-queue-on-shutdown')
      assert.match(server.readyLine, /, store sqlite:.*\/queue\.db$/)
      assert.match(
        server.command.stderr,
        /WARNING .* --store-queue-on-shutdown has no effect: each job is stored before it is acknowledged\n/,
      )
      await using peer = await connect(server.port)
      peer.send(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'work')
      assert.equal((await peer.receive()).name, 'JOB_CREATED')
      server.command.kill('SIGKILL')
      await server.command.ended()
    }
    await using server = await start(directory.path)
    assert.match(server.readyLine, /, store sqlite:.*\/queue\.db$/)
    assert.equal(await grab(server.port), 'u work')
    assert.deepEqual(
      readdirSync(directory.path('')).filter((name) => name.includes('geartrain')),
      [],
    )
  })

  test('--libsqlite3-table', async () => {
    using directory = scratch()
    makeQueue(directory.path('queue.db'), twoRows, 'jobs')
    await using server = await start(directory.path, '--libsqlite3-table', 'jobs')
    assert.equal(await grab(server.port), 'u2 two')
  })

  test('the queue that C gearmand has left', async (t) => {
    const reason = missing('gearmand')
    if (reason !== undefined) return t.skip(reason)
    using directory = scratch()
    const queue = ['-q', 'libsqlite3', `--libsqlite3-db=${directory.path('queue.db')}`]
    const theirs = await startServer('gearmand', queue)
    try {
      await using peer = await connect(theirs.port)
      peer.send(PACKET.SUBMIT_JOB_BG, 'f', 'u', 'work')
      assert.equal((await peer.receive()).name, 'JOB_CREATED')
    } finally {
      await theirs.stop()
    }
    await using ours = await start(directory.path)
    assert.equal(await grab(ours.port), 'u work')
  })

  test('refuses what is no queue, and two stores', async () => {
    using directory = scratch()
    const file = directory.path('queue.db')
    const run = async () => {
      const flags = ['-q', 'libsqlite3', '--libsqlite3-db', file, '-p', '0', '-l', 'none', '-P', directory.path('pid')]
      const { code, stderr } = await geartrain(['gearmand', ...flags])
      assert.equal(code, 1)
      return stderr
    }
    writeFileSync(file, 'This is not a database. '.repeat(100))
    assert.equal(
      await run(),
      `geartrain gearmand: ${file} is not a SQLite database; move it away or name another file (SQLITE_NOTADB: file is not a database)\n`,
    )
    writeFileSync(file, '')
    await fillStore(file, [])
    await fillStore(`${file}.geartrain`, [])
    assert.equal(
      await run(),
      `geartrain gearmand: ${file} and ${file}.geartrain are both stores: move the one away that is not to be used\n`,
    )
  })

  test('-u gives the store to the user', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can become another user: run the tests as root')
    using directory = scratch()
    chmodSync(directory.path(''), 0o777)
    makeQueue(directory.path('queue.db'), twoRows)
    await using server = await start(directory.path, '-u', 'nobody')
    const names = readdirSync(directory.path('')).filter((name) => name.startsWith('queue.db.geartrain'))
    assert.ok(names.length >= 3)
    for (const name of names) assert.notEqual(statSync(directory.path(name)).uid, 0, name)
    assert.equal(await grab(server.port), 'u2 two')
    server.command.kill('SIGTERM')
    assert.equal((await server.command.ended()).code, 0)
    assert.match(storeCommand(directory.path(''), ['check', 'queue.db.geartrain']).stdout, /^OK: 1 job /)
  })

  test('its flags do nothing without -q', async () => {
    using directory = scratch()
    const args = ['gearmand', '-p', '0', '-L', '127.0.0.1', '-l', 'stderr', '-P', directory.path('pid')]
    const flags = ['--libsqlite3-db=x', '--libsqlite3-table=y', '--store-queue-on-shutdown']
    await using server = await startCommand([...args, ...flags])
    const notes = server.command.stderr.split('\n').filter((line) => line.startsWith('WARNING'))
    assert.deepEqual(
      notes.map((line) => line.replace(/^.*\[ {2}main \] /, '')),
      ['--libsqlite3-db', '--libsqlite3-table', '--store-queue-on-shutdown'].map(
        (flag) => `${flag} has no effect: it belongs to -q libsqlite3`,
      ),
    )
    assert.match(server.readyLine, /, store memory$/)
  })
})
