import assert from 'node:assert/strict'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'node:test'
import { SqliteStore } from '@geartrain/server'
import { inPlace } from './place.ts'

const byText = (a: string, b: string) => (a < b ? -1 : 1)

async function isRefused(store: SqliteStore, pid: number): Promise<void> {
  const message = new RegExp(`jobs\\.db is in use by process ${pid}; stop that process`)
  await assert.rejects(store.open(1), { code: 'STORE_LOCKED', message })
}

suite('one server per file', () => {
  inPlace('a second process is refused, with the pid of the first', async (place) => {
    const keeper = await place.startKeeper()
    await isRefused(place.makeStore(), keeper.pid)
    // A refusal does not end the lock.
    await isRefused(place.makeStore(), keeper.pid)
    await keeper.stop()
    const store = place.makeStore()
    await store.open(1)
    await store.close()
  })

  inPlace('the lock ends with a process that is killed', async (place) => {
    for (let round = 0; round < 3; round++) {
      const keeper = await place.startKeeper({ batches: 1 })
      assert.equal(keeper.outcome.code, undefined)
      await keeper.kill()
    }
    const store = place.makeStore()
    assert.deepEqual((await store.open(1)).functions, [{ name: 'f', ready: [0, 9, 0], delayed: 0, dead: 0 }])
    await store.close()
  })

  inPlace('two stores of one process exclude each other', async (place) => {
    const [first, second] = [place.makeStore(), place.makeStore()]
    await first.open(1)
    await isRefused(second, process.pid)
    // Opening again keeps it.
    await first.open(1)
    await isRefused(second, process.pid)
    await first.close()
    await second.open(1)
    await isRefused(first, process.pid)
    await second.close()
  })

  inPlace('of many that open at once, one has it', async (place) => {
    const stores = Array.from({ length: 6 }, () => place.makeStore())
    const keepers = [place.startKeeper(), place.startKeeper()]
    const outcomes = await Promise.allSettled(stores.map((store) => store.open(1)))
    const others = await Promise.all(keepers)
    const codes = [
      ...outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'has it')),
      ...others.map(({ outcome }) => outcome.code ?? 'has it'),
    ]
    await Promise.all([...stores.map((store) => store.close()), ...others.map((keeper) => keeper.stop())])
    assert.deepEqual(codes.toSorted(byText), [...Array(7).fill('STORE_LOCKED'), 'has it'])
  })

  inPlace('a link to the file is the same file', async (place) => {
    const store = place.makeStore()
    await store.open(1)
    const link = join(place.directory, 'link.db')
    symlinkSync(place.path, link)
    await isRefused(new SqliteStore(link), process.pid)
    symlinkSync(place.directory, join(place.directory, 'here'))
    await isRefused(new SqliteStore(join(place.directory, 'here', 'jobs.db')), process.pid)
    await store.close()
  })

  inPlace('a lock that is no database is said to be none', async (place) => {
    const text = 'not a lock'.repeat(1000)
    writeFileSync(`${place.path}-lock`, text)
    await assert.rejects(place.makeStore().open(1), {
      code: 'STORE_NOT_A_DATABASE',
      message: /jobs\.db-lock is not a SQLite database/,
    })
    assert.equal(readFileSync(`${place.path}-lock`, 'utf8'), text)
  })
})
