import type { JobFunction, Session } from '@geartrain/engine'
import type { PacketName } from '@geartrain/protocol'
import type { ServerPacket } from '../../server-packet.ts'
import { type AssignedJob, ForwardedJobs } from './forwarded-jobs.ts'
import type { LinksContext } from './links-context.ts'

/** How a bridge speaks to the other server. */
export interface BridgeLine {
  /** What the other server lets into a packet. */
  readonly packetBytesMax: number
  /** It does not take what it was sent. */
  isFull(): boolean
  send(name: PacketName, args: readonly string[], data?: Uint8Array): void
  giveBack(handle: string, isLost: boolean): void
  /** The link is of no use any more, and has to be made anew. */
  end(why: string): void
}

/** Jobs that are asked for at a time. */
const grabsMax = 32
/** After a job that nobody has begun, no more are asked for than there are idle workers for so long. */
const calmMs = 1000
/** After a job that this server would not take, none of its function is asked for for so long. */
const restMs = 1000

/**
 * What another server is told of a function. `offered`: there may be a worker for it here. `withdrawn`: there was none
 * when the other one had a job, and the next that is idle is waited for. `resting`: a job was refused here.
 */
type Offer = 'offered' | 'withdrawn' | 'resting'

/**
 * Works for another server with the workers of this one. To that server it is a worker that sleeps: it can do what
 * workers here can, and when it is woken it looks who is idle, takes back what nobody is idle for, and asks for as many
 * jobs as there are idle workers. While there is nothing to wake it for, nothing here costs anything.
 */
export class Bridge {
  readonly #context: LinksContext
  readonly #line: BridgeLine
  readonly #jobs: ForwardedJobs
  readonly #offers = new Map<string, Offer>()
  /** Functions whose workers have come or gone in this turn. */
  readonly #changed = new Set<string>()
  /** Grabs that are not answered. */
  #grabs = 0
  /** So many of them have brought a job, of as many as were sent. */
  #got = 0
  #asked = 0
  /** Jobs that are asked for at a time for each idle worker: one may do several at once, or be quick. */
  #perWorker = 1
  #calmUntil = 0
  #isWatching = false
  #isStopped = false
  readonly #stopListening: () => void

