import type { LocalServer } from '../server/local-server.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PACKET } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { EventReader } from './event-reader.ts'
import { originOf, startLocal } from './local-http.ts'

const tickMs = 1000

/** A server whose time stands still until the test moves it, so that nothing is told but when it says so. */
export class EventStage implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly local: LocalServer
  readonly #readers: EventReader[] = []

  private constructor(local: LocalServer, clock: ManualClock) {
    this.local = local
    this.clock = clock
  }

  static async open(options: Parameters<typeof startLocal>[0] = {}): Promise<EventStage> {
    const clock = new ManualClock()
    return new EventStage(await startLocal(options, clock), clock)
  }

  async read(query = '', token = ''): Promise<EventReader> {
    const headers: Record<string, string> = token === '' ? {} : { authorization: `Bearer ${token}` }
    const reader = await EventReader.open(`${originOf(this.local)}/api/events${query}`, headers)
    this.#readers.push(reader)
    return reader
  }

  async submit(...names: string[]): Promise<void> {
    const client = await this.local.connect('client')
    for (const name of names) {
      client.send(PACKET.SUBMIT_JOB_BG, Buffer.from(name, 'latin1'), '', 'x')
      await client.receive('JOB_CREATED')
    }
    client.destroy()
  }

  tick(): void {
    this.clock.advance(tickMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) reader[Symbol.dispose]()
    const closed = this.local[Symbol.asyncDispose]()
    await until('the server was closed', () => {
      this.clock.advance(tickMs)
      return this.local.server.connectionCount === 0
    })
    await closed
  }
}
