import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type NewJob, SqliteStore, type StoredJob, StoreImport, StoreSnapshot } from '@geartrain/server'
import { openSqlite } from '../store/parts.ts'
import { repositoryRoot } from '../support/peers.ts'

// Stores for the tests of `geartrain store`, and the command with what is typed into it.

export const geartrainScript: string = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
export const firstNumber = 1_795_286_112_000_001

/** A job of which only this matters. */
export function job(fields: Partial<NewJob> = {}): NewJob {
  return {
    number: undefined,
    function: 'f',
    unique: '',
    reducer: '',
    then: '',
    options: '',
    trace: '',
    priority: 1,
    runAt: 0,
    expireAt: 0,
    attempts: 0,
    workload: Buffer.from('work'),
    ...fields,
  }
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
/** A NUL ends a name on the wire. */
const everyNameByte = everyByte.subarray(1).toString('latin1')
const farAhead = 4_000_000_000_000

/** Whatever can be in a store, with numbers. */
export function jobsOfEveryKind(): StoredJob[] {
  const utf8 = Buffer.from('Übergröße 🚂', 'utf8').toString('latin1')
  const rows: Partial<NewJob>[] = [
    {},
    { priority: 0 },
    { priority: 2 },
    { function: 'delayed', runAt: farAhead + 1 },
    { function: 'delayed', runAt: farAhead, priority: 2 },
    { workload: Buffer.alloc(0) },
    { workload: everyByte },
    { workload: Buffer.from('"quoted" \\ \n\u2028\u0000 \ufeff', 'utf8') },
    { workload: Buffer.alloc(100_000, 'x') },
    { function: everyNameByte, unique: everyNameByte, reducer: everyNameByte },
    { function: utf8, unique: utf8, reducer: utf8, workload: Buffer.from(utf8, 'latin1') },
    { function: '' },
    { unique: 'u' },
    { function: 'g', unique: 'u', reducer: 'sum' },
    { unique: '-', workload: Buffer.from('one') },
    { unique: '-', workload: Buffer.from('two') },
    { unique: '-', workload: Buffer.alloc(0) },
    { unique: '-', workload: Buffer.alloc(0) },
    { unique: 'late', runAt: farAhead, then: everyNameByte, expireAt: farAhead + 5, attempts: 3 },
  ]
  return rows.map((fields, index) => ({ ...job(fields), number: firstNumber + 2 * index }))
}

export async function fillStore(path: string, jobs: Iterable<NewJob>): Promise<void> {
  const store = new SqliteStore(path)
  try {
    const into = new StoreImport(store, await store.open(0), Date.now())
    for (const each of jobs) {
      into.add(each)
      if (into.isFull) await into.flush()
    }
    await into.end()
  } finally {
    await store.close()
  }
}

/** All jobs of a store, so that they can be compared. */
export function jobsIn(path: string): StoredJob[] {
  using snapshot = new StoreSnapshot(path)
  return [...snapshot.jobs()].map((each) => ({ ...each, workload: Buffer.from(each.workload) }))
}

/** Does to a store what no program of ours does. */
export function meddle(path: string, sql: string): void {
  const database = openSqlite(path)
  database.unsafeMode(true)
  database.pragma('foreign_keys = OFF')
  database.pragma('ignore_check_constraints = ON')
  database.exec(sql)
  database.close()
}

/** Runs `geartrain store ...args` with this on its stdin; what it says is one string each. */
export function storeCommand(directory: string, args: readonly string[], input: string | Uint8Array = '') {
  mkdirSync(directory, { recursive: true })
  const { status, stdout, stderr } = spawnSync(process.execPath, [geartrainScript, 'store', ...args], {
    cwd: directory,
    env: {},
    input,
    maxBuffer: 1024 * 1024 * 1024,
    timeout: 60_000,
  })
  return { code: status, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') }
}
