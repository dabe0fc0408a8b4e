import type { PacketName } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { Connection } from '../connection.ts'
import type { HttpContext } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import type { ServerPacket } from '../server-packet.ts'
import { LocalLink } from './local-link.ts'
import { refusal } from './refusal.ts'

/** A job in a worker's hand. Names are as on the wire. */
export interface TakenJob {
  readonly handle: string
  readonly function: string
  readonly unique: string
  readonly reducer: string
  /** A W3C traceparent, or empty. */
  readonly trace: string
  readonly workload: Uint8Array
}

/** What somebody asks for who would do a job. */
export interface WorkOrder {
  /** `timeoutMs` is the time for a job; 0: all it needs. */
  readonly functions: readonly { readonly name: string; readonly timeoutMs: number }[]
  readonly waitMs: number
  /** What it calls itself; may be empty. */
  readonly worker: string
}

/**
 * How a worker's time has ended. `none`: no job came; `refused`: the server did not take it; `returned`: whoever asked
 * for a job left before having it; `cancelled` and `timeout`: the server has taken the job back; `expired`: nothing was
 * heard of it in time; `disconnected`: the server has closed the connection.
 */
export type WorkerEnd =
  | 'none'
  | 'refused'
  | 'returned'
  | 'cancelled'
  | 'timeout'
  | 'expired'
  | 'disconnected'
  | 'complete'
  | 'fail'

export interface WorkerEvents {
  /** Once at most. */
  onJob(job: TakenJob): void
  /** Once, and nothing after it. */
  onEnd(how: WorkerEnd, problem: Problem | undefined): void
}

/** Something said of the job, which the server has not answered yet. */
interface Word {
  readonly resolve: () => void
  readonly reject: (problem: Problem) => void
  problem: Problem | undefined
}

/** So many words may wait for the server, which may wait for a client that reads slowly. */
const wordsMax = 16
const noBytes = new Uint8Array(0)

/**
 * A worker that does one job and leaves: it says what it can do, asks for a job, sleeps until there is one, and takes no
 * other. To the server it is like any other.
 *
 * - asking: its grab is not answered yet. With a job it is working; without, it sleeps, or leaves if its time is over.
 * - sleeping: until it is woken, and asks again.
 * - working: what is said of the job is sent with an echo behind it, whose return tells that the server has taken it.
 * - gone: for good.
 */
export class HttpWorker {
  #state: 'asking' | 'sleeping' | 'working' | 'gone' = 'asking'
  readonly #context: Pick<HttpContext, 'clock' | 'limits' | 'connect' | 'withdraw'>
  readonly #events: WorkerEvents
  readonly #link: LocalLink
  #connection: Connection | undefined
  #stopWaiting: () => void = () => {}
  readonly #words: Word[] = []
  #isTimeOver = false
  #handle = ''

  constructor(context: Pick<HttpContext, 'clock' | 'limits' | 'connect' | 'withdraw'>, events: WorkerEvents) {
    this.#context = context
    this.#events = events
    this.#link = new LocalLink(context.limits, (packet) => this.#handlers[packet.name]?.(packet))
    this.#link.once('close', () => this.#end('disconnected'))
  }

