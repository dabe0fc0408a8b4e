import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type Log, SqliteStore } from '@geartrain/server'
import type { Database } from 'better-sqlite3'
import { RecordedLog } from '../faults/recorded-log.ts'
import { toBatch } from '../store-suite/batch.ts'
import { applicationId, openDatabase, openingError, openSqlite, schemaVersion } from './parts.ts'
import { inPlace } from './place.ts'

/** Root may write what nobody else may: whoever is to be refused is somebody else then. */
const nobody = process.getuid?.() === 0 ? 65_534 : undefined

async function refused(path: string, code: string, message: RegExp, log?: Log): Promise<void> {
  await assert.rejects(new SqliteStore(path, { log }).open(1), { name: 'StoreError', code, message })
}

/** What `read` gives for the database, when no store has it open. */
function inDatabase<Result>(path: string, read: (database: Database) => Result): Result {
  const database = openSqlite(path)
  try {
    return read(database)
  } finally {
    database.close()
  }
}

suite('opening a SQLite store', () => {
  inPlace('makes a file that says what it is', async ({ path }) => {
    const store = new SqliteStore(path)
    assert.equal(store.name, `sqlite:${path}`)
    await store.open(1)
    await store.close()
    const said = (pragma: string) => inDatabase(path, (database) => database.pragma(pragma, { simple: true }))
    assert.equal(said('application_id'), applicationId)
    assert.equal(said('user_version'), schemaVersion)
    assert.equal(said('page_size'), 4096)
    assert.equal(said('journal_mode'), 'wal')
    assert.ok(!existsSync(`${path}-wal`), 'the log is in the database after close')
  })

  inPlace('every commit is on the disk before it is answered', async ({ path }) => {
    const database = openDatabase(path, undefined)
    const full = 2
    assert.equal(database.pragma('synchronous', { simple: true }), full)
    assert.equal(database.pragma('journal_mode', { simple: true }), 'wal')
    database.close()
  })

  inPlace('takes a path from where the program is', async ({ path }) => {
    const from = process.cwd()
    process.chdir(join(path, '..'))
    try {
      const store = new SqliteStore('jobs.db')
      assert.equal(store.name, 'sqlite:jobs.db')
      const opening = store.open(1)
      process.chdir('/')
      await opening
      await store.close()
    } finally {
      process.chdir(from)
    }
    assert.ok(existsSync(path))
  })

  inPlace('takes an empty file', async ({ path }) => {
    writeFileSync(path, '')
    const store = new SqliteStore(path)
    await store.open(1)
    await store.close()
  })

  inPlace('refuses a directory that does not exist', async ({ directory }) => {
    await refused(join(directory, 'no/jobs.db'), 'STORE_NO_DIRECTORY', /there is no directory .*\/no; make it/)
    writeFileSync(join(directory, 'file'), '')
    await refused(join(directory, 'file/jobs.db'), 'STORE_NO_DIRECTORY', /there is no directory .*\/file; make it/)
  })

  inPlace('refuses a directory in place of a file', async ({ path }) => {
    mkdirSync(path)
    await refused(path, 'STORE_UNREADABLE', /jobs\.db can't be opened; give this user/)
  })

  inPlace('refuses a file that is no database, and leaves it alone', async ({ path }) => {
    const text = 'these are not the jobs you are looking for\n'.repeat(100)
    writeFileSync(path, text)
    await refused(path, 'STORE_NOT_A_DATABASE', /jobs\.db is not a SQLite database; move it away/)
    assert.equal(readFileSync(path, 'utf8'), text)
  })

  inPlace("refuses another program's database, and leaves it alone", async ({ path }) => {
    inDatabase(path, (database) => database.exec('CREATE TABLE jobs (number INTEGER PRIMARY KEY)'))
    const bytes = readFileSync(path)
    await refused(path, 'STORE_NOT_OURS', /jobs\.db is the database of another program/)
    assert.deepEqual(readFileSync(path), bytes)
  })

  inPlace('refuses a newer schema, and leaves it alone', async ({ path }) => {
    const store = new SqliteStore(path)
    await store.open(1)
    await store.close()
    inDatabase(path, (database) => database.pragma(`user_version = ${schemaVersion + 1}`))
    const bytes = readFileSync(path)
    await refused(path, 'STORE_TOO_NEW', /written by a newer Geartrain \(schema \d+, this program knows up to \d+\)/)
    assert.deepEqual(readFileSync(path), bytes)
  })

  inPlace('refuses a database of ours in which something is missing', async ({ path }) => {
    const store = new SqliteStore(path)
    await store.open(1)
    await store.close()
    inDatabase(path, (database) => database.exec('DROP TABLE numbers'))
    await refused(path, 'STORE_DAMAGED', /jobs\.db is damaged; bring it back from a backup/)
  })

  inPlace('refuses a log whose database is gone', async (place) => {
    const { path } = place
    const keeper = await place.startKeeper({ batches: 3 })
    await keeper.kill()
    const bytes = readFileSync(path)
    assert.ok(statSync(`${path}-wal`).size > 0)
    const log = new RecordedLog()
    for (const left of ['', 'S']) {
      writeFileSync(path, left)
      await refused(path, 'STORE_DAMAGED', /jobs\.db is empty or missing, but its log .*-wal is there/, log)
    }
    // Nor is it said that it begins as a new one.
    assert.deepEqual(log.lines, [])
    writeFileSync(path, bytes)
    const store = new SqliteStore(path)
    const { functions } = await store.open(1)
    await store.close()
    assert.deepEqual(functions, [{ name: 'f', ready: [0, 9, 0], delayed: 0, dead: 0 }])
  })

  inPlace('refuses a file or directory that it may not write', async (place) => {
    const { path, directory } = place
    const store = place.makeStore()
    await store.open(1)
    await store.close()
    // The directory belongs to whoever is refused; first the file may not be written, then nothing may.
    if (nobody !== undefined) for (const each of [directory, `${path}-lock`]) chownSync(each, nobody, nobody)
    chmodSync(path, 0o444)
    const ofFile = await place.startKeeper({ uid: nobody })
    assert.equal(ofFile.outcome.code, 'STORE_READ_ONLY')
    assert.match(ofFile.outcome.message ?? '', /jobs\.db can't be written; give this user the right/)
    chmodSync(directory, 0o555)
    const ofDirectory = await place.startKeeper({ uid: nobody })
    assert.equal(ofDirectory.outcome.code, 'STORE_READ_ONLY')
    assert.match(ofDirectory.outcome.message ?? '', /files in .* can't be made \(EACCES\)/)
    chmodSync(directory, 0o755)
  })

  inPlace('a store that was refused leaves no thread, and can be opened when its trouble is over', async ({ path }) => {
    mkdirSync(path)
    const store = new SqliteStore(path)
    await assert.rejects(store.open(1))
    await assert.rejects(store.commit(toBatch({ reserve: { from: 1, count: 0 } })), { code: 'STORE_NOT_OPEN' })
    await store.close()
    const free = new SqliteStore(`${path}2`)
    await free.open(1)
    await free.close()
  })

  test('says what to do when there is no SQLite for this Node', () => {
    const errors = [
      new Error('Could not locate the bindings file. Tried:\n -> /somewhere'),
      Object.assign(new Error('was compiled against a different Node.js version\nusing'), {
        code: 'ERR_DLOPEN_FAILED',
      }),
    ]
    for (const error of errors) {
      const { code, message } = openingError('jobs.db', error)
      assert.equal(code, 'STORE_NO_SQLITE')
      assert.match(message, /^better-sqlite3 can't be loaded by this Node \((Could|was)[^\n]*\); install it anew/)
    }
  })
})
