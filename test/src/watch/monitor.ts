import type { WatchedServer, WatchedServers } from '@geartrain/protocol'
import { createMonitor, defaultLimits, type Limits } from '@geartrain/server'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

/** It notes what is set, so that a test knows where a watch is: a look begins with its limit, and ends with the next one. */
class NotedClock extends ManualClock {
  readonly delays: number[] = []

  override after(delayMs: number, callback: () => void): () => void {
    this.delays.push(delayMs)
    return super.after(delayMs, callback)
  }
}

/** A monitor in this process, with a clock that the test moves. */
export class TestMonitor implements AsyncDisposable {
  readonly clock: NotedClock
  readonly origin: string
  readonly #close: () => Promise<void>

  private constructor(clock: NotedClock, origin: string, close: () => Promise<void>) {
    this.clock = clock
    this.origin = origin
    this.#close = close
  }

  static async start(servers: readonly string[], limits: Partial<Limits> = {}): Promise<TestMonitor> {
    const clock = new NotedClock()
    const monitor = createMonitor({ servers, http: '127.0.0.1:0', limits: { ...defaultLimits, ...limits } }, clock)
    const { port } = await monitor.listen()
    return new TestMonitor(clock, `http://127.0.0.1:${port}`, () => monitor.close())
  }

  async ask(): Promise<readonly WatchedServer[]> {
    const answer = await fetch(`${this.origin}/api/servers`)
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    // As the contract test has found it to be.
    return ((await answer.json()) as WatchedServers).servers
  }

  /** What is known of the first of them. */
  async first(): Promise<WatchedServer> {
    const [server] = await this.ask()
    if (server === undefined) throw new Error('it watches no server')
    return server
  }

  /** Those of the clock so far. */
  async untilDelays(count: number): Promise<readonly number[]> {
    await until(`${count} timers are set`, () => this.clock.delays.length >= count)
    return this.clock.delays
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }
}