  constructor(context: LinksContext, otherName: string, line: BridgeLine) {
    this.#context = context
    this.#line = line
    this.#jobs = new ForwardedJobs(context, otherName, {
      say: (name, args, data) => this.#say(name, args, data),
      giveBack: (job, why) => this.#giveBack(job, why),
      onClosed: () => line.end('the session here that had its jobs has ended'),
    })
    this.#stopListening = context.news.listen({
      onLost() {},
      onWorkersChanged: ({ name }) => {
        if (this.#changed.size === 0) context.clock.soon(() => this.#followChanges())
        this.#changed.add(name)
      },
    })
    for (const { name, workerCount } of context.engine.functions()) if (workerCount > 0) this.#offer(name)
    line.send('PRE_SLEEP', [])
  }

  /** Jobs of the other server that are here. */
  get jobCount(): number {
    return this.#jobs.count
  }

  receive({ name, args, data }: ServerPacket): void {
    if (name === 'NOOP') this.#pull()
    else if (name === 'NO_JOB') this.#grabAnswered()
    else if (name === 'JOB_ASSIGN_UNIQ' || name === 'JOB_ASSIGN_ALL' || name === 'JOB_ASSIGN_TRACED') {
      const [handle = '', functionName = '', unique = '', reducer = '', trace = ''] = args
      this.#take({ handle, function: functionName, unique, reducer, trace, workload: data })
      this.#got++
      this.#grabAnswered()
    } else if (name === 'JOB_CANCEL') this.#jobs.cancel(args[0] ?? '')
  }

  /** The other server reads again. */
  goOn(): void {
    this.#jobs.goOn()
  }

  /** No more jobs are taken; those that are here are done. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#stopListening()
    for (const name of this.#offers.keys()) this.#withdraw(name, 'resting')
  }

  /** The link is gone, and with it the jobs. */
  close(): void {
    this.stop()
    this.#jobs.close()
  }

  // Which functions

  #offer(name: string): void {
    this.#offers.set(name, 'offered')
    this.#line.send('CAN_DO', [name])
  }

  #withdraw(name: string, as: 'withdrawn' | 'resting'): void {
    if (this.#offers.get(name) === 'offered') this.#line.send('CANT_DO', [name])
    this.#offers.set(name, as)
    if (as === 'withdrawn') this.#watch()
  }

  #followChanges(): void {
    for (const name of this.#changed) {
      const hasWorkers = (this.#context.engine.findFunction(name)?.workerCount ?? 0) > 0
      if (this.#isStopped || hasWorkers === this.#offers.has(name)) continue
      if (hasWorkers) this.#offer(name)
      else {
        this.#withdraw(name, 'resting')
        this.#offers.delete(name)
      }
    }
    this.#changed.clear()
  }

  /** Looks at the end of each turn for those that have idle workers again; only while there are any. */
  #watch(): void {
    if (this.#isWatching || this.#isStopped) return
    this.#isWatching = true
    void this.#context.waits
      .until(() => this.#isStopped || this.#withdrawnIdle().next().done !== true, Number.POSITIVE_INFINITY)
      .then(() => {
        this.#isWatching = false
        if (this.#isStopped) return
        for (const name of this.#withdrawnIdle()) this.#offer(name)
        for (const offer of this.#offers.values()) if (offer === 'withdrawn') return this.#watch()
      })
  }

  *#withdrawnIdle(): Generator<string, void> {
    const { engine } = this.#context
    for (const [name, offer] of this.#offers) {
      if (offer === 'withdrawn' && isIdle(engine.findFunction(name))) yield name
    }
  }

  // Which jobs

  #pull(): void {
    if (this.#grabs > 0) return
    const idle = new Set<Session>()
    for (const [name, offer] of this.#offers) {
      if (offer !== 'offered') continue
      const jobFunction = this.#context.engine.findFunction(name)
      if (jobFunction === undefined || !isIdle(jobFunction)) this.#withdraw(name, 'withdrawn')
      else for (const { session } of jobFunction.sleepers) if (idle.size < grabsMax) idle.add(session)
    }
    this.#got = 0
    this.#asked = Math.min(grabsMax, idle.size * this.#perWorker)
    this.#grabs = this.#asked
    if (this.#asked === 0) return this.#line.send('PRE_SLEEP', [])
    for (let i = 0; i < this.#asked; i++) this.#line.send('GRAB_JOB_ALL', [])
  }

  #grabAnswered(): void {
    this.#grabs--
    if (this.#grabs > 0) return
    if (this.#got === this.#asked && this.#context.clock.now() >= this.#calmUntil) {
      this.#perWorker = Math.min(grabsMax, 2 * this.#perWorker)
    }
    if (this.#got > 0) this.#pull()
    else this.#line.send('PRE_SLEEP', [])
  }

  #take(job: AssignedJob): void {
    const workerCount = this.#context.engine.findFunction(job.function)?.workerCount ?? 0
    if (!this.#isStopped && workerCount > 0) this.#jobs.submit(job)
    else this.#giveBack(job, 'not begun')
  }

  #giveBack(job: AssignedJob, why: 'not begun' | 'lost' | 'refused'): void {
    // First, so that it does not come back at once.
    if (why === 'not begun') this.#onNotBegun(job.function)
    if (why === 'refused') this.#rest(job.function)
    this.#line.giveBack(job.handle, why === 'lost')
  }

  #onNotBegun(name: string): void {
    this.#perWorker = 1
    this.#calmUntil = this.#context.clock.now() + calmMs
    if (this.#offers.has(name)) this.#withdraw(name, 'withdrawn')
  }

  #rest(name: string): void {
    if (!this.#offers.has(name) || this.#isStopped) return
    this.#withdraw(name, 'resting')
    this.#context.clock.after(restMs, () => {
      if (this.#offers.get(name) === 'resting' && !this.#isStopped) this.#withdraw(name, 'withdrawn')
    })
  }

  #say(name: PacketName, args: readonly string[], data: Uint8Array = noBytes): boolean {
    const { packetBytesMax } = this.#line
    const [handle = ''] = args
    if (handle.length + 1 + data.length > packetBytesMax) {
      // It would be the end of the link. A worker over there would be told the same.
      this.#jobs.cancel(handle)
      this.#line.send(
        'WORK_EXCEPTION',
        [handle],
        Buffer.from(`A packet may have ${packetBytesMax} bytes on this server`),
      )
    } else this.#line.send(name, args, data)
    return !this.#line.isFull()
  }
}

const noBytes = new Uint8Array(0)

/** A worker of this server waits for a job of it, which may be begun. */
function isIdle(jobFunction: JobFunction | undefined): boolean {
  return jobFunction !== undefined && jobFunction.sleepers.length > 0 && jobFunction.room > 0
}
