import { type Batch, type BatchResult, type Store, StoreError, type StoreState } from '@geartrain/server'
import { FakeStore } from '../support/fake-store.ts'
import { readJobs, type SimulatedDisk, type StoredJob } from './disk.ts'
import type { Random } from './random.ts'
import type { StoragePlan } from './storage.ts'
import type { Cancel, Timeline } from './timeline.ts'

export interface StoreWitness {
  /** A commit is done with. These are what it was to add. */
  settled(jobs: readonly StoredJob[]): void
  /** It has failed, or the store could not be opened. */
  failed(what: string): void
  /** The server can use it again, and knows what is in it. */
  recovered(): void
  note(event: string): void
  fail(fault: string): void
}

/** What a server collects while the store works, and the last packets of those who submit. */
const batchBytesMax = 16 * 1024 * 1024 + 20 * 1_600_000

const hangMs = 120_000
/** Something is wrong for so long, on average. */
const troubleMs = 3000
/** What has taken long is then over in so long. */
const healedMs = 1

/** What becomes of a commit. kept and lost: the thread ends, and nobody is told whether the commit was kept. */
type Fate = 'done' | 'full' | 'broken' | 'kept' | 'lost'

/** A store whose disk takes its time and goes wrong as the plan says. */
export class SimulatedStore implements Store {
  readonly name = 'simulated:'
  readonly #fake: FakeStore
  readonly #disk: SimulatedDisk
  readonly #timeline: Timeline
  readonly #random: Random
  readonly #plan: StoragePlan
  readonly #witness: StoreWitness
  #isHealed = false
  /** When it last told anything. */
  toldAtMs = 0
  /** All that is begun hangs. */
  #isHanging = false
  /** It can't be opened before. */
  #closedUntil = 0
  /**
   * What is still to come before the server can use it. After a break it opens the store, writes what it must, and opens
   * it again to learn what is there.
   */
  #missing: ('open' | 'commit')[] = []
  /** What is under way, and the way to call it off. */
  #underWay: (() => void) | undefined
  #cancel: Cancel = () => {}

  constructor(disk: SimulatedDisk, timeline: Timeline, random: Random, plan: StoragePlan, witness: StoreWitness) {
    this.#disk = disk
    this.#fake = new FakeStore(disk)
    this.#fake.isAuto = false
    this.#timeline = timeline
    this.#random = random
    this.#plan = plan
    this.#witness = witness
  }

  /** Whoever waits for it waits with reason. */
  get isBusy(): boolean {
    return this.#underWay !== undefined
  }

  open(atLeast: number): Promise<StoreState> {
    return new Promise((resolve, reject) => {
      this.#begin(() => {
        if (this.#timeline.now < this.#closedUntil) {
          this.#break('it can not be opened')
          reject(new StoreError('SQLITE_CANTOPEN', 'unable to open database file'))
          return
        }
        this.#succeed('open')
        void this.#fake.open(atLeast).then(resolve, reject)
      })
    })
  }

  async commit(batch: Batch): Promise<BatchResult> {
    const jobs = readJobs(batch)
    if (batch.additions.length > batchBytesMax) this.#witness.fail(`a batch of ${batch.additions.length} bytes`)
    const done = this.#fake.commit(batch)
    const fate = this.#drawFate()
    this.#begin(() => this.#end(fate))
    try {
      const result = await done
      if (result.failure === undefined) this.#succeed('commit')
      else if (result.failure.isBroken) this.#break(result.failure.code)
      else this.#fail(result.failure.code)
      return result
    } catch (error) {
      this.#break(String(error))
      throw error
    } finally {
      this.#witness.settled(jobs)
    }
  }

  /** What is under way is done first, or never will be. */
  async close(): Promise<void> {
    if (this.isBusy) {
      this.#witness.failed('it is closed before it is done')
      if (this.#random.chance(0.5)) this.#fake.die(false)
    }
    this.#stop()
    await this.#fake.close()
  }

  /** The process was killed, or the machine has lost its power. */
  crash(): void {
    this.#stop()
    this.#fake.crash(this.#random.chance(0.5))
  }

  /** Nothing goes wrong any more, and what takes long is over. */
  heal(): void {
    this.#isHealed = true
    this.#closedUntil = 0
    this.#disk.clear()
    this.goOn()
  }

  /** All that is begun from now on takes until it is told to go on. */
  hang(): void {
    this.#isHanging = true
  }

  goOn(): void {
    this.#isHanging = false
    const done = this.#underWay
    if (done === undefined) return
    this.#cancel()
    this.#wait(healedMs, done)
  }

  #break(what: string): void {
    this.#missing = ['open', 'commit', 'open']
    this.#witness.failed(what)
  }

  #fail(what: string): void {
    if (this.#missing.length === 0) this.#missing = ['commit']
    this.#witness.failed(what)
  }

  #succeed(what: 'open' | 'commit'): void {
    if (this.#missing[0] !== what) return
    this.#missing.shift()
    if (this.#missing.length === 0) this.#witness.recovered()
  }

  #begin(done: () => void): void {
    this.#wait(this.#drawMs(), done)
  }

  #wait(forMs: number, done: () => void): void {
    this.#underWay = done
    this.#cancel = this.#timeline.plan(forMs, () => {
      this.#underWay = undefined
      this.toldAtMs = this.#timeline.now
      done()
    })
  }

  #stop(): void {
    this.#cancel()
    this.#underWay = undefined
  }

  #drawMs(): number {
    const { commitMs, hangShare } = this.#plan
    if (this.#isHanging || (!this.#isHealed && this.#random.chance(hangShare))) {
      this.#witness.note('the store hangs')
      return this.#isHanging ? hangMs : this.#random.exponential(hangMs)
    }
    return this.#isHealed ? healedMs : this.#random.exponential(commitMs)
  }

  #drawFate(): Fate {
    const { fullShare, breakShare } = this.#plan
    if (this.#isHealed) return 'done'
    return this.#random.weighted<Fate>([
      [1 - fullShare - breakShare, 'done'],
      [fullShare, 'full'],
      [breakShare / 3, 'broken'],
      [breakShare / 3, 'kept'],
      [breakShare / 3, 'lost'],
    ])
  }

  #end(fate: Fate): void {
    const random = this.#random
    // The trouble that it would have met is over.
    const isDone = fate === 'done' || this.#isHealed
    const troubledMs = isDone ? 0 : random.pick([0, 1, 1]) * random.exponential(troubleMs)
    if (isDone) {
      this.#fake.finish()
    } else if (fate === 'full') {
      this.#disk.fill()
      this.#timeline.plan(troubledMs, () => this.#disk.clear())
      if (random.chance(0.5)) this.#fake.failNext('full')
      this.#fake.finish()
    } else {
      this.#closedUntil = this.#timeline.now + troubledMs
      if (fate === 'broken') {
        this.#fake.failNext('broken')
        this.#fake.finish()
      } else this.#fake.die(fate === 'kept')
    }
  }
}
