import type { UnderlyingSource } from 'node:stream/web'
import type { PacketName } from '@geartrain/protocol'
import { type Codec, decodeValue } from './codec.ts'
import { type CallOptions, startCutoff } from './cutoff.ts'
import { Deferred } from './deferred.ts'
import {
  ConnectionLostError,
  type GeartrainError,
  JobExceptionError,
  JobFailedError,
  type ServerError,
} from './errors.ts'
import { Fifo } from './fifo.ts'
import type { IncomingPacket } from './incoming-packet.ts'
import type { JobStatus } from './job-status.ts'
import type { Reply } from './reply.ts'
import type { Submission } from './submission.ts'
import type { JobEnd, JobEvent, SubmittedJob } from './submitted-job.ts'
import type { WaiterTable } from './waiter-table.ts'
import { readWireName } from './wire-name.ts'
import { workloadText } from './workload.ts'

/** How it came out for the one who waits: the job's end, or why that will not be known. */
type Outcome = JobEnd | { readonly type: 'unknown'; readonly error: GeartrainError }

/** Whoever submitted it. */
export interface Submitter {
  /** The connection is lost. True: it takes care of the job. */
  takeLost(waiter: Waiter, error: ConnectionLostError): boolean
  /** A job that was taken has ended otherwise. */
  forget(waiter: Waiter): void
  status(handle: string, options?: CallOptions): Promise<JobStatus>
}

/** One wait for a job: what the submitter holds as `SubmittedJob`, and what the session tells of the job. */
export class Waiter<Output = unknown> implements SubmittedJob<Output>, Reply {
  readonly expects: PacketName = 'JOB_CREATED'
  readonly function: string
  readonly unique: string
  readonly #submitter: Submitter
  readonly #codec: Codec<never, Output>
  /** Kept to be sent again, until the end. */
  submission: Submission | undefined
  /** How often its server went away. */
  losses = 0
  #hasData = false
  /** Nobody will iterate. */
  #isDeaf = false
  #handle: string | undefined
  /** If it was submitted again. */
  #firstHandle: string | undefined
  #outcome: Outcome | undefined
  /** Those not iterated yet, without the first and the last. Few jobs have any. */
  #events: Fifo<JobEvent> | undefined
  #created: Deferred<string> | undefined
  #result: Deferred<Uint8Array> | undefined
  #happened: Deferred<void> | undefined
  readonly #release: () => void

  constructor(
    jobFunction: string,
    unique: string,
    codec: Codec<never, Output>,
    submitter: Submitter,
    options: CallOptions,
  ) {
    this.function = jobFunction
    this.unique = unique
    this.#codec = codec
    this.#submitter = submitter
    this.#release = startCutoff(options, `a job of ${jobFunction}`, (error) => this.fail(error))
  }

  get handle(): string | undefined {
    return this.#handle
  }

  get hasEnded(): boolean {
    return this.#outcome !== undefined
  }

  created(): Promise<string> {
    if (this.#created === undefined) {
      this.#created = new Deferred()
      if (this.#handle !== undefined) this.#created.resolve(this.#handle)
      else if (this.#outcome?.type === 'unknown') this.#created.reject(this.#outcome.error)
    }
    return this.#created.promise
  }

  /** Whether it can be sent again without anything coming twice. */
  get isRepeatable(): boolean {
    return this.submission !== undefined && !this.#hasData
  }

  async result(): Promise<Output> {
    return decodeValue(this.#codec, await this.bytes(), `the output of ${this.function}`)
  }

  bytes(): Promise<Uint8Array> {
    if (this.#result === undefined) {
      this.#result = new Deferred()
      if (this.#outcome !== undefined) this.#settle(this.#result, this.#outcome)
    }
    return this.#result.promise
  }

  async text(): Promise<string> {
    return workloadText(await this.bytes())
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  stream(): ReadableStream<Uint8Array> {
    const chunks = this.#chunks()
    const source: UnderlyingSource<Uint8Array> = {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => {
        this.#isDeaf = true
        this.#events = undefined
        // It is told when the next event comes, if one comes: nobody waits for that.
        void chunks.return()
      },
    }
    // Nothing is taken before somebody reads.
    return new ReadableStream(source, { highWaterMark: 0 })
  }

  async status(options?: CallOptions): Promise<JobStatus> {
    return this.#submitter.status(this.#handle ?? (await this.created()), options)
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const event of this) if (event.type === 'data') yield event.data
    const last = await this.bytes()
    if (last.length > 0) yield last
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent, void, undefined> {
    const handle = await this.created()
    yield { type: 'created', handle: this.#firstHandle ?? handle }
    for (;;) {
      const event = this.#events?.shift()
      if (event !== undefined) {
        yield event
        continue
      }
      if (this.#outcome !== undefined) {
        if (this.#outcome.type === 'unknown') throw this.#outcome.error
        yield this.#outcome
        return
      }
      this.#happened ??= new Deferred()
      await this.#happened.promise
    }
  }

  /** JOB_CREATED. Also one whose submitter has given up is listed: the server goes on to send it its copies. */
  answer(packet: IncomingPacket, waiters: WaiterTable): void {
    const wireHandle = packet.argument(0)
    waiters.add(wireHandle, this)
    if (this.#outcome !== undefined) return
    const earlier = this.#handle
    this.#handle = readWireName(wireHandle)
    this.#created?.resolve(this.#handle)
    if (earlier === undefined) return
    this.#firstHandle ??= earlier
    this.add({ type: 'created', handle: this.#handle })
  }

  add(event: JobEvent): void {
    if (this.#outcome !== undefined) return
    this.#hasData ||= event.type === 'data'
    if (this.#isDeaf) return
    this.#events ??= new Fifo()
    this.#events.push(event)
    this.#wake()
  }

  end(end: JobEnd): void {
    this.#finish(end)
  }

  refused(error: ServerError): void {
    if (this.#outcome !== undefined) return
    if (error.serverCode === 'SHUTTING_DOWN') {
      this.losses++
      if (this.#submitter.takeLost(this, new ConnectionLostError(error.message, { cause: error }))) return
    }
    this.fail(error)
  }

  lost(error: ConnectionLostError): void {
    if (this.#outcome !== undefined) return
    this.losses++
    if (!this.#submitter.takeLost(this, error)) this.fail(error)
  }

  /** How it ends will not be known here. */
  fail(error: GeartrainError): void {
    this.#finish({ type: 'unknown', error })
  }

  #finish(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.submission = undefined
    if (this.losses > 0) this.#submitter.forget(this)
    this.#release()
    if (outcome.type === 'unknown' && this.#handle === undefined) this.#created?.reject(outcome.error)
    if (this.#result !== undefined) this.#settle(this.#result, outcome)
    this.#wake()
  }

  #settle(result: Deferred<Uint8Array>, outcome: Outcome): void {
    switch (outcome.type) {
      case 'complete':
        result.resolve(outcome.data)
        break
      case 'fail':
        result.reject(new JobFailedError(this.function, this.#handle ?? ''))
        break
      case 'exception':
        result.reject(new JobExceptionError(this.function, this.#handle ?? '', outcome.data))
        break
      case 'unknown':
        result.reject(outcome.error)
        break
    }
  }

  #wake(): void {
    this.#happened?.resolve()
    this.#happened = undefined
  }
}
