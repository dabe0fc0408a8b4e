import { availableParallelism } from 'node:os'
import { type AssignedJob, EncodedResult } from './assigned-job.ts'
import { InvalidArgumentError } from './errors.ts'
import { HandlerProcess } from './pool/handler-process.ts'
import { checkedGraceMs } from './pool/job-relay.ts'
import { type HandlerExport, handlerExport, jobOrder, type PooledHandler } from './pool/messages.ts'
import { Slots } from './pool/slots.ts'

export interface ProcessPoolOptions {
  /** Jobs at once; default: as many as the machine can run. */
  readonly processes?: number | undefined
  /** A process that has done so many jobs is replaced by a new one; default: never. */
  readonly jobsMax?: number | undefined
  /** A handler that has not ended so long after its job was aborted is ended with its process; default 5 s. */
  readonly graceMs?: number | undefined
  /** Node's own arguments, such as `--max-old-space-size=512`; default: those of this process. */
  readonly execArgv?: readonly string[] | undefined
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv | undefined
}

/**
 * Processes that handlers run in, so that one that crashes takes nothing along but its job. A process does one job at
 * a time, and is started when there is a job for it; one that ends is replaced.
 */
export class ProcessPool {
  readonly #slots: Slots
  readonly #options: ProcessPoolOptions
  readonly #jobsMax: number
  readonly #graceMs: number
  readonly #idle = new Set<HandlerProcess>()
  readonly #ending = new Set<Promise<void>>()

  constructor(options: ProcessPoolOptions = {}) {
    const { processes = availableParallelism(), jobsMax = Number.POSITIVE_INFINITY } = options
    if (!(jobsMax >= 1)) throw new InvalidArgumentError(`jobsMax is at least 1, not ${jobsMax}`)
    this.#slots = new Slots(processes, 'processes')
    this.#options = options
    this.#jobsMax = jobsMax
    this.#graceMs = checkedGraceMs(options.graceMs)
  }

  /** Has a function's jobs done by what a module exports: a handler like any other. */
  handler(module: URL, exportName = 'default'): PooledHandler {
    const handler = handlerExport(module, exportName)
    return async (job) => new EncodedResult(await this.#slots.run(job.signal, () => this.#work(job, handler)))
  }

  /** Takes no more jobs, and ends the processes when those that there are have ended. To be called after the workers'. */
  async close(): Promise<void> {
    await this.#slots.close()
    for (const child of this.#idle) this.#end(child)
    this.#idle.clear()
    await Promise.all(this.#ending)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #work(job: AssignedJob, handler: HandlerExport): Promise<Uint8Array> {
    const child = this.#take()
    try {
      return await child.work(job, jobOrder(job, handler))
    } finally {
      if (!child.isUp || child.jobCount >= this.#jobsMax) this.#end(child)
      else this.#idle.add(child)
    }
  }

  #take(): HandlerProcess {
    const [idle] = this.#idle
    if (idle !== undefined) {
      this.#idle.delete(idle)
      return idle
    }
    const { execArgv, env } = this.#options
    const options = { ...(execArgv && { execArgv: [...execArgv] }), ...(env && { env }) }
    const started: HandlerProcess = new HandlerProcess(options, this.#graceMs, (error) => {
      this.#idle.delete(started)
      process.emitWarning(error)
    })
    return started
  }

  #end(child: HandlerProcess): void {
    const ending = child.end().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}
