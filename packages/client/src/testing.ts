import { setImmediate as nextIteration } from 'node:timers/promises'
import type { Server, ServerOptions } from '@geartrain/server'
import { type CallOptions, startCutoff, throwIfAborted } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import { ClosedError, PackageMissingError, TimeoutError } from './errors.ts'
import { ManualClock, type TestClock } from './testing-clock.ts'

export type { TestClock } from './testing-clock.ts'

/** Whatever servers can be told, but for what a test server has of its own. */
export type TestServerOptions = Partial<Omit<ServerOptions, 'listen' | 'port' | 'store'>>

/** What a closing server waits for passes in steps of so much. */
const closeStepMs = 1000

/** Rejects if @geartrain/server is not installed. */
export function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  return TestServer.start(options)
}

/**
 * A job server in this process, for tests: on a free port of 127.0.0.1, with its jobs in memory and a time that passes
 * when the test says so. Only the server's time: workers and clients have their timers from Node.
 */
export class TestServer {
  readonly port: number
  /** For `Client.connect`, `new Worker` and `Admin.connect`. */
  readonly address: string
  readonly #server: Server
  readonly #clock: ManualClock
  readonly #idlers = new Set<Deferred<void>>()
  #closed: Promise<void> | undefined

  private constructor(server: Server, port: number, clock: ManualClock) {
    this.port = port
    this.address = `127.0.0.1:${port}`
    this.#server = server
    this.#clock = clock
    clock.onTurn = () => this.#noteTurn()
  }

  static async start(options: TestServerOptions): Promise<TestServer> {
    const { createServer } = await importServer()
    const clock = new ManualClock()
    const server = createServer({ ...options, listen: '127.0.0.1', port: 0, store: 'memory' }, clock)
    const [address] = await server.listen()
    if (address === undefined) throw new Error('the server has no address to listen on')
    return new TestServer(server, address.port, clock)
  }

  get clock(): TestClock {
    return this.#clock
  }

  /** Resolves when no job that the server has is running or could be run; jobs whose time has not come may wait on. */
  async idle(options: CallOptions = {}): Promise<void> {
    throwIfAborted(options.signal)
    if (this.#closed !== undefined) throw new ClosedError('the server is closed')
    if (this.#isIdle) return
    const idler = new Deferred<void>()
    const release = startCutoff(options, 'idle()', (error) => {
      if (!(error instanceof TimeoutError)) idler.reject(error)
      else idler.reject(new TimeoutError(`${error.message}: ${this.#busy().join(', ')}`))
    })
    this.#idlers.add(idler)
    try {
      await idler.promise
    } finally {
      this.#idlers.delete(idler)
      release()
    }
  }

  /** Ends all connections, whatever is under way. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    for (const idler of this.#idlers) idler.reject(new ClosedError('the server was closed before it was idle'))
    let isClosed = false
    const closed = this.#server.close(0).finally(() => {
      isClosed = true
    })
    while (!isClosed) {
      this.#clock.advance(closeStepMs)
      await nextIteration()
    }
    await closed
  }

  #noteTurn(): void {
    if (this.#idlers.size === 0 || !this.#isIdle) return
    for (const idler of this.#idlers) idler.resolve()
  }

  /** Whatever is due and has not been seen to will make a job ready, or give one back. */
  get #isIdle(): boolean {
    return this.#server.engine.nextDeadline > this.#clock.now() && this.#busy().length === 0
  }

  /** What is left to do, in words. */
  #busy(): string[] {
    const busy: string[] = []
    for (const { name, jobCount, delayedCount, runningCount } of this.#server.engine.functions()) {
      const waitingCount = jobCount - delayedCount - runningCount
      if (waitingCount + runningCount > 0) busy.push(`${name} has ${waitingCount} waiting and ${runningCount} running`)
    }
    return busy
  }
}

/** It is needed by nobody else who uses this library, so it need not be there. */
async function importServer(): Promise<Pick<typeof import('@geartrain/server'), 'createServer'>> {
  try {
    return await import('@geartrain/server')
  } catch (error) {
    throw new PackageMissingError(
      '@geartrain/client/testing needs a server, which could not be loaded: npm install @geartrain/server',
      {
        cause: error,
      },
    )
  }
}
