import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { DurableServer } from './durable-server.ts'
import { submitSamples } from './sample.ts'

/** The files of a store with the first so many samples in it, to be copied and broken. */
export class Stock {
  readonly count: number
  readonly path: string
  readonly #directory: string
  #copies = 0

  private constructor(directory: string, count: number) {
    this.#directory = directory
    this.path = join(directory, `stock-${count}.db`)
    this.count = count
  }

  /** By a server that is stopped, and then, for those from `kept` on, by one that is killed: they are in the log. */
  static async make(directory: string, kept: number, count: number): Promise<Stock> {
    const stock = new Stock(directory, count)
    await using first = await DurableServer.start(stock.path)
    await submitSamples(first.port, 0, kept)
    await first.stop()
    if (count > kept) {
      await using second = await DurableServer.start(stock.path)
      await submitSamples(second.port, kept, count)
      await second.kill()
    }
    return stock
  }

  /** A copy of its own, as it was found after the last server; its path. */
  copy(): string {
    const path = join(this.#directory, `copy-${this.count}-${this.#copies++}.db`)
    for (const suffix of ['', '-wal', '-lock']) {
      if (existsSync(this.path + suffix)) copyFileSync(this.path + suffix, path + suffix)
    }
    return path
  }
}
