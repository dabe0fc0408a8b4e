import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { RawPeer } from '../support/raw.ts'

const hopelessMs = 2000

/**
 * A server in this process whose time passes when the test says so. If it does not come to its end, time passes by
 * itself: what it waits for in vain, as when a test has failed, is given up.
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
    const timer = setInterval(() => this.clock.advance(60_000), hopelessMs)
    await this.#local[Symbol.asyncDispose]().finally(() => clearInterval(timer))
  }
}
