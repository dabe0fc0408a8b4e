import { Fifo } from './fifo.ts'

/** How one of many came out, as `Promise.allSettled` has it. `index` is its place among the inputs. */
export type Settled<Value> = PromiseSettledResult<Value> & { readonly index: number }

/**
 * Starts something for each input and gives how each came out, in the order of the inputs. At most `inFlight` are
 * started that were not given yet, so neither many inputs nor a slow reader fill the memory.
 */
export async function* settleInOrder<Input, Value>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  inFlight: number,
  start: (input: Input) => Promise<Value>,
): AsyncGenerator<Settled<Value>, void, undefined> {
  const started = new Fifo<Promise<Settled<Value>>>()
  let index = 0
  for await (const input of inputs) {
    started.push(settled(start(input), index++))
    if (started.length < inFlight) continue
    const first = await started.shift()
    if (first !== undefined) yield first
  }
  for (let next = started.shift(); next !== undefined; next = started.shift()) yield await next
}

function settled<Value>(promise: Promise<Value>, index: number): Promise<Settled<Value>> {
  return promise.then(
    (value) => ({ index, status: 'fulfilled', value }),
    (reason: unknown) => ({ index, status: 'rejected', reason }),
  )
}
