import { randomUUID } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { Client, ConnectError, GeartrainError, type ServerAddress } from '@geartrain/client'
import { complain } from '../output.ts'
import { credentials, reasonNotReached } from '../servers.ts'
import { type GearmanFlags, gearmanExitCode } from './flags.ts'
import { JobOutput } from './job-output.ts'
import { Patience } from './patience.ts'
import { payloads } from './payloads.ts'
import { workloadHash } from './workload-hash.ts'

/** Submits each workload as a job of each function, one workload after the other. Resolves with the exit code. */
export async function submitJobs(
  flags: GearmanFlags,
  servers: readonly ServerAddress[],
  tls: ConnectionOptions | undefined,
): Promise<number> {
  await using submitter = new Submitter(flags, servers, tls)
  for await (const workload of payloads(flags)) await submitter.submit(workload)
  return submitter.hasFailed ? gearmanExitCode : 0
}

class Submitter implements AsyncDisposable {
  readonly #flags: GearmanFlags
  readonly #servers: readonly ServerAddress[]
  readonly #tls: ConnectionOptions | undefined
  readonly #output: JobOutput
  #client: Client | undefined
  hasFailed = false

  constructor(flags: GearmanFlags, servers: readonly ServerAddress[], tls: ConnectionOptions | undefined) {
    this.#flags = flags
    this.#servers = servers
    this.#tls = tls
    this.#output = new JobOutput(flags)
  }

  /** Resolves when the jobs have ended, or in the background are taken. What goes wrong is said, and the next may do. */
  async submit(workload: Uint8Array): Promise<void> {
    using patience = new Patience(this.#flags.timeoutMs)
    try {
      const client = (this.#client ??= await this.#connect(patience.signal))
      // The C tool sends the last function first.
      const functions = this.#flags.functions.toReversed()
      await Promise.all(functions.map((each) => this.#submitOne(client, each, workload, patience)))
    } catch (error) {
      if (!(error instanceof GeartrainError)) throw error
      this.#fail(error, patience)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#output.flush()
    await this.#client?.close()
  }

  async #submitOne(client: Client, jobFunction: string, workload: Uint8Array, patience: Patience): Promise<void> {
    const { priority } = this.#flags
    const options = { unique: this.#uniqueOf(workload), priority, signal: patience.signal }
    try {
      if (this.#flags.isBackground) {
        const handle = await client.submitBackground(jobFunction, workload, options)
        this.#output.print(jobFunction, { type: 'created', handle })
        patience.renew()
        return
      }
      for await (const event of client.submit(jobFunction, workload, options)) {
        patience.renew()
        this.#output.print(jobFunction, event)
        if (event.type === 'fail' || event.type === 'exception') this.hasFailed = true
      }
    } catch (error) {
      if (!(error instanceof GeartrainError)) throw error
      this.#fail(error, patience, jobFunction)
    }
  }

  /** A job without a unique gets one of its own, as the C library does: the queues of C gearmand mix up those without. */
  #uniqueOf(workload: Uint8Array): string {
    const { unique } = this.#flags
    if (unique === '') return randomUUID()
    return unique === '#' ? workloadHash(workload) : unique
  }

  /** The first server that can be reached is the one for all jobs; one that goes away is not waited for. */
  async #connect(signal: AbortSignal): Promise<Client> {
    const errors: Error[] = []
    for (const server of this.#servers) {
      try {
        return await Client.connect(server, {
          ...credentials(),
          signal,
          tls: this.#tls,
          resubmissions: 0,
          closeTimeoutMs: 1000,
        })
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error
        errors.push(error)
      }
    }
    throw new ConnectError('no server could be reached', { cause: new AggregateError(errors) })
  }

  #fail(error: GeartrainError, patience: Patience, jobFunction?: string): void {
    this.hasFailed = true
    const what = patience.signal.aborted ? `nothing has happened for ${this.#flags.timeoutMs} ms` : sentence(error)
    complain('gearman', jobFunction === undefined ? what : `${jobFunction}: ${what}`)
  }
}

function sentence(error: GeartrainError): string {
  if (!(error instanceof ConnectError)) return error.message
  const { cause } = error
  const errors: unknown[] = cause instanceof AggregateError ? cause.errors : [error]
  return errors.map((each) => (each instanceof Error ? reasonNotReached(each) : String(each))).join(', ')
}
