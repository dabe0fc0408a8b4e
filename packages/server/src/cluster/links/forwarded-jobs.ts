import type { Job, Session } from '@geartrain/engine'
import type { PacketName } from '@geartrain/protocol'
import { LocalLink } from '../../gateway/local-link.ts'
import { sendSubmission } from '../../gateway/submission.ts'
import type { ServerPacket } from '../../server-packet.ts'
import { type LinksContext, makeBridge } from './links-context.ts'

/** A job of another server's, as that server has assigned it. */
export interface AssignedJob {
  /** At the other server. */
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly reducer: string
  readonly trace: string
  readonly workload: Uint8Array
}

/** What becomes of the jobs, for the server whose they are. */
export interface ForwardedEvents {
  /** A packet about the job of that handle. False: no more can be taken for now, until `goOn` is called. */
  say(name: PacketName, args: readonly string[], data?: Uint8Array): boolean
  /** It is not done here. `refused`: this server would refuse the next one as well. */
  giveBack(job: AssignedJob, why: 'not begun' | 'lost' | 'refused'): void
  /** Its session has ended, by whomever, and with it what becomes of the jobs. */
  onClosed(): void
}

interface Forwarded {
  readonly job: AssignedJob
  /** What it is here; -1 until the server has said. */
  number: number
  /** When it came. */
  readonly since: number
  /** The other server does not want it any more, or has it again. */
  isDropped: boolean
  /** Its worker was lost, and it has ended here. */
  isLost: boolean
}

/** So long a job may wait for a worker that was idle when it was asked for. */
const patienceMs = 20
/** What a submission takes beside names and workload, if it has more than these. */
const moreBytesMax = 2048

/**
 * Jobs of one other server that are done here: a session of this server's own submits them, as a client would, and what
 * becomes of them goes back under the handles that the other one knows.
 */
export class ForwardedJobs {
  readonly #context: LinksContext
  readonly #events: ForwardedEvents
  readonly #link: LocalLink
  readonly #session: Session | undefined
  /** Submissions that are not answered, in the order in which they were sent. */
  readonly #submitted: Forwarded[] = []
  /** By the other server's handle, and by the number here: the same jobs. */
  readonly #byHandle = new Map<string, Forwarded>()
  readonly #byNumber = new Map<number, Forwarded>()
  /** Those that no worker has begun, as far as it was looked. */
  readonly #waiting = new Set<Forwarded>()
  #stopTimer: (() => void) | undefined
  readonly #stopListening: () => void
  #isClosed = false

