import type { DeathReason, Priority } from '@geartrain/engine'
import type {
  BatchResult,
  Store,
  StoreAnswer,
  StoredDescription,
  StoredRow,
  StoredSummary,
  StoreRequest,
  StoreState,
} from '@geartrain/server'
import { type Addition, type Claimed, claimed, described, found, listed, toBatch, type Wish } from './batch.ts'
import { anyJob } from './parts.ts'

/** Where a store keeps jobs. It is empty at first, and stores are made on it one after the other. */
export interface Place {
  makeStore(): Store
  /** Whoever opens another store is another server: jobs that the one before has let go are not its own. */
  readonly isShared?: boolean
  /** What a batch fails with that finds no room. */
  readonly fullCode: string
  /** One that has room for about so many bytes of workloads. What holds the jobs has been opened before. */
  makeSmallStore(workloadBytes: number): Store | Promise<Store>
  remove(): Promise<void>
}

const anyDead = { ...anyJob, state: 'dead' } as const

/** An open store, and what a test asks of it in one line. */
export class Counter {
  readonly #place: Place
  #store: Store
  #state: StoreState

  private constructor(place: Place, store: Store, state: StoreState) {
    this.#place = place
    this.#store = store
    this.#state = state
  }

  static async open(place: Place, store: Store = place.makeStore()): Promise<Counter> {
    return new Counter(place, store, await store.open(0))
  }

  /** What it held when it was opened the last time. */
  get state(): StoreState {
    return this.#state
  }

  /** The same store is opened once more. */
  async openAgain(atLeast = 0): Promise<StoreState> {
    this.#state = await this.#store.open(atLeast)
    return this.#state
  }

  /** Closes it, and opens another one on what it left. */
  async reopen(atLeast = 0): Promise<StoreState> {
    await this.#store.close()
    this.#store = this.#place.makeStore()
    return this.openAgain(atLeast)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  tryTo(wish: Wish): Promise<BatchResult> {
    return this.#store.commit(toBatch(wish))
  }

  /** What must not fail. */
  async do(wish: Wish): Promise<BatchResult> {
    const result = await this.tryTo(wish)
    if (result.failure !== undefined) throw new Error(`${result.failure.code}: ${result.failure.message}`)
    return result
  }

  /** The numbers of the jobs that joined, each with the one it joined. */
  async add(...add: readonly Addition[]): Promise<[number, number][]> {
    return joins(add, await this.do({ add }))
  }

  async claim(bounds: Partial<ClaimBounds> = {}): Promise<Claimed[]> {
    const request = { kind: 'claim', function: 'f', priority: 1, jobsMax: 1000, bytesMax: 1e9, ...bounds } as const
    return claimed((await this.do({ requests: [request] })).answers[0])
  }

  async claimNumbers(bounds: Partial<ClaimBounds> = {}): Promise<number[]> {
    return (await this.claim(bounds)).map(({ number }) => number)
  }

  async find(number: number): Promise<StoredSummary | undefined> {
    return found((await this.do({ requests: [{ kind: 'find', number }] })).answers[0])
  }

  async findUnique(unique: string): Promise<number | undefined> {
    return found((await this.do({ requests: [{ kind: 'find unique', unique }] })).answers[0])?.number
  }

  async findSame(unique: string, workload = '', name = 'f'): Promise<number | undefined> {
    const request = { kind: 'find same', function: name, unique, workload: Buffer.from(workload, 'latin1') } as const
    return found((await this.do({ requests: [request] })).answers[0])?.number
  }

  async list(after = 0, jobsMax = 1e6): Promise<readonly StoredSummary[]> {
    return listed((await this.do({ requests: [{ kind: 'list', after, jobsMax }] })).answers[0])
  }

  async describe(number: number): Promise<StoredDescription | undefined> {
    return described((await this.do({ requests: [{ kind: 'describe', number }] })).answers[0])
  }

  async describeUnique(unique: string, name?: string): Promise<StoredDescription | undefined> {
    return described((await this.do({ requests: [{ kind: 'describe unique', unique, function: name }] })).answers[0])
  }

  /** Dead jobs, the latest first. */
  async dead(of: { function?: string; reason?: DeathReason; before?: number } = {}): Promise<StoredRow[]> {
    const { function: name, reason, before = Number.MAX_SAFE_INTEGER } = of
    const filter = { ...anyDead, function: name, reason }
    const jobs: StoredRow[] = []
    for (let from: number | undefined = before; from !== undefined; ) {
      const scan: StoreRequest = { kind: 'scan', filter, isDescending: true, from, jobsMax: 1000 }
      const [answer]: readonly StoreAnswer[] = (await this.do({ requests: [scan] })).answers
      if (answer?.kind !== 'scan') throw new Error(`not dead jobs: ${answer?.kind}`)
      jobs.push(...answer.jobs)
      from = answer.next
    }
    return jobs
  }

  /** Of dead jobs, the latest first. */
  async deadNumbers(): Promise<number[]> {
    return (await this.dead()).map(({ number }) => number)
  }

  async numbers(): Promise<number[]> {
    return (await this.list()).map(({ number }) => number)
  }
}

interface ClaimBounds {
  readonly function: string
  readonly priority: Priority
  readonly jobsMax: number
  readonly bytesMax: number
}

function joins(add: readonly Addition[], { joined }: BatchResult): [number, number][] {
  const pairs: [number, number][] = []
  for (let i = 0; i < joined.length; i += 2) pairs.push([add[joined[i] ?? -1]?.number ?? -1, joined[i + 1] ?? -1])
  return pairs
}
