import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { SqliteStore } from '@geartrain/server'
import { scratch } from '../cli/command.ts'
import { openSqlite } from '../store/parts.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { DurableServer } from './durable-server.ts'
import { RecordedLog } from './recorded-log.ts'
import {
  assertForeground,
  assertHasSamples,
  grabSample,
  isReady,
  listedUniques,
  sampleWorker,
  submission,
  uniques,
} from './sample.ts'
import { StillServer } from './still-server.ts'
import { Stock } from './stock.ts'

const pageBytes = 4096
const directory = scratch()
after(() => directory[Symbol.dispose]())

/** All in the database. */
const closed = await Stock.make(directory.path(''), 300, 300)
/** The last sixty in its log. */
const killed = await Stock.make(directory.path(''), 240, 301)
const closedBytes = statSync(closed.path).size
const killedBytes = statSync(killed.path).size

const damaged =
  /\.db is damaged; bring it back from a backup, or move it away|\.db can't be written: .* malformed; .* backup/
const noDatabase = /\.db is not a SQLite database; move it away or name another file/
const endsWithin = /\.db ends within a page: something of it is lost; bring it back from a backup/
const isGone = /\.db is empty or missing, but its log .*-wal is there; bring the file back/

/**
 * Whatever was done to it: all is there, or the server does not start and says why, or it says so when it comes upon
 * the damage, and lives on. What it gives out is whole.
 */
async function assertHonest(path: string, count: number, refusal: RegExp = damaged): Promise<void> {
  const server = await DurableServer.tryToStart(path)
  if (typeof server === 'string') {
    assert.match(server, refusal)
    return
  }
  await using running = server
  const hasComplained = () => running.complaints.length > 0
  const seen: string[] = []
  await using worker = await sampleWorker(running.port)
  const take = async () => {
    for (let job = await grabSample(worker); job !== undefined; job = await grabSample(worker)) seen.push(job.unique)
  }
  // A grab is not answered while the store can't say what there is.
  let outcome: 'taken' | Error | undefined
  void take().then(
    () => (outcome = 'taken'),
    (error: unknown) => (outcome = error instanceof Error ? error : new Error(String(error))),
  )
  await until('the jobs are taken, or the damage is said', () => outcome !== undefined || hasComplained())
  if (!hasComplained()) {
    if (outcome instanceof Error) throw outcome
    assert.deepEqual(seen.toSorted(), uniques(count, isReady))
    assert.deepEqual(await listedUniques(running.port), uniques(count))
    return
  }
  const [complaint] = running.complaints
  assert.match(complaint ?? '', /the store sqlite:.* (fails, background jobs are refused: |has ended)/)
  await assertForeground(running.port)
  assert.equal(new Set(seen).size, seen.length)
  assert.ok(!running.hasEnded)
}

function overwrite(path: string, position: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, position)
  closeSync(file)
}

/** The same nonsense each time. */
function nonsense(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * i * 31 + i * 7 + 129) & 255))
}

describe('a database that was cut', () => {
  const rows: readonly (readonly [bytes: number, refusal: RegExp])[] = [
    [1, endsWithin],
    [16, noDatabase],
    [100, damaged],
    [511, damaged],
    [512, damaged],
    [pageBytes - 1, damaged],
    [pageBytes, damaged],
    [pageBytes + 1, damaged],
    [2 * pageBytes, damaged],
    [Math.floor(closedBytes / 2), damaged],
    [closedBytes - pageBytes, damaged],
    // SQLite would read what is missing of the last page as zeros.
    [closedBytes - pageBytes + 1, endsWithin],
    [closedBytes - 1, endsWithin],
  ]
  it(`to 0 of ${closedBytes} bytes: that is a new one, and it is said`, async () => {
    const path = closed.copy()
    truncateSync(path, 0)
    await using server = await DurableServer.start(path)
    assert.match(server.complaints[0] ?? '', /the file of the store .* is there and empty: the store begins as a new/)
  })

  for (const [bytes, refusal] of rows) {
    it(`to ${bytes} of ${closedBytes} bytes`, async () => {
      const path = closed.copy()
      truncateSync(path, bytes)
      assert.match(await DurableServer.refused(path), refusal)
    })
  }

  for (const bytes of [100, pageBytes, Math.floor(killedBytes / 2), killedBytes - pageBytes, killedBytes - 1]) {
    it(`to ${bytes} of ${killedBytes} bytes, with a log beside it`, async () => {
      const path = killed.copy()
      truncateSync(path, bytes)
      await assertHonest(path, killed.count)
    })
  }

  for (const [bytes, cut] of [
    [0, (path: string) => truncateSync(path, 0)],
    // SQLite takes that for an empty file, and would remove the log.
    [1, (path: string) => truncateSync(path, 1)],
    ['none', (path: string) => rmSync(path)],
  ] as const) {
    it(`to ${bytes} of ${killedBytes} bytes, with a log beside it, which is kept`, async () => {
      const path = killed.copy()
      cut(path)
      assert.match(await DurableServer.refused(path), isGone)
      // When the file is back, all is.
      writeFileSync(path, readFileSync(killed.path))
      await using server = await DurableServer.start(path)
      await assertHasSamples(server.port, killed.count)
    })
  }
})

