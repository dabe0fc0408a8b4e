import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkStore, StoreSnapshot } from '@geartrain/server'
import { Batches, openDatabase, uniqueKey } from '../store/parts.ts'
import { listed, toBatch } from '../store-suite/batch.ts'

// SQLite's log (the -wal file): a header, then frames, each with a page. Those of one log have the same salt; what
// comes after them is of an older one. Each frame's checksum covers all before it.

export const logHeaderBytes = 32
export const frameHeaderBytes = 24
const pageBytes = 4096
const saltStart = 16
export const frameBytes: number = frameHeaderBytes + pageBytes

/** Where the frames end that belong to it; 0 if there are none. */
export function endOfLog(log: Buffer): number {
  if (log.length < logHeaderBytes) return 0
  const salt = log.subarray(saltStart, saltStart + 8)
  let end = logHeaderBytes
  while (end + frameBytes <= log.length && log.subarray(end + 8, end + 16).equals(salt)) end += frameBytes
  return end
}

/** What a store was known to hold when its log was so long. */
export interface Moment {
  readonly logBytes: number
  readonly uniques: readonly string[]
}

/** A database and its log as a server left them, and what it had acknowledged when. The first moment has no log. */
export interface Remains {
  readonly database: Buffer
  readonly log: Buffer
  readonly moments: readonly Moment[]
}

/** What must be found if no more of the log is sound than this. */
export function heldBy({ moments }: Remains, soundBytes: number): readonly string[] {
  return moments.findLast(({ logBytes }) => logBytes <= soundBytes)?.uniques ?? []
}

/** A place where one database after the other is opened, as the store's thread does it. */
export class Opening {
  readonly #path: string

  constructor(directory: string) {
    this.#path = join(directory, 'opened.db')
  }

  /**
   * The uniques of the jobs that are found there. It must be in order: it can be checked, written to, and opened
   * again.
   */
  uniquesIn(database: Buffer, log: Buffer | undefined): string[] {
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#path + suffix, { force: true })
    writeFileSync(this.#path, database)
    if (log !== undefined) writeFileSync(`${this.#path}-wal`, log)
    const found = this.#open((batches, firstNumber) => {
      const list = batches.perform(toBatch({ requests: [{ kind: 'list', after: 0, jobsMax: 10_000 }] }))
      const { failure } = batches.perform(
        toBatch({ add: [{ number: firstNumber, unique: 'added' }], reserve: { from: firstNumber + 1, count: 0 } }),
      )
      if (failure !== undefined) throw new Error(`${failure.code}: ${failure.message}`)
      return listed(list.answers[0]).map(({ unique }) => unique)
    })
    this.#check()
    return found
  }

  #open<Result>(act: (batches: Batches, firstNumber: number) => Result): Result {
    const database = openDatabase(this.#path, undefined)
    try {
      const batches = new Batches(database, uniqueKey)
      return act(batches, batches.state(1).firstNumber)
    } finally {
      database.close()
    }
  }

  #check(): void {
    using snapshot = new StoreSnapshot(this.#path)
    const { faults } = checkStore(snapshot, { isFull: true, onProgress() {} })
    if (faults.length > 0) throw new Error(faults.join('\n'))
  }
}

export function readRemains(path: string, moments: readonly Moment[]): Remains {
  return { database: readFileSync(path), log: readFileSync(`${path}-wal`), moments }
}
