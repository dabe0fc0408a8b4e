import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { suite } from 'node:test'
import { StoreError } from '@geartrain/server'
import { toBatch, type Wish } from '../store-suite/batch.ts'
import { Batches, openDatabase, openSqlite, uniqueKey } from './parts.ts'
import { inPlace, type SqlitePlace } from './place.ts'

const pageBytes = 4096
const walHeadBytes = 32
const frameBytes = 24 + pageBytes

interface Content {
  /** By the table of counts. */
  readonly counted: number
  /** By the table of jobs. */
  readonly numbers: readonly number[]
  readonly integrity: unknown
}

/** What a store would find, without its thread: a hundred times as fast. */
function read(path: string): Content {
  const database = openDatabase(path, undefined)
  try {
    const batches = new Batches(database, uniqueKey)
    const { functions } = batches.state(1)
    const { answers } = batches.perform(toBatch({ requests: [{ kind: 'list', after: 0, jobsMax: 1e6 }] }))
    const [list] = answers
    return {
      counted: functions.reduce((sum, { ready }) => sum + ready[1], 0),
      numbers: list?.kind === 'list' ? list.jobs.map(({ number }) => number) : [],
      integrity: database.pragma('integrity_check', { simple: true }),
    }
  } finally {
    database.close()
  }
}

/** A store with 300 jobs of 500 to 1500 bytes, closed in order. */
async function fill(place: SqlitePlace): Promise<void> {
  const keeper = await place.startKeeper({ batches: 100 })
  await keeper.stop()
}

suite('damage to a SQLite store', () => {
  inPlace('a log that is cut anywhere: all whole batches in it are there', async (place) => {
    const { path, directory } = place
    const keeper = await place.startKeeper({ batches: 20 })
    await keeper.kill()
    const log = readFileSync(`${path}-wal`)
    const cuts = new Set<number>([0, 1, walHeadBytes - 1, log.length])
    for (let at = walHeadBytes; at <= log.length; at += frameBytes) for (const off of [-1, 0, 1]) cuts.add(at + off)
    for (let at = 0; at < log.length; at += 3001) cuts.add(at)
    const copy = `${directory}/copy.db`
    let before = 0
    for (const cut of [...cuts].filter((each) => each <= log.length).toSorted((a, b) => a - b)) {
      rmSync(`${copy}-shm`, { force: true })
      copyFileSync(path, copy)
      writeFileSync(`${copy}-wal`, log.subarray(0, cut))
      const { counted, numbers, integrity } = read(copy)
      assert.equal(integrity, 'ok')
      assert.equal(numbers.length % 3, 0, `a part of a batch is there after a cut at ${cut}`)
      assert.deepEqual(
        numbers,
        Array.from(numbers, (_, i) => i + 2),
      )
      assert.equal(counted, numbers.length)
      assert.ok(numbers.length >= before, `fewer jobs than with a shorter log, at ${cut}`)
      before = numbers.length
    }
    assert.equal(before, 60)
  })

  inPlace('a file that is cut short is refused', async (place) => {
    const { path, directory } = place
    await fill(place)
    const { size } = statSync(path)
    const copy = `${directory}/copy.db`
    for (const length of [size - 1, size - pageBytes, size / 2, pageBytes, pageBytes - 1, 512, 100, 99, 1]) {
      copyFileSync(path, copy)
      truncateSync(copy, length)
      assert.throws(() => read(copy), { code: /^(SQLITE_CORRUPT|SQLITE_NOTADB|STORE_DAMAGED)$/ }, `cut to ${length}`)
    }
  })

  inPlace('a page that is scribbled on: an error or what was there, and all again when the page is', async (place) => {
    const { path } = place
    await fill(place)
    const good = readFileSync(path)
    const pages = good.length / pageBytes
    for (let page = 0; page < pages; page += 3) {
      const scribbled = Buffer.from(good)
      for (let i = 0; i < pageBytes; i++) scribbled[page * pageBytes + i] = (i * 31 + page) % 256
      writeFileSync(path, scribbled)
      await useDamaged(place)
      rmSync(`${path}-wal`, { force: true })
      rmSync(`${path}-shm`, { force: true })
      writeFileSync(path, good)
    }
    const { numbers, integrity } = read(path)
    assert.equal(numbers.length, 300)
    assert.equal(integrity, 'ok')
  })

  inPlace('a write that fails for another reason than room: the store is opened anew', async (place) => {
    const { path } = place
    const store = place.makeStore()
    await store.open(1)
    await store.commit(toBatch({ add: [{ number: 1 }] }))
    const other = openSqlite(path)
    other.exec('ALTER TABLE counts RENAME TO elsewhere')
    const { failure, answers } = await store.commit(
      toBatch({
        add: [{ number: 2 }],
        requests: [
          { kind: 'find', number: 1 },
          { kind: 'find', number: 2 },
        ],
      }),
    )
    assert.deepEqual([failure?.code, failure?.isBroken], ['SQLITE_ERROR', true])
    assert.deepEqual(
      answers.map((answer) => answer.kind === 'find' && answer.job?.number),
      [1, undefined],
    )
    await assert.rejects(store.open(1), { code: 'STORE_DAMAGED' })
    other.exec('ALTER TABLE elsewhere RENAME TO counts')
    other.close()
    assert.deepEqual((await store.open(1)).functions, [{ name: 'f', ready: [0, 1, 0], delayed: 0, dead: 0 }])
    assert.equal((await store.commit(toBatch({ add: [{ number: 2 }] }))).failure, undefined)
  })
})

/** Opens it and does all that a server does. Whatever comes of it, it is said in the ways that there are. */
async function useDamaged(place: SqlitePlace): Promise<void> {
  const store = place.makeStore()
  const wishes: Wish[] = [
    { requests: [{ kind: 'claim', function: 'f', priority: 1, jobsMax: 1000, bytesMax: 1e9 }] },
    { requests: [{ kind: 'list', after: 0, jobsMax: 1000 }] },
    { forget: Array.from({ length: 100 }, (_, i) => 3 * i) },
    { cancel: Array.from({ length: 100 }, (_, i) => 3 * i + 1) },
    { add: Array.from({ length: 100 }, (_, i) => ({ number: 1000 + i, unique: `u${i * 5}` })) },
  ]
  try {
    await store.open(1)
    for (const wish of wishes) await store.commit(toBatch(wish))
    await store.close()
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error))
  }
}
