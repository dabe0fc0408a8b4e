import { statSync } from 'node:fs'
import { parentPort, type TransferListItem, workerData } from 'node:worker_threads'
import type { Database } from 'better-sqlite3'
import { StoreError } from '../store.ts'
import { Batches } from './batches.ts'
import { openDatabase } from './database.ts'
import { openingError } from './failure.ts'
import { Lock } from './lock.ts'
import type { Answer, Question, ThreadData } from './messages.ts'
import { resolvePath } from './path.ts'
import { uniqueKey } from './unique-key.ts'

// The store's thread: one question after the other, each with its answer.

// Only SqliteStore starts this file.
const { path, pagesMax, keysMax } = workerData as ThreadData
const port = parentPort
if (port === null) throw new Error('this is a worker thread')
let lock: Lock | undefined
let database: Database | undefined
let batches: Batches | undefined

port.on('message', (question: Question) => {
  const answer = answerTo(question)
  port.postMessage(answer, buffersOf(answer))
  if (answer.kind === 'closed') port.close()
})

function answerTo(question: Question): Answer {
  try {
    switch (question.kind) {
      case 'open':
        return open(question.atLeast)
      case 'commit':
        if (batches === undefined) throw new StoreError('STORE_NOT_OPEN', `${path} must be opened first`)
        return { kind: 'committed', result: batches.perform(question.batch) }
      case 'close':
        close()
        return { kind: 'closed' }
    }
  } catch (error) {
    if (error instanceof StoreError) return { kind: 'refused', code: error.code, message: error.message }
    // A mistake in this program: the thread ends.
    throw error
  }
}

function open(atLeast: number): Answer {
  database?.close()
  batches = undefined
  try {
    const realPath = resolvePath(path)
    lock ??= new Lock(realPath)
    const wasEmpty = statSync(realPath, { throwIfNoEntry: false })?.size === 0
    database = openDatabase(realPath, pagesMax)
    batches = new Batches(database, key)
    return { kind: 'opened', state: batches.state(atLeast), wasEmpty }
  } catch (error) {
    close()
    throw openingError(path, error)
  }
}

function close(): void {
  batches = undefined
  // With its last connection what is in the log is written into the database.
  database?.close()
  lock?.release()
  lock = undefined
}

function key(unique: string, workload: Uint8Array): number | null {
  const full = uniqueKey(unique, workload)
  return full === null || keysMax === undefined ? full : full % keysMax
}

/** They change hands and are not copied. */
function buffersOf(answer: Answer): TransferListItem[] {
  if (answer.kind !== 'committed') return []
  const { joined, throttled, answers } = answer.result
  const buffers = answers.flatMap((each) => {
    if (each.kind === 'history') return each.slices.map(({ rows }) => rows)
    return each.kind === 'claim' ? [each.jobs] : []
  })
  return [joined, throttled, ...buffers].filter((each) => each.byteLength > 0).map((each) => each.buffer as ArrayBuffer)
}
