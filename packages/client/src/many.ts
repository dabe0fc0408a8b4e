import { Fifo } from './fifo.ts'

/** How one of many came out, as `Promise.allSettled` has it. `index` is its place among the inputs. */
export type Settled<Value> = PromiseSettledResult<Value> & { readonly index: number }

/** What ends it before the inputs do. */
export interface Stop {
  readonly signal: AbortSignal
  readonly error: () => Error
}

/**
 * Starts something for each input and gives how each came out, in the order of the inputs. At most `inFlight` are
 * started that were not given yet, so neither many inputs nor a slow reader fill the memory. What is done is given
 * also while the next input is long in coming. When it is stopped it takes no more inputs, gives what was started, and
 * throws.
 */
export async function* settleInOrder<Input, Value>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  inFlight: number,
  start: (input: Input) => Promise<Value>,
  stop: Stop,
): AsyncGenerator<Settled<Value>, void, undefined> {
  const source =
    Symbol.asyncIterator in inputs
      ? new Arrivals(inputs[Symbol.asyncIterator](), stop.signal)
      : inputs[Symbol.iterator]()
  const started = new Fifo<Promise<Settled<Value>>>()
  let index = 0
  let isWhole = false
  try {
    for (;;) {
      const first = started.peek()
      const isLater = started.length >= inFlight || stop.signal.aborted
      const next = isLater ? 'later' : source instanceof Arrivals ? await source.nextUnless(first) : source.next()
      if (next !== 'later') isWhole = next.done === true
      if (next !== 'later' && next.done !== true) started.push(settled(start(next.value), index++))
      else if (first !== undefined) {
        void started.shift()
        yield await first
      } else if (stop.signal.aborted && !isWhole) throw stop.error()
      else return
    }
  } finally {
    // Whoever reads no further needs no further input.
    source.return?.()
  }
}

/** Inputs that come in their own time. */
class Arrivals<Input> {
  readonly #iterator: AsyncIterator<Input>
  readonly #stopped: Promise<'later'>
  #next: Promise<IteratorResult<Input>> | undefined

  constructor(iterator: AsyncIterator<Input>, signal: AbortSignal) {
    this.#iterator = iterator
    this.#stopped = new Promise((resolve) => signal.addEventListener('abort', () => resolve('later'), { once: true }))
  }

  /** The next one, unless the other promise is settled before it is there, or it is stopped. */
  async nextUnless(other: Promise<unknown> | undefined): Promise<IteratorResult<Input> | 'later'> {
    this.#next ??= this.#iterator.next()
    const others = other === undefined ? [] : [other.then(() => 'later' as const)]
    const next = await Promise.race([this.#next, this.#stopped, ...others])
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
