import type { AssignedJob, JobStream } from './assigned-job.ts'
import { InvalidArgumentError } from './errors.ts'
import { type Workload, workloadBytes } from './workload.ts'

const noResult = new Uint8Array(0)

/** Whether what a handler returned is to be sent in parts, by `sendStream`. */
export function isStream(result: unknown): result is JobStream {
  // Bytes, which most results are, are known soonest by what they are.
  if (typeof result !== 'object' || result === null || result instanceof Uint8Array) return false
  return Symbol.asyncIterator in result
}

/** What else it returns: bytes and text as they are, nothing, or JSON. */
export function resultBytes(result: unknown): Uint8Array {
  if (result === undefined) return noResult
  if (isWorkload(result)) return workloadBytes(result)
  // Undefined for functions and symbols, whatever its type says.
  const json: string | undefined = JSON.stringify(result)
  if (json !== undefined) return workloadBytes(json)
  throw new InvalidArgumentError(
    `a handler returns a string, a Uint8Array, a stream of them, what JSON has or nothing, not this ${typeof result}`,
  )
}

/**
 * Sends each chunk, and takes the next one when there is room; what is left for the end of the job is nothing. When the outcome of the job is no longer wanted, the
 * stream is stopped and not waited for, since a chunk of it may never come; then it rejects with the signal's reason.
 */
export async function sendStream(job: AssignedJob, stream: JobStream): Promise<Uint8Array> {
  const { signal } = job
  const iterator = iterate(stream)
  let stop = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      stop = () => {
        // What it says to that is nobody's concern any more.
        iterator.return?.().catch(() => undefined)
        reject(signal.reason)
      }
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop)
      sendAll(job, iterator).then(resolve, reject)
    })
    return noResult
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function sendAll(job: AssignedJob, iterator: AsyncIterator<unknown>): Promise<void> {
  // It tells the iterator when a chunk is of no use.
  for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) {
    if (!isWorkload(chunk)) {
      throw new InvalidArgumentError(`a stream of a handler has strings and Uint8Arrays in it, not a ${typeof chunk}`)
    }
    await job.data(chunk)
  }
}

/** Iterators of Node's streams can't be stopped while they wait, but the streams can. */
function iterate(stream: JobStream): AsyncIterator<unknown> {
  if (stream instanceof ReadableStream) {
    const reader = stream.getReader()
    return { next: () => reader.read(), return: () => reader.cancel().then(() => ({ done: true, value: undefined })) }
  }
  const iterator = stream[Symbol.asyncIterator]()
  if (!('destroy' in stream) || typeof stream.destroy !== 'function') return iterator
  const destroy = stream.destroy.bind(stream)
  return {
    next: () => iterator.next(),
    return: () => {
      destroy()
      return Promise.resolve({ done: true, value: undefined })
    },
  }
}

function isWorkload(value: unknown): value is Workload {
  return typeof value === 'string' || value instanceof Uint8Array
}
