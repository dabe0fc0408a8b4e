import { once } from 'node:events'
import { SqliteStore, StoreError } from '@geartrain/server'
import { toBatch } from '../store-suite/batch.ts'

// A process that opens the store at the path it is given, commits so many batches of three jobs, and then holds it
// until its input ends, or until it is killed. What came of it is one line of JSON.

const [, , path = '', batches = '0'] = process.argv
const store = new SqliteStore(path)
try {
  const { firstNumber } = await store.open(1)
  for (let i = 0; i < Number(batches); i++) {
    const add = [1, 2, 3].map((each) => {
      const number = firstNumber + 3 * i + each
      return { number, unique: `u${number}`, workload: 'x'.repeat(500 * each) }
    })
    await store.commit(toBatch({ add }))
  }
  process.stdout.write(`${JSON.stringify({ code: undefined })}\n`)
  await once(process.stdin.resume(), 'end')
  await store.close()
} catch (error) {
  if (!(error instanceof StoreError)) throw error
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message })}\n`)
}