describe('a page that was written over', () => {
  const pages = pagesOfEachKind(closed.path)
  const lastOfWorkload = pages.findLast(([, kind]) => kind === 'overflow')?.[2] ?? 0
  for (const [name, kind, page] of pages) {
    if (page === lastOfWorkload) continue
    for (const [what, bytes] of [
      ['zeros', Buffer.alloc(pageBytes)],
      ['nonsense', nonsense(pageBytes)],
    ] as const) {
      it(`page ${page}, ${kind} of ${name}, with ${what}`, async () => {
        const path = closed.copy()
        overwrite(path, (page - 1) * pageBytes, bytes)
        await assertHonest(path, closed.count, page === 1 ? noDatabase : damaged)
      })
    }
  }

  it(`page ${lastOfWorkload}, the end of a workload: a workload has no checksum, and others are as they were`, async () => {
    const path = closed.copy()
    overwrite(path, (lastOfWorkload - 1) * pageBytes, nonsense(pageBytes))
    await using server = await DurableServer.start(path)
    assert.deepEqual(await listedUniques(server.port), uniques(closed.count))
    await using worker = await sampleWorker(server.port)
    let whole = 0
    let spoiled = 0
    for (let isLast = false; !isLast; ) {
      try {
        if ((await grabSample(worker)) === undefined) isLast = true
        else whole++
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) throw error
        spoiled++
      }
    }
    assert.deepEqual([whole, spoiled], [uniques(closed.count, isReady).length - 1, 1])
    assert.deepEqual(server.complaints, [])
  })

  it('in the middle of the header only', async () => {
    const path = closed.copy()
    overwrite(path, 20, nonsense(60))
    await assertHonest(path, closed.count, /damaged|not a SQLite database|another program|newer Geartrain/)
  })

  it('and the log beside it has it right: nothing is lost', async () => {
    const path = killed.copy()
    // The last page that it wrote is in the log; so is the first, which each commit of new pages changes.
    const log = readFileSync(`${path}-wal`)
    const page = log.readUInt32BE(32)
    overwrite(path, (page - 1) * pageBytes, nonsense(pageBytes))
    await using server = await DurableServer.start(path)
    await assertHasSamples(server.port, killed.count)
  })

  it('and is come upon while the server runs: said once, and jobs are refused or kept, for as long as it is so', async () => {
    const path = closed.copy()
    const page = pagesOfEachKind(path).find(([name, kind]) => name === 'jobs' && kind === 'leaf')?.[2] ?? 0
    overwrite(path, (page - 1) * pageBytes, nonsense(pageBytes))
    const log = new RecordedLog()
    const clock = new ManualClock()
    await using local = await StillServer.start({ store: new SqliteStore(path), log }, clock)
    await using worker = await sampleWorker(local.port)
    // Not all of them are answered.
    for (let i = 0; i < 10; i++) worker.send(PACKET.GRAB_JOB)
    await until('the damage is said', () => log.lines.length > 0)
    const [line = ''] = log.lines
    assert.match(line, /^error: the store sqlite:.* fails, background jobs are refused: database disk image is malf/)
    const client = await local.connect('client')
    for (let tries = 0; tries < 20; tries++) {
      clock.advance(1000)
      client.sendBytes(submission(closed.count))
      assert.ok(['ERROR', 'JOB_CREATED'].includes((await client.receive()).name))
      await assertForeground(local.port)
    }
    assert.deepEqual(log.lines, [line])
  })
})

/** The first and the last page of each kind of each table and index, the first one of the file among them. */
function pagesOfEachKind(path: string): readonly (readonly [name: string, kind: string, page: number])[] {
  const database = openSqlite(path, { readonly: true })
  try {
    const pages = database.prepare<[], [string, string, number]>(
      `SELECT name, pagetype, min(pageno) AS page FROM dbstat GROUP BY name, pagetype UNION
       SELECT name, pagetype, max(pageno) FROM dbstat GROUP BY name, pagetype ORDER BY page`,
    )
    return pages.raw().all()
  } finally {
    database.close()
  }
}

describe('a file that is not ours', () => {
  const database = (sql: string) => (path: string) => {
    const made = openSqlite(path)
    made.exec(sql)
    made.close()
  }
  const rows: readonly (readonly [what: string, make: (path: string) => void, refusal: RegExp])[] = [
    ['a text', (path) => writeFileSync(path, 'no database at all\n'.repeat(1000)), noDatabase],
    ['a very short text', (path) => writeFileSync(path, 'hi'), noDatabase],
    ['nonsense', (path) => writeFileSync(path, nonsense(3 * pageBytes)), noDatabase],
    ["another program's database", database('CREATE TABLE jobs (id)'), /the database of another program; name another/],
    [
      'one whose program has put its name on it',
      database('PRAGMA application_id = 17; CREATE TABLE t (id)'),
      /the database of another program; name another file/,
    ],
    [
      'a database of a Geartrain to come',
      (path) => {
        writeFileSync(path, readFileSync(closed.path))
        database('PRAGMA user_version = 99')(path)
      },
      /was written by a newer Geartrain \(schema 99, this program knows up to \d+\); run that one, or name another file/,
    ],
  ]
  for (const [what, make, refusal] of rows) {
    it(`is refused and left as it is: ${what}`, async () => {
      const path = directory.path(`other-${what.replaceAll(/\W/g, '-')}.db`)
      make(path)
      const before = readFileSync(path)
      assert.match(await DurableServer.refused(path), refusal)
      assert.ok(readFileSync(path).equals(before))
    })
  }
})
