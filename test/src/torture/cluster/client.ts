import type { ControlAnswer } from '@geartrain/protocol'
import { finalPackets, packet } from '../../simulation/command.ts'
import type { IncomingPacket } from '../../simulation/incoming.ts'
import type { Random } from '../../simulation/random.ts'
import type { Connection } from '../policies/connection.ts'
import type { JobAccount, Submission } from './job-account.ts'
import type { Life } from './life.ts'
import type { Load } from './plan.ts'
import { drawBackground, drawForeground } from './submission-draw.ts'
import { Timers, type World } from './world.ts'

const pauseMs = 60
const batchMax = { light: 3, heavy: 12 } as const satisfies Record<Load, number>
/** Without an answer: then it waits, as the server does for its store. */
const pendingMax = 60
const waitingMax = 20
const foregroundChance = 0.25
const cancelChance = 0.06
/** The youngest. */
const cancellableMax = 3
const leaveChance = 0.004
const comeBackMs = 150

type Action = 'background' | 'foreground' | 'cancel'

/** Submits jobs of all kinds to one server after another, and keeps book of what each has answered. */
export class Client {
  readonly #world: World
  readonly #random: Random
  readonly #load: Load
  readonly #timers = new Timers()
  #connection: Connection | undefined
  #life: Life | undefined
  #pending: Submission[] = []
  /** Foreground jobs that it waits for, by handle. */
  #waiting = new Map<string, Submission>()
  /** Handles of background jobs that it was told lately. */
  #handles: string[] = []
  /** What it asked to cancel, in order. */
  #cancels: JobAccount[] = []
  #mayLeave = true

  constructor(world: World, random: Random, load: Load) {
    this.#world = world
    this.#random = random
    this.#load = load
    this.#start()
  }

  /** It submits nothing more, and hears what comes of what it has. */
  stop(): void {
    this.#timers.stop()
    this.#mayLeave = false
  }

  end(): void {
    this.stop()
    this.#connection?.end()
  }

  #start(): void {
    this.#pending = []
    this.#waiting = new Map()
    this.#cancels = []
    const connected = this.#world.connect('client', this.#random, undefined, (incoming) => this.#hear(incoming))
    if (connected === undefined) return this.#timers.later(comeBackMs, () => this.#start())
    const { connection, life } = connected
    this.#connection = connection
    this.#life = life
    void connection.closed.then(() => {
      this.#giveUp()
      if (this.#connection !== connection) return
      this.#connection = undefined
      this.#timers.later(this.#random.exponential(comeBackMs), () => this.#start())
    })
    this.#act(connection)
  }

  #act(connection: Connection): void {
    if (this.#connection !== connection) return
    const random = this.#random
    if (this.#pending.length < pendingMax) {
      const count = random.between(1, batchMax[this.#load])
      for (let i = 0; i < count; i++) this.#do(connection, this.#draw())
    }
    if (this.#mayLeave && random.chance(leaveChance)) return connection.reset()
    this.#timers.later(random.exponential(pauseMs), () => this.#act(connection))
  }

  #draw(): Action {
    if (this.#waiting.size < waitingMax && this.#random.chance(foregroundChance)) return 'foreground'
    return this.#handles.length > 0 && this.#random.chance(cancelChance) ? 'cancel' : 'background'
  }

  #do(connection: Connection, action: Action): void {
    const random = this.#random
    const { ledger } = this.#world
    if (action === 'cancel') {
      const handle = random.pick(this.#handles)
      const job = ledger.cancelSaid(handle)
      if (job === undefined) return
      this.#cancels.push(job)
      return connection.send(packet('CONTROL', [], JSON.stringify({ op: 'job cancel', handle })))
    }
    const draw = action === 'foreground' ? drawForeground : drawBackground
    const { submission, command } = draw(this.#world, random, connection.name)
    this.#pending.push(submission)
    connection.send(command)
  }

  #hear({ name, args, data }: IncomingPacket): void {
    const { ledger } = this.#world
    const [handle = '', ...said] = args
    if (name === 'JOB_CREATED') this.#created(handle)
    else if (name === 'ERROR') {
      const submission = this.#pending.shift()
      if (submission !== undefined) ledger.refused(submission, args.join(': '))
    } else if (name === 'CONTROL_RES') this.#cancelled(data)
    else if (finalPackets.has(name)) {
      const submission = this.#waiting.get(handle)
      const what = `${this.#connection?.name} hears ${name} of ${handle} ${said.join(' ')}`
      if (submission === undefined) return ledger.fail('f', `${what}, for which it does not wait`)
      ledger.ended(submission, name === 'WORK_COMPLETE' ? 'complete' : 'fail', data)
      this.#waiting.delete(handle)
    }
  }

  #created(handle: string): void {
    const { ledger } = this.#world
    const submission = this.#pending.shift()
    if (submission === undefined)
      return ledger.fail('i', `${this.#connection?.name} is told ${handle}, and has asked for nothing`)
    ledger.acknowledged(submission, handle, this.#life)
    if (!submission.isBackground) return void this.#waiting.set(handle, submission)
    // Others are mostly done before anybody can cancel them.
    if (submission.runAt > Date.now() || this.#random.chance(0.2)) this.#handles.push(handle)
    if (this.#handles.length > cancellableMax) this.#handles.shift()
  }

  #cancelled(body: string): void {
    const job = this.#cancels.shift()
    if (job === undefined) return
    // The server's own words.
    const answered = JSON.parse(body) as ControlAnswer<unknown>
    if (answered.ok) this.#world.ledger.cancelled(job)
    else this.#world.ledger.cancelRefused(job, answered.error.code)
  }

  /** Nobody hears the answers any more. What was to be cancelled may be. */
  #giveUp(): void {
    const { ledger } = this.#world
    for (const submission of [...this.#pending, ...this.#waiting.values()]) ledger.abandoned(submission)
    this.#pending = []
    this.#waiting = new Map()
  }
}
