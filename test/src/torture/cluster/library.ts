import { Client, JobExceptionError, JobFailedError, Worker } from '@geartrain/client'
import type { Random } from '../../simulation/random.ts'
import { allFunctions, functions } from './functions.ts'
import { Timers, type World } from './world.ts'

const pauseMs = 80
const workMs = 60
const pendingMax = 20
const backgroundFunctions = [functions.work, functions.once] as const

/** The library's client and worker, each with all servers, which decide themselves where they go. */
export class Library {
  readonly #world: World
  readonly #random: Random
  readonly #client: Client
  readonly #worker: Worker
  readonly #timers = new Timers()
  #pending = 0

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
    const servers = world.places.map(({ port }) => ({ host: '127.0.0.1', port }))
    this.#client = new Client(servers, { heartbeatMs: 5000, reconnect: { maxMs: 500 } })
    const reconnect = { maxMs: 500 }
    this.#worker = new Worker(servers, {
      concurrency: 2,
      heartbeatMs: 5000,
      waitForServer: true,
      reconnect,
      onError: () => {},
    })
    for (const name of allFunctions) {
      this.#worker.handle(name, (job) => this.#work(name, job.handle, job.text()))
    }
    void this.#worker.start()
    this.#act()
  }

  /** It submits nothing more. */
  calm(): void {
    this.#timers.stop()
  }

  async end(): Promise<void> {
    this.calm()
    await Promise.all([this.#worker.close(), this.#client.close()])
  }

  #act(): void {
    if (this.#pending < pendingMax) void (this.#random.chance(0.3) ? this.#wait() : this.#leave())
    this.#timers.later(this.#random.exponential(pauseMs), () => this.#act())
  }

  async #leave(): Promise<void> {
    const { ledger } = this.#world
    const random = this.#random
    const name = random.pick(backgroundFunctions)
    const unique = name === functions.once ? `u${random.between(1, 40)}` : ''
    const submission = ledger.submitted({ id: ledger.newId('b'), client: 'library', function: name, unique })
    this.#pending++
    try {
      const handle = await this.#client.submitBackground(name, submission.id, unique === '' ? {} : { unique })
      ledger.acknowledged(submission, handle, undefined)
      ledger.count('acknowledged to the library')
    } catch {
      ledger.abandoned(submission)
    }
    this.#pending--
  }

  async #wait(): Promise<void> {
    const { ledger } = this.#world
    const asked = {
      id: ledger.newId('b'),
      client: 'library',
      function: functions.wait,
      isBackground: false,
      mayRepeat: true,
    }
    const submission = ledger.submitted(asked)
    this.#pending++
    const job = this.#client.submit(functions.wait, submission.id)
    void job.created().then(
      (handle) => ledger.acknowledged(submission, handle, undefined),
      () => {},
    )
    try {
      ledger.ended(submission, 'complete', await job.text())
    } catch (error) {
      if (error instanceof JobFailedError || error instanceof JobExceptionError) ledger.ended(submission, 'fail', '')
      else ledger.abandoned(submission)
    }
    this.#pending--
  }

  async #work(name: string, handle: string, workload: string): Promise<string> {
    const { ledger } = this.#world
    const assigned = { worker: 'library', life: undefined, handle, function: name, workload }
    const known = ledger.assigned({ ...assigned, givenMin: 0, heardAt: Date.now() })
    ledger.count('begun by the library')
    await new Promise((resolve) => setTimeout(resolve, this.#random.exponential(workMs)))
    const result = `l-${workload}`
    if (known !== undefined) ledger.said(known.attempt, 'complete', result)
    return result
  }
}
