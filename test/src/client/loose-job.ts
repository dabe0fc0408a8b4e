import type { AssignedJob, EncodedResult, Workload } from '@geartrain/client'
import { signal } from './signal.ts'

export const handlers: URL = new URL('./pool-handlers.js', import.meta.url)

/** A job without a server. */
export class LooseJob implements AssignedJob {
  readonly handle = 'H:loose:1'
  readonly function = 'loose'
  readonly unique = ''
  readonly reducer = undefined
  workload: Uint8Array = new Uint8Array(0)
  readonly abort = new AbortController()
  readonly progressed = signal()
  /** Chunks are taken when it says so. */
  readonly taken = signal()

  get signal(): AbortSignal {
    return this.abort.signal
  }

  text(): string {
    return ''
  }

  json(): unknown {
    return undefined
  }

  progress(): void {
    this.progressed.give()
  }

  async data(_chunk: Workload): Promise<void> {
    await this.taken.given
  }

  async warn(): Promise<void> {}
}

export type PooledHandler = (job: AssignedJob) => Promise<EncodedResult>

/** What a handler of a pool makes of a job, as text. */
export async function doLoose(handler: PooledHandler, job: LooseJob = new LooseJob()): Promise<string> {
  const { bytes } = await handler(job)
  return Buffer.from(bytes).toString()
}