  constructor(context: LinksContext, otherName: string, events: ForwardedEvents) {
    this.#context = context
    this.#events = events
    this.#link = new LocalLink(context.limits, (packet) => this.#receive(packet))
    this.#link.once('close', () => this.#onClosed())
    const connection = context.connect(this.#link)
    if (connection !== undefined) {
      makeBridge(context.engine, connection)
      connection.clientId = `jobs of ${otherName}`
    }
    this.#session = connection?.session
    this.#stopListening = context.news.listen({
      onWorkersChanged() {},
      onLost: (job, isOver) => this.#onLost(job, isOver),
    })
  }

  get count(): number {
    return this.#byHandle.size
  }

  submit(job: AssignedJob): void {
    const forwarded: Forwarded = { job, number: -1, since: this.#context.clock.now(), isDropped: false, isLost: false }
    const { function: name, unique, reducer, trace, workload } = job
    const otherBytes = name.length + unique.length + 2 + (reducer === '' && trace === '' ? 0 : moreBytesMax)
    const isTooLarge = workload.length + otherBytes > this.#context.limits.packetBytesMax
    if (this.#isClosed || this.#session === undefined || isTooLarge) return this.#events.giveBack(job, 'refused')
    this.#byHandle.set(job.handle, forwarded)
    this.#submitted.push(forwarded)
    const options = reducer === '' ? {} : { reducer }
    sendSubmission(this.#link, { function: name, unique, workload, trace, options }, 'foreground')
  }

  /** The other server has taken it back. A worker that has begun it is told, if it wants to be. */
  cancel(handle: string): void {
    const forwarded = this.#byHandle.get(handle)
    if (forwarded === undefined) return
    this.#drop(forwarded)
  }

  goOn(): void {
    this.#link.goOn()
  }

  /** The other server can't be told of its jobs any more, and has them done elsewhere. */
  close(): void {
    for (const forwarded of this.#byHandle.values()) this.#drop(forwarded)
    this.#end()
    this.#link.destroy()
  }

  readonly #handlers: Partial<Record<PacketName, (packet: ServerPacket) => void>> = {
    JOB_CREATED: ({ args: [handle = ''] }) => {
      const forwarded = this.#submitted.shift()
      if (forwarded === undefined) return
      forwarded.number = this.#context.handles.parse(handle)
      if (forwarded.isDropped) return this.#endHere(forwarded)
      this.#byNumber.set(forwarded.number, forwarded)
      this.#waiting.add(forwarded)
      this.#watch()
    },
    ERROR: () => {
      const forwarded = this.#submitted.shift()
      if (forwarded === undefined || forwarded.isDropped) return
      this.#forget(forwarded)
      this.#events.giveBack(forwarded.job, 'refused')
    },
    WORK_DATA: (packet) => this.#pass(packet, false),
    WORK_WARNING: (packet) => this.#pass(packet, false),
    WORK_STATUS: (packet) => this.#pass(packet, false),
    WORK_COMPLETE: (packet) => this.#pass(packet, true),
    WORK_EXCEPTION: (packet) => this.#pass(packet, true),
    WORK_FAIL: (packet) => this.#pass(packet, true),
  }

  #receive(packet: ServerPacket): void {
    this.#handlers[packet.name]?.(packet)
  }

  #pass({ name, args: [handle = '', ...args], data }: ServerPacket, isLast: boolean): void {
    const forwarded = this.#byNumber.get(this.#context.handles.parse(handle))
    if (forwarded === undefined) return
    if (isLast) this.#forget(forwarded)
    if (name === 'WORK_FAIL' && forwarded.isLost) return this.#events.giveBack(forwarded.job, 'lost')
    if (!this.#events.say(name, [forwarded.job.handle, ...args], data)) this.#link.holdBack()
  }

  /** Another attempt is the other server's to begin. The engine must not be called from here. */
  #onLost({ number }: Job, isOver: boolean): void {
    const forwarded = this.#byNumber.get(number)
    if (forwarded === undefined) return
    if (isOver) forwarded.isLost = true
    else queueMicrotask(() => this.#giveBack(forwarded, 'lost'))
  }

  // Those that wait

  /** A job whose worker has taken another one first does not wait here, where it may be for long: others may be free. */
  #watch(): void {
    this.#stopTimer ??= this.#context.clock.after(patienceMs, () => {
      this.#stopTimer = undefined
      const now = this.#context.clock.now()
      for (const forwarded of this.#waiting) {
        if (this.#hasBegun(forwarded)) this.#waiting.delete(forwarded)
        else if (now - forwarded.since >= patienceMs && !this.#isAttended(forwarded)) {
          this.#giveBack(forwarded, 'not begun')
        }
      }
      if (this.#waiting.size > 0) this.#watch()
    })
  }

  #hasBegun({ number }: Forwarded): boolean {
    return this.#context.engine.findJob(number)?.state !== 'ready'
  }

  /** Somebody is about to take it. */
  #isAttended({ job: { function: name } }: Forwarded): boolean {
    const { engine } = this.#context
    const jobFunction = engine.findFunction(name)
    if (jobFunction === undefined || jobFunction.room === 0 || engine.isDraining) return false
    return jobFunction.sleepers.length + jobFunction.wokenCount > 0
  }

  // The end

  #giveBack(forwarded: Forwarded, why: 'not begun' | 'lost'): void {
    if (forwarded.isDropped || this.#byHandle.get(forwarded.job.handle) !== forwarded) return
    this.#drop(forwarded)
    this.#events.giveBack(forwarded.job, why)
  }

  #drop(forwarded: Forwarded): void {
    forwarded.isDropped = true
    this.#forget(forwarded)
    if (forwarded.number >= 0) this.#endHere(forwarded)
  }

  #forget(forwarded: Forwarded): void {
    const { job, number } = forwarded
    this.#byHandle.delete(job.handle)
    if (this.#byNumber.get(number) === forwarded) this.#byNumber.delete(number)
    this.#waiting.delete(forwarded)
  }

  /** Unless others wait for it as well. */
  #endHere({ number }: Forwarded): void {
    const { engine, turn } = this.#context
    const job = engine.findJob(number)
    if (job === undefined || job.background) return
    if (job.waiters.some(({ session }) => session !== this.#session)) return
    turn.begin()
    engine.cancel(number)
  }

  #onClosed(): void {
    if (this.#isClosed) return
    this.#end()
    this.#events.onClosed()
  }

  #end(): void {
    this.#isClosed = true
    this.#stopTimer?.()
    this.#stopListening()
  }
}
