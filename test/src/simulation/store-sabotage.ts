import {
  type Batch,
  type BatchResult,
  emptyBatch,
  nothingWritten,
  type Store,
  type StoreState,
} from '@geartrain/server'
import type { SimulatedDisk } from './disk.ts'
import type { Sabotage } from './sabotage.ts'
import type { SimulatedStore } from './store.ts'

const noBytes = new Uint8Array(0)
const noNumbers = new Float64Array(0)

/** What goes wrong between the server and its disk. */
export const storeSabotages: Readonly<Record<string, () => Sabotage>> = {
  'a store acknowledges without keeping': () => {
    let count = 0
    return tamper({
      written: (batch) => (++count % 5 === 0 ? { ...batch, additions: noBytes, additionCount: 0 } : batch),
    })
  },
  'a store acknowledges before it has kept': () => ({ store: (store) => new HastyStore(store) }),
  'a store keeps no removals': () => tamper({ written: (batch) => ({ ...batch, forget: noNumbers }) }),
  'a store does not hear of cancellations': () => tamper({ written: (batch) => ({ ...batch, cancel: [] }) }),
  'a store does not say what was joined': () => tamper({ read: (result) => ({ ...result, joined: noNumbers }) }),
  'a store says nothing of what is due': () =>
    tamper({
      opened: (state) => ({ ...state, nextDueAt: Infinity }),
      read: (result) => (result.nextDueAt === undefined ? result : { ...result, nextDueAt: Infinity }),
    }),
  'a store does not know what is in it': () => tamper({ opened: (state) => ({ ...state, functions: [] }) }),
  'handles begin again where they began': () =>
    tamper({
      read: (result) => (result.reserved === undefined ? result : { ...result, reserved: 1_790_000_000_000_000 }),
    }),
  'claimed jobs get lost on their way': () =>
    tamper({
      read: (result) => ({
        ...result,
        answers: result.answers.map((answer) =>
          answer.kind === 'claim' && answer.count > 2 ? { kind: 'claim', count: 0, jobs: noBytes } : answer,
        ),
      }),
    }),
  'a store that has failed is not opened again': () => {
    let hasFailed = false
    return {
      store: (store) => ({
        name: store.name,
        open: (atLeast) => (hasFailed ? new Promise(() => {}) : store.open(atLeast)),
        async commit(batch) {
          try {
            return await store.commit(batch)
          } catch (error) {
            hasFailed = true
            throw error
          }
        },
        close: () => store.close(),
      }),
    }
  },
  'the disk forgets a job while there is no server': () => {
    let servers = 0
    return {
      store(store, disk) {
        if (servers++ > 0) forgetFirst(disk)
        return store
      },
    }
  },
  'replies do not wait for the store': () => ({
    connection({ output }) {
      output.hold = () => {}
    },
  }),
  'nobody gets anything while the store is busy': () => {
    let busy: SimulatedStore | undefined
    return {
      store(store) {
        busy = store
        return store
      },
      connection({ output }) {
        const flush = output.flush.bind(output)
        output.flush = () => {
          if (busy?.isBusy !== true) flush()
        }
      },
    }
  },
}

interface Changes {
  opened?(state: StoreState): StoreState
  written?(batch: Batch): Batch
  read?(result: BatchResult): BatchResult
}

function tamper({ opened = same, written = same, read = same }: Changes): Sabotage {
  return {
    store: (store) => ({
      name: store.name,
      open: async (atLeast) => opened(await store.open(atLeast)),
      commit: async (batch) => read(await store.commit(written(batch))),
      close: () => store.close(),
    }),
  }
}

function same<T>(value: T): T {
  return value
}

/** Answers at once when it is only told something. */
class HastyStore implements Store {
  readonly name: string
  readonly #store: Store
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: Store) {
    this.name = store.name
    this.#store = store
  }

  open(atLeast: number): Promise<StoreState> {
    return this.#store.open(atLeast)
  }

  async commit(batch: Batch): Promise<BatchResult> {
    await this.#last
    const isQuestion = batch.requests.length > 0 || batch.cancel.length > 0 || batch.promoteUntil !== undefined
    const done = this.#store.commit(batch)
    if (isQuestion) return done
    this.#last = done.catch(() => {})
    return { ...nothingWritten, answers: [] }
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

/** Past those who watch it. */
function forgetFirst({ jobs }: SimulatedDisk): void {
  const listed = jobs.answer({ kind: 'list', after: 0, jobsMax: 1 })
  const [first] = listed.kind === 'list' ? listed.jobs : []
  if (first === undefined) return
  jobs.write({ ...emptyBatch, forget: Float64Array.of(first.number) })
}
