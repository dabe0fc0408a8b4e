import { type Command, packet } from '../../simulation/command.ts'
import type { IncomingPacket } from '../../simulation/incoming.ts'
import type { Random } from '../../simulation/random.ts'
import type { Connection } from '../policies/connection.ts'
import { failuresMax, functions, tickFunction } from './functions.ts'
import type { Attempt, JobAccount, Submission } from './job-account.ts'
import type { Life } from './life.ts'
import type { Load } from './plan.ts'
import type { Schedules } from './schedules.ts'
import { drawBackground } from './submission-draw.ts'
import { type Place, Timers, type World } from './world.ts'

type Fate = 'complete' | 'fail' | 'leave'

const roughFates = [
  [40, 'complete'],
  [4, 'fail'],
  [1, 'leave'],
] as const satisfies readonly (readonly [number, Fate])[]
/** A word that comes with a submission is kept when that is acknowledged. */
const submitChance = 0.3
const slowChance = 0.25
const slowMs = { light: 150, heavy: 600 } as const satisfies Record<Load, number>
const comeBackMs = 150

export interface WorkerOptions {
  readonly functions: readonly string[]
  /** Undefined: any server, another one each time. */
  readonly place?: Place
  /** It does every job, well, at once, and submits none. */
  readonly isCalm: boolean
  readonly load: Load
}

/** Does one job after the other, over one connection after another. */
export class Worker {
  readonly #world: World
  readonly #ticks: Schedules
  readonly #random: Random
  readonly #options: WorkerOptions
  readonly #timers = new Timers()
  #isCalm: boolean
  #connection: Connection | undefined
  #life: Life | undefined
  #grabbedAt = 0
  /** The job that it has. */
  #attempt: Attempt | undefined
  /** Submissions without an answer, and the words that came with them. */
  #pending: { readonly submission: Submission; readonly attempt: Attempt }[] = []
  /** Echoes that are to come back, in order. */
  #echoes: Attempt[] = []

  constructor(world: World, ticks: Schedules, random: Random, options: WorkerOptions) {
    this.#world = world
    this.#ticks = ticks
    this.#random = random
    this.#options = options
    this.#isCalm = options.isCalm
    this.#start()
  }

  /** From now on it does its jobs well and submits none. */
  calm(): void {
    this.#isCalm = true
  }

  /** Also when it has a job. */
  end(): void {
    this.#timers.stop()
    this.#connection?.end()
  }

  #start(): void {
    this.#pending = []
    this.#echoes = []
    const { place, functions: names } = this.#options
    const connected = this.#world.connect('worker', this.#random, place, (incoming) => this.#hear(incoming))
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
    connection.send(packet('SET_CLIENT_ID', [connection.name]), ...names.map((name) => packet('CAN_DO', [name])))
    this.#grab()
  }

  #grab(): void {
    this.#grabbedAt = Date.now()
    this.#connection?.send(packet('GRAB_JOB_UNIQ'))
  }

  #hear({ name, args, data }: IncomingPacket): void {
    const { ledger } = this.#world
    const [handle = '', second = ''] = args
    if (name === 'JOB_CREATED') {
      const pending = this.#pending.shift()
      if (pending === undefined) return
      ledger.acknowledged(pending.submission, handle, this.#life)
      ledger.kept(pending.attempt)
    } else if (name === 'ERROR') this.#refused(args.join(': '))
    else if (name === 'ECHO_RES') {
      const attempt = this.#echoes.shift()
      if (attempt !== undefined) ledger.taken(attempt)
    } else if (this.#timers.isStopped) return
    else if (name === 'NOOP') this.#grab()
    else if (name === 'NO_JOB') this.#connection?.send(packet('PRE_SLEEP'))
    else if (name === 'JOB_ASSIGN_UNIQ') this.#work(handle, second, data)
  }

  /** A word on a job that the server has lost meanwhile, or a submission. */
  #refused(why: string): void {
    const { ledger } = this.#world
    if (why.startsWith('JOB_NOT_FOUND')) return ledger.count('words too late')
    const pending = this.#pending.shift()
    if (pending !== undefined) ledger.refused(pending.submission, why)
  }

  #work(handle: string, functionName: string, workload: string): void {
    const { ledger } = this.#world
    const connection = this.#connection
    if (connection === undefined) return
    if (functionName === tickFunction) {
      this.#ticks.see(workload, handle, Date.now())
      connection.send(packet('WORK_COMPLETE', [handle], 'tock'))
      return this.#grab()
    }
    const assigned = { worker: connection.name, life: this.#life, handle, function: functionName, workload }
    const known = ledger.assigned({ ...assigned, givenMin: this.#grabbedAt, heardAt: Date.now() })
    if (known === undefined) return
    const { job, attempt } = known
    this.#attempt = attempt
    const fate = this.#fateOf(job)
    if (fate === 'leave') return connection.reset()
    if (this.#isCalm || !this.#random.chance(slowChance)) return this.#say(connection, attempt, handle, fate)
    this.#timers.later(this.#random.exponential(slowMs[this.#options.load]), () =>
      this.#say(connection, attempt, handle, fate),
    )
  }

  #fateOf(job: JobAccount): Fate {
    if (this.#isCalm) return 'complete'
    const fate = this.#random.weighted<Fate>(roughFates)
    const mayFail = job.function !== functions.retry || job.failures < failuresMax
    return fate === 'fail' && !mayFail ? 'complete' : fate
  }

  #say(connection: Connection, attempt: Attempt, handle: string, how: 'complete' | 'fail'): void {
    if (this.#connection !== connection || !connection.isOpen) return
    const { ledger } = this.#world
    const result = how === 'complete' ? ledger.newId('r') : ''
    const commands: Command[] = [
      how === 'fail' ? packet('WORK_FAIL', [handle]) : packet('WORK_COMPLETE', [handle], result),
    ]
    ledger.said(attempt, how, result)
    this.#attempt = undefined
    if (!this.#isCalm && this.#random.chance(submitChance)) {
      const { submission, command } = drawBackground(this.#world, this.#random, connection.name)
      this.#pending.push({ submission, attempt })
      commands.push(command)
    }
    commands.push(packet('ECHO_REQ', [], 'taken'))
    this.#echoes.push(attempt)
    connection.send(...commands)
    this.#grab()
  }

  #giveUp(): void {
    const { ledger } = this.#world
    if (this.#attempt !== undefined) ledger.lost(this.#attempt)
    this.#attempt = undefined
    for (const { submission } of this.#pending) ledger.abandoned(submission)
    this.#pending = []
  }
}
