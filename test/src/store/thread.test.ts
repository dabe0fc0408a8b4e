import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { type Log, type SqliteStore, type SqliteStoreOptions, silentLog } from '@geartrain/server'
import { toBatch } from '../store-suite/batch.ts'
import { openSqlite } from './parts.ts'
import { SqlitePlace } from './place.ts'

interface Opened {
  readonly store: SqliteStore
  readonly worker: Worker
  readonly path: string
}

/** With an open store and its thread. */
function withThread(title: string, options: SqliteStoreOptions, body: (opened: Opened) => Promise<void>): void {
  test(title, async () => {
    const place = await SqlitePlace.make(options)
    const store = place.makeStore()
    try {
      const started = once(process, 'worker')
      await store.open(1)
      const [worker] = await started
      await body({ store, worker, path: place.path })
    } finally {
      await store.close()
      await place.remove()
    }
  })
}

/** What is said, as it is said. */
class Said implements Log {
  readonly lines: string[] = []
  #onLine: () => void = () => {}
  readonly info = silentLog.info
  readonly debug = silentLog.debug
  readonly warn = (...words: unknown[]): void => this.#add('warn', words)
  readonly error = (...words: unknown[]): void => this.#add('error', words)

  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onLine = resolve
    })
  }

  #add(level: string, words: readonly unknown[]): void {
    this.lines.push(`${level}: ${words.filter((word) => typeof word === 'string').join(' ')}`)
    this.#onLine()
  }
}

suite("the store's thread", () => {
  const deaths = new Said()
  withThread(
    'dies under a commit: it is rejected, said, and the store can be opened again',
    { log: deaths },
    async (opened) => {
      const { store, worker, path } = opened
      await store.commit(toBatch({ add: [{ number: 1 }] }))
      const commit = store.commit(toBatch({ add: Array.from({ length: 50_000 }, (_, i) => ({ number: i + 2 })) }))
      void worker.terminate()
      await assert.rejects(commit, {
        name: 'StoreError',
        code: 'STORE_THREAD_DIED',
        message: /the store sqlite:.* has ended/,
      })
      await assert.rejects(store.commit(toBatch({ reserve: { from: 5, count: 0 } })), { code: 'STORE_THREAD_DIED' })
      assert.deepEqual(deaths.lines, [`error: the thread of the store sqlite:${path} has ended`])
      const { functions } = await store.open(1)
      // All of the batch or nothing.
      assert.ok([1, 50_001].includes(functions[0]?.ready[1] ?? 0))
      await store.commit(toBatch({ reserve: { from: 5, count: 0 } }))
    },
  )

  withThread('dies while there is nothing to do: the next commit is rejected', {}, async ({ store, worker }) => {
    await worker.terminate()
    await assert.rejects(store.commit(toBatch({ reserve: { from: 5, count: 0 } })), { code: 'STORE_THREAD_DIED' })
    await store.open(1)
  })

  withThread('dies when it is asked for what can not be: the reason is told', {}, async ({ store }) => {
    await store.commit(toBatch({ add: [{ number: 1, function: 'f' }] }))
    const impossible = store.commit(toBatch({ add: [{ number: 1, function: 'g' }] }))
    await assert.rejects(impossible, { code: 'STORE_THREAD_DIED', message: /job 1 is another function's/ })
    assert.deepEqual((await store.open(1)).functions, [{ name: 'f', ready: [0, 1, 0], delayed: 0, dead: 0 }])
  })

  withThread('ends with the store, and no sooner', {}, async ({ store, worker }) => {
    const ended = once(worker, 'exit')
    await store.close()
    await ended
    await store.close()
    await assert.rejects(store.commit(toBatch({ reserve: { from: 5, count: 0 } })), { code: 'STORE_NOT_OPEN' })
  })

  withThread('finishes the commit that is under way before it ends', {}, async ({ store }) => {
    const commit = store.commit(toBatch({ add: [{ number: 1 }] }))
    await store.close()
    assert.equal((await commit).failure, undefined)
    assert.equal((await store.open(1)).functions.length, 1)
  })

  const delays = new Said()
  withThread(
    'is slow: it is said, and said again, and when it is over',
    { log: delays, patienceMs: 5 },
    async (opened) => {
      const { store, path } = opened
      const other = openSqlite(path)
      other.exec('BEGIN IMMEDIATE')
      delays.lines.length = 0
      const commit = store.commit(toBatch({ add: [{ number: 1 }] }))
      await delays.next()
      await delays.next()
      other.exec('COMMIT')
      other.close()
      assert.equal((await commit).failure, undefined)
      const slow = `warn: the store sqlite:${path} is slow: writing has not ended yet`
      const over = `warn: the store sqlite:${path} is back: writing has ended`
      const { lines } = delays
      assert.ok(lines.length >= 3)
      assert.deepEqual(lines, [...Array(lines.length - 1).fill(slow), over])
    },
  )
})
