import { type AssignedJob, type JobHandler, Worker, type WorkerOptions } from '@geartrain/client'
import { eventually } from '../../support/postgres/eventually.ts'
import type { Member } from './fleet.ts'

/** A job that a worker of a test has in its hands, until the test says how it ends. */
export interface InHand {
  readonly job: AssignedJob
  readonly finish: (result?: string) => void
  readonly fail: (error: Error) => void
}

/** A worker of our library that holds what it gets. */
export class Hands implements AsyncDisposable {
  /** All jobs that it has ever got, as they came. */
  readonly jobs: InHand[] = []
  readonly #worker: Worker
  #taken = 0

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  static async at(member: Member | readonly Member[], name: string, options: WorkerOptions = {}): Promise<Hands> {
    const addresses = [member].flat().map(({ address }) => address)
    const worker = new Worker(addresses, { concurrency: 20, ...options })
    const hands = new Hands(worker)
    worker.handle(name, (job) => {
      return new Promise<string>((resolve, reject) => {
        hands.jobs.push({ job, finish: (result = '') => resolve(result), fail: reject })
      })
    })
    await worker.start()
    return hands
  }

  /** The next one that it gets. */
  next(): Promise<InHand> {
    const index = this.#taken++
    return eventually('the worker got a job', () => this.jobs[index])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { finish } of this.jobs) finish()
    await this.#worker.close()
  }
}

/** A worker of our library that does at once what `handler` says. */
export async function startWorker(
  member: Member | readonly Member[],
  name: string,
  handler: JobHandler,
  options: WorkerOptions = {},
): Promise<Worker> {
  const addresses = [member].flat().map(({ address }) => address)
  const worker = new Worker(addresses, { concurrency: 10, ...options })
  worker.handle(name, handler)
  await worker.start()
  return worker
}
