import type { InputJob } from '../assigned-job.ts'
import { Deferred } from '../deferred.ts'
import { isStream, resultBytes, sendStream } from '../job-result.ts'
import { type Workload, workloadText } from '../workload.ts'
import type { HandlerExport, HandlerMessage, JobOrder, PoolMessage } from './messages.ts'
import { readThrown, type Thrown, writeThrown } from './thrown.ts'

/** A job where its handler runs: in a thread or process that is not the worker's. */
export class RemoteJob implements InputJob<Uint8Array> {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly reducer: string | undefined
  readonly workload: Uint8Array
  readonly #handler: HandlerExport
  readonly #post: (message: HandlerMessage) => void
  readonly #abort = new AbortController()
  /** Chunks that have not gone to the server yet, by their numbers. */
  readonly #unsent = new Map<number, Deferred<Thrown | undefined>>()
  #chunks = 0

  constructor(order: JobOrder, post: (message: HandlerMessage) => void) {
    this.handle = order.handle
    this.function = order.function
    this.unique = order.unique
    this.reducer = order.reducer
    this.workload = order.body
    this.#handler = order.handler
    this.#post = post
  }

  /** Has the handler do it. Resolves when the outcome is posted. */
  async run(): Promise<void> {
    try {
      const handle = await importHandler(this.#handler)
      const result = await handle(this)
      this.#post({ kind: 'returned', body: isStream(result) ? await sendStream(this, result) : resultBytes(result) })
    } catch (thrown) {
      this.#postThrown(thrown)
    }
  }

  receive(message: PoolMessage): void {
    switch (message.kind) {
      case 'abort':
        this.#abort.abort(readThrown(message.reason))
        break
      case 'sent': {
        this.#unsent.get(message.number)?.resolve(message.refusal)
        this.#unsent.delete(message.number)
      }
    }
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Codecs are not for those who are far from the worker. */
  get input(): Uint8Array {
    return this.workload
  }

  text(): string {
    return workloadText(this.workload)
  }

  json(): unknown {
    return JSON.parse(this.text())
  }

  progress(numerator: number, denominator: number): void {
    this.#post({ kind: 'progress', numerator, denominator })
  }

  data(chunk: Workload): Promise<void> {
    return this.#send('data', chunk)
  }

  warn(chunk: Workload): Promise<void> {
    return this.#send('warning', chunk)
  }

  async #send(kind: 'data' | 'warning', body: Workload): Promise<void> {
    const number = this.#chunks++
    this.#post({ kind, number, body })
    const unsent = new Deferred<Thrown | undefined>()
    this.#unsent.set(number, unsent)
    const refusal = await unsent.promise
    if (refusal !== undefined) throw readThrown(refusal)
  }

  #postThrown(thrown: unknown): void {
    const { signal } = this.#abort
    const isReason = signal.aborted && thrown === signal.reason
    try {
      this.#post({ kind: 'threw', thrown: isReason ? { kind: 'reason' } : writeThrown(thrown) })
    } catch (error) {
      // A function, a symbol: what cannot be cloned cannot be told of.
      this.#post({ kind: 'threw', thrown: writeThrown(error) })
    }
  }
}

async function importHandler({ module, name }: HandlerExport): Promise<(job: RemoteJob) => unknown> {
  const exports: Record<string, unknown> = await import(module)
  const handler = exports[name]
  if (typeof handler !== 'function') throw new TypeError(`${module} exports no function ${name}`)
  // What it takes is the word of whoever named it as a handler.
  return handler as (job: RemoteJob) => unknown
}
