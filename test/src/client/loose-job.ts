import type { AssignedJob, JobHandler, Workload } from '@geartrain/client'
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

/** What a handler of a pool makes of a job, as text. */
export async function doLoose(handler: JobHandler, job: LooseJob = new LooseJob()): Promise<string> {
  const result = await handler(job)
  if (!(result instanceof Uint8Array)) throw new Error('pools give bytes back')
  return Buffer.from(result).toString()
}
