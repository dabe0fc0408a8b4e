import { makeRow, place } from './row.ts'
import { SliceReader } from './slice.ts'

type Column = (number | null)[]

export interface FunctionSteps {
  readonly name: string
  readonly done: Column
  readonly failed: Column
  readonly ready: Column
}

/** A few columns of every function, in few steps. Slices are added in the order of their times. */
export class OverviewSteps {
  readonly #from: number
  readonly #stepMs: number
  /** The server was up. */
  readonly #isUp: boolean[]
  readonly #functions = new Map<string, Record<'done' | 'failed' | 'ready', Float64Array>>()
  readonly #read = makeRow()

  constructor(from: number, stepMs: number, count: number) {
    this.#from = from
    this.#stepMs = stepMs
    this.#isUp = Array<boolean>(count).fill(false)
  }

  /** Gives how many rows it has. */
  add(at: number, rows: Uint8Array): number {
    const index = Math.floor((at - this.#from) / this.#stepMs)
    if (index < 0 || index >= this.#isUp.length) return 0
    // Those that are not in it have nothing at its end.
    for (const { ready } of this.#functions.values()) ready[index] = 0
    let count = 0
    for (const reader = new SliceReader(rows); reader.next(); count++) {
      this.#isUp[index] = true
      if (reader.name === undefined) continue
      reader.readCounts(this.#read)
      const { done, failed, ready } = this.#named(reader.name)
      done[index] = (done[index] ?? 0) + (this.#read[place.done] ?? 0)
      failed[index] = (failed[index] ?? 0) + (this.#read[place.failed] ?? 0)
      ready[index] = this.#read[place.ready] ?? 0
    }
    return count
  }

  get functions(): FunctionSteps[] {
    const column = (values: Float64Array): Column =>
      this.#isUp.map((isUp, index) => (isUp ? (values[index] ?? 0) : null))
    return Array.from(this.#functions, ([name, { done, failed, ready }]) => {
      return { name, done: column(done), failed: column(failed), ready: column(ready) }
    })
  }

  #named(name: string): Record<'done' | 'failed' | 'ready', Float64Array> {
    let columns = this.#functions.get(name)
    if (columns === undefined) {
      const make = () => new Float64Array(this.#isUp.length)
      this.#functions.set(name, (columns = { done: make(), failed: make(), ready: make() }))
    }
    return columns
  }
}
