import type { Priority } from '@geartrain/engine'
import type { Batch } from '@geartrain/server'
import { RecordReader } from '../store-suite/parts.ts'
import { FakeDisk } from '../support/fake-store.ts'

/** A job as the server wrote it. */
export interface StoredJob {
  readonly number: number
  readonly function: string
  readonly unique: string
  readonly reducer: string
  /** One byte a character. */
  readonly workload: string
  readonly priority: Priority
  /** Milliseconds since 1970; 0 is now. */
  readonly runAtMs: number
}

/** What happens on the disk, as it happens. */
export interface DiskWitness {
  removed(number: number): void
  added(job: StoredJob): void
}

/** The disk of a simulated machine: all that a crash leaves. */
export class SimulatedDisk extends FakeDisk {
  readonly #witness: DiskWitness

  constructor(witness: DiskWitness) {
    super()
    this.#witness = witness
  }

  override write(batch: Batch): ReturnType<FakeDisk['write']> {
    const jobs = readJobs(batch)
    const writes = super.write(batch)
    if (writes.failure !== undefined) return writes
    const ended = batch.changes.filter((change) => change.kind === 'keep' || change.kind === 'bury')
    const gone = [...batch.forget, ...[...writes.cancelled, ...ended].map((job) => job.number)]
    for (const number of gone) this.#witness.removed(number)
    const joined = new Set(writes.joined.filter((_, i) => i % 2 === 0))
    for (const [index, job] of jobs.entries()) if (!joined.has(index)) this.#witness.added(job)
    return writes
  }

  /** There is room for the jobs that are there, and for no more. */
  fill(): void {
    this.bytesMax = this.jobs.workloadBytes
  }

  clear(): void {
    this.bytesMax = Number.POSITIVE_INFINITY
  }
}

/** The additions of a batch. */
export function readJobs({ additions, functions }: Batch): StoredJob[] {
  const jobs: StoredJob[] = []
  const reader = new RecordReader(additions)
  while (reader.next()) {
    const { number, unique, reducer, priority, runAt: runAtMs } = reader
    const name = functions[reader.function] ?? ''
    const workload = reader.workload.toString('latin1')
    jobs.push({ number, function: name, unique, reducer, priority, runAtMs, workload })
  }
  return jobs
}
