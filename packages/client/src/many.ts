import { Fifo } from './fifo.ts'

/** How one of many came out, as `Promise.allSettled` has it. `index` is its place among the inputs. */
export type Settled<Value> = PromiseSettledResult<Value> & { readonly index: number }

/**
 * Starts something for each input and gives how each came out, in the order of the inputs. At most `inFlight` are
 * started that were not given yet, so neither many inputs nor a slow reader fill the memory. What is done is given
 * also while the next input is long in coming.
 */
export async function* settleInOrder<Input, Value>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  inFlight: number,
  start: (input: Input) => Promise<Value>,
): AsyncGenerator<Settled<Value>, void, undefined> {
  const source =
    Symbol.asyncIterator in inputs ? new Arrivals(inputs[Symbol.asyncIterator]()) : inputs[Symbol.iterator]()
  const started = new Fifo<Promise<Settled<Value>>>()
  let index = 0
  try {
    for (;;) {
      const first = started.peek()
      const isFull = started.length >= inFlight
      const next = isFull ? 'later' : source instanceof Arrivals ? await source.nextUnless(first) : source.next()
      if (next !== 'later' && next.done !== true) started.push(settled(start(next.value), index++))
      else if (first === undefined) return
      else {
        void started.shift()
        yield await first
      }
    }
  } finally {
    // Whoever reads no further needs no further input.
    source.return?.()
  }
}

/** Inputs that come in their own time. */
class Arrivals<Input> {
  readonly #iterator: AsyncIterator<Input>
  #next: Promise<IteratorResult<Input>> | undefined

  constructor(iterator: AsyncIterator<Input>) {
    this.#iterator = iterator
  }

  /** The next one, unless the other promise is settled before it is there. */
  async nextUnless(other: Promise<unknown> | undefined): Promise<IteratorResult<Input> | 'later'> {
    this.#next ??= this.#iterator.next()
    const next = await (other === undefined
      ? this.#next
      : Promise.race([this.#next, other.then(() => 'later' as const)]))
    if (next !== 'later' && next.done !== true) this.#next = undefined
    return next
  }

  /** Not waited for, since it may itself be waiting for an input; what it says to that is of no use any more. */
  return(): void {
    this.#iterator.return?.().catch(() => undefined)
  }
}

function settled<Value>(promise: Promise<Value>, index: number): Promise<Settled<Value>> {
  return promise.then(
    (value) => ({ index, status: 'fulfilled', value }),
    (reason: unknown) => ({ index, status: 'rejected', reason }),
  )
}
