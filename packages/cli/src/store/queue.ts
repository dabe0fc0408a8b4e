import { existsSync } from 'node:fs'
import {
  GearmandQueue,
  gearmandTable,
  type SqliteStore,
  StoreError,
  StoreImport,
  type StoreState,
} from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'
import { storeFault, withNewStore, withStore } from './place.ts'
import { handled, type Tally, tell } from './tally.ts'

/** The queue of a C gearmand, for reading. */
export function openQueue(file: string, table: string | undefined): GearmandQueue {
  try {
    return new GearmandQueue(file, table ?? gearmandTable)
  } catch (error) {
    throw storeFault(error)
  }
}

/** If the store is made for it, all of the queue is imported or nothing. */
export async function bringQueueIn(
  path: string,
  queue: GearmandQueue,
  onProgress: (done: number) => void,
): Promise<Tally> {
  const act = async (store: SqliteStore, state: StoreState) => {
    const into = new StoreImport(store, state, Date.now())
    try {
      for (const job of queue.jobs(Date.now())) {
        into.add(job)
        if (!into.isFull) continue
        await into.flush()
        onProgress(handled(into))
      }
      await into.end()
      return into
    } catch (error) {
      if (isNew || !(error instanceof StoreError)) throw error
      const advice = 'those with a unique are not doubled when it is imported again'
      throw new Fault(`${error.message}; ${tell(into)}; ${advice}`, exitCodes.failed, { cause: error })
    }
  }
  const isNew = !existsSync(path)
  return isNew ? withNewStore(path, act) : withStore(path, act)
}
