import { setImmediate as nextIteration } from 'node:timers/promises'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RawPeer } from '../support/raw.ts'

/**
 * A server in this process whose time passes when the test says so. When it is closed time passes by itself: what it
 * waits for in vain, as when a test has failed, is given up.
 */
export class StillServer implements AsyncDisposable {
  readonly clock: ManualClock
  readonly #local: LocalServer

  private constructor(clock: ManualClock, local: LocalServer) {
    this.clock = clock
    this.#local = local
  }

  static async start(options: LocalOptions, clock: ManualClock = new ManualClock()): Promise<StillServer> {
    return new StillServer(clock, await LocalServer.start(options, clock))
  }

  get port(): number {
    return this.#local.port
  }

  connect(name: string): Promise<RawPeer> {
    return this.#local.connect(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let isClosed = false
    const closed = this.#local[Symbol.asyncDispose]().finally(() => (isClosed = true))
    while (!isClosed) {
      this.clock.advance(1000)
      await nextIteration()
    }
    await closed
  }
}
