import { type Command, packet } from '../../simulation/command.ts'
import type { IncomingPacket } from '../../simulation/incoming.ts'
import type { Random } from '../../simulation/random.ts'
import { submission } from './client.ts'
import type { Connection } from './connection.ts'
import { functionRules, tickFunction } from './functions.ts'
import type { Attempt, JobAccount } from './job-account.ts'
import type { World } from './world.ts'

type Fate = 'complete' | 'fail' | 'exception' | 'leave' | 'hang'

const roughFates = [
  [6, 'complete'],
  [4, 'fail'],
  [2, 'exception'],
  [0.5, 'leave'],
  [0.4, 'hang'],
] as const satisfies readonly (readonly [number, Fate])[]

const allFunctions = [...functionRules.map(({ name }) => name), tickFunction]
/** A word that comes with a submission is on disk when that is acknowledged. */
const submitChance = 0.3
const slowChance = 0.3
const slowMs = 60
/** What a worker that hangs says comes so long after its time, at least. */
const lateMsMin = 60

/** Does one job after the other, over one connection after another. A calm one does all of them well. */
export class Worker {
  readonly #world: World
  readonly #random: Random
  readonly #isCalm: boolean
  #connection: Connection | undefined
  #functions: readonly string[] = []
  #grabbedAt = 0
  readonly #timers = new Set<NodeJS.Timeout>()
  #isStopped = false
  /** Submissions without an answer, and the words that came with them. */
  #pending: { readonly job: JobAccount; readonly attempt: Attempt }[] = []
  /** Echoes that are to come back, in order. */
  #echoes: (Attempt | string)[] = []

  constructor(world: World, random: Random, isCalm: boolean) {
    this.#world = world
    this.#random = random
    this.#isCalm = isCalm
    this.#start()
  }

  stop(): void {
    this.#isStopped = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** Also when it has no job. */
  end(): void {
    this.stop()
    this.#connection?.end()
  }

  /** Nothing that it has said may still be on its way. */
  get isHeard(): boolean {
    return this.#echoes.length === 0
  }

  #start(): void {
    const random = this.#random
    this.#pending = []
    this.#echoes = []
    const isEverywhere = this.#isCalm || random.chance(0.6)
    this.#functions = allFunctions.filter(() => isEverywhere || random.chance(0.5))
    const connection = this.#world.connect('w', (incoming) => this.#hear(incoming))
    this.#connection = connection
    connection.send(
      packet('SET_CLIENT_ID', [connection.name]),
      ...this.#functions.map((name) => packet('CAN_DO', [name])),
    )
    this.#grab()
  }

  #grab(): void {
    this.#grabbedAt = Date.now()
    this.#connection?.send(packet('GRAB_JOB_UNIQ'))
  }

  #hear({ name, args, data }: IncomingPacket): void {
    const { ledger } = this.#world
    if (name === 'JOB_CREATED') {
      const pending = this.#pending.shift()
      if (pending === undefined) return
      ledger.acknowledged(pending.job, args[0] ?? '')
      ledger.kept(pending.attempt)
    } else if (name === 'ECHO_RES') {
      const said = this.#echoes.shift()
      if (typeof said === 'string') ledger.ticks.finish(said)
      else if (said !== undefined) ledger.received(said)
    } else if (this.#isStopped) return
    else if (name === 'NOOP') this.#grab()
    else if (name === 'NO_JOB') this.#connection?.send(packet('PRE_SLEEP'))
    else if (name === 'JOB_ASSIGN_UNIQ') this.#work(args[0] ?? '', args[1] ?? '', data)
  }

  #work(handle: string, functionName: string, workload: string): void {
    const { ledger } = this.#world
    const worker = this.#connection?.name ?? ''
    if (functionName === tickFunction) return this.#tick(handle)
    const assignment = { worker, handle, function: functionName, workload, grabbedAt: this.#grabbedAt }
    const assigned = ledger.assigned({ ...assignment, heardAt: Date.now() })
    if (assigned === undefined) return
    const { job, attempt } = assigned
    const random = this.#random
    const fate = this.#isCalm ? 'complete' : random.weighted<Fate>(roughFates)
    if (fate === 'leave') {
      ledger.left(job, attempt)
      this.#connection?.reset()
      return this.#later(random.exponential(20), () => this.#start())
    }
    if (fate === 'hang') {
      const delayMs = job.rules.timeoutMs + lateMsMin + random.exponential(50)
      return this.#later(delayMs, () => this.#say(job, attempt, handle, 'complete'))
    }
    if (this.#isCalm || !random.chance(slowChance)) this.#say(job, attempt, handle, fate)
    else this.#later(random.exponential(slowMs), () => this.#say(job, attempt, handle, fate))
  }

  #say(job: JobAccount, attempt: Attempt, handle: string, how: 'complete' | 'fail' | 'exception'): void {
    const { ledger } = this.#world
    const text = how === 'fail' ? '' : ledger.newId(how === 'complete' ? 'r' : 'x')
    const commands: Command[] = [word(how, handle, text)]
    if (!this.#isCalm && this.#random.chance(submitChance)) {
      const submitted = submission(this.#world, this.#random)
      this.#pending.push({ job: submitted.job, attempt })
      commands.push(submitted.command)
    }
    commands.push(packet('ECHO_REQ', [], text))
    this.#echoes.push(attempt)
    ledger.said(job, attempt, how, text)
    this.#connection?.send(...commands)
    this.#grab()
  }

  #tick(handle: string): void {
    this.#world.ledger.ticks.see(handle)
    this.#world.ledger.count('ticks seen')
    this.#connection?.send(packet('WORK_COMPLETE', [handle], 'tock'), packet('ECHO_REQ', [], handle))
    this.#echoes.push(handle)
    this.#grab()
  }

  #later(delayMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#isStopped && !this.#world.isOver) act()
    }, delayMs)
    this.#timers.add(timer)
  }
}

function word(how: 'complete' | 'fail' | 'exception', handle: string, text: string): Command {
  if (how === 'fail') return packet('WORK_FAIL', [handle])
  return packet(how === 'complete' ? 'WORK_COMPLETE' : 'WORK_EXCEPTION', [handle], text)
}