  /** Asks for a job. The events may come before this returns. */
  start(actor: Actor, order: WorkOrder): void {
    const link = this.#link
    this.#connection = this.#context.connect(link, actor)
    if (this.#connection === undefined) return
    this.#isTimeOver = order.waitMs === 0
    if (!this.#isTimeOver) this.#stopWaiting = this.#context.clock.after(order.waitMs, () => this.#onTimeOver())
    if (order.worker !== '') link.send('SET_CLIENT_ID', [order.worker])
    link.send('OPTION_REQ', ['cancellation'])
    link.send('OPTION_REQ', ['tracing'])
    for (const { name, timeoutMs } of order.functions) {
      if (timeoutMs > 0) link.send('CAN_DO_TIMEOUT', [name, String(timeoutMs)])
      else link.send('CAN_DO', [name])
    }
    link.send('GRAB_JOB_ALL', [])
  }

  /** Resolves when the server has taken it. Rejects with a Problem, such as that the job is not this worker's any more. */
  say(name: PacketName, args: readonly string[], data?: Uint8Array): Promise<void> {
    const { packetBytesMax } = this.#context.limits
    if (this.#state !== 'working') return Promise.reject(new Problem('JOB_NOT_YOURS', 'the lease is over'))
    if (this.#handle.length + 1 + (data?.length ?? 0) > packetBytesMax) {
      return Promise.reject(new Problem('BODY_TOO_LARGE', `a packet may have ${packetBytesMax} bytes on this server`))
    }
    if (this.#words.length >= wordsMax) {
      return Promise.reject(new Problem('TOO_MANY_REQUESTS', 'too much was said of this job that is not taken yet'))
    }
    return new Promise((resolve, reject) => {
      this.#words.push({ resolve, reject, problem: undefined })
      this.#link.send(name, [this.#handle, ...args], data)
      this.#link.send('ECHO_REQ', [], noBytes)
    })
  }

  /** The job, unless it has ended, is another worker's; the attempt counts. */
  leave(how: WorkerEnd): void {
    this.#end(how)
  }

  /** The same, as if it had never had the job: who asked for it does not know of it. */
  withdraw(): void {
    if (this.#state === 'gone') return
    if (this.#connection !== undefined) this.#context.withdraw(this.#connection)
    this.#end('returned')
  }

  /** It does not wait any longer. A job that is on its way is taken all the same. */
  #onTimeOver(): void {
    this.#isTimeOver = true
    if (this.#state === 'sleeping') this.#end('none')
  }

  /** What comes from the server; all else is no news. */
  readonly #handlers: Partial<Record<PacketName, (packet: ServerPacket) => void>> = {
    NO_JOB: () => this.#sleep(),
    NOOP: () => this.#ask(),
    JOB_ASSIGN_UNIQ: (packet) => this.#begin(packet),
    JOB_ASSIGN_ALL: (packet) => this.#begin(packet),
    JOB_ASSIGN_TRACED: (packet) => this.#begin(packet),
    JOB_CANCEL: ({ args }) => this.#end(args[1] === 'timeout' ? 'timeout' : 'cancelled'),
    ECHO_RES: () => this.#onTaken(),
    ERROR: ({ args: [code = '', text = ''] }) => this.#onError(code, text),
  }

  #sleep(): void {
    if (this.#isTimeOver) return this.#end('none')
    this.#state = 'sleeping'
    this.#link.send('PRE_SLEEP', [])
  }

  #ask(): void {
    if (this.#state !== 'sleeping') return
    this.#state = 'asking'
    this.#link.send('GRAB_JOB_ALL', [])
  }

  #begin({ args, data: workload }: ServerPacket): void {
    if (this.#state === 'gone') return
    const [handle = '', name = '', unique = '', reducer = '', trace = ''] = args
    this.#state = 'working'
    this.#handle = handle
    this.#stopWaiting()
    this.#events.onJob({ handle, function: name, unique, reducer, trace, workload })
  }

  #onTaken(): void {
    const word = this.#words.shift()
    if (word?.problem === undefined) word?.resolve()
    else word.reject(word.problem)
  }

  #onError(code: string, text: string): void {
    if (code === 'UNKNOWN_OPTION') return
    const [word] = this.#words
    if (this.#state !== 'working') this.#end('refused', refusal(code, text))
    else if (word !== undefined) {
      word.problem =
        code === 'JOB_NOT_FOUND'
          ? new Problem('JOB_NOT_YOURS', "the job has ended, or is another worker's by now")
          : refusal(code, text)
    }
  }

  #end(how: WorkerEnd, problem?: Problem): void {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#stopWaiting()
    this.#link.destroy()
    this.#events.onEnd(how, problem)
    for (const { reject } of this.#words.splice(0)) reject(new Problem('JOB_NOT_YOURS', 'the lease is over'))
  }
}
