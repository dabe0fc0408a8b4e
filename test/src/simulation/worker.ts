import type { PacketName } from '@geartrain/protocol'
import { Actor } from './actor.ts'
import { type Command, packet } from './command.ts'
import type { IncomingPacket } from './incoming.ts'
import { drawPayloadBytes } from './plan.ts'
import type { Stage } from './stage.ts'

/** How a worker lives. */
interface Habits {
  readonly grab: PacketName
  /** Grabs that it has out at a time. */
  readonly grabs: number
  /** Functions with the time it asks for, 0 for none. */
  readonly functions: ReadonlyMap<string, number>
  /** It never sleeps but asks again. */
  readonly isRestless: boolean
  /** For a job, on average. */
  readonly workMs: number
  /** Results can be as large as the plan's workloads; else they are small. */
  readonly hasLargeResults: boolean
}

/** Takes jobs and does them, well or badly. Without mischief it is the loop that libgearman's workers run. */
export class Worker extends Actor {
  readonly #habits: Habits
  /** Functions it has said it can do. */
  readonly #abilities = new Set<string>()
  #grabs = 0
  #isAsleep = false
  /** Handles of the jobs it has. */
  readonly #held = new Set<string>()
  #wordCount = 0

  constructor(stage: Stage, name: string, isHonest: boolean) {
    super(stage, name, isHonest)
    this.#habits = isHonest ? honestHabits(stage) : drawHabits(stage)
  }

  get isDone(): boolean {
    return this.#held.size === 0
  }

  protected onConnected(): void {
    const { random } = this.stage
    const commands = [...this.#habits.functions].map(([name, timeoutMs]) => canDo(name, timeoutMs))
    for (const name of this.#habits.functions.keys()) this.#abilities.add(name)
    if (random.chance(0.3)) commands.unshift(packet('SET_CLIENT_ID', [this.name]))
    if (random.chance(0.5)) this.send(...commands)
    else for (const command of commands) this.send(command)
    this.#grab()
    if (this.chance(0.2)) this.later(random.exponential(3000), () => this.leave(this.#wayOut()))
  }

  protected onPacket({ name, args }: IncomingPacket): void {
    if (name === 'NOOP') this.#wake()
    else if (name === 'NO_JOB') this.#findNothing()
    else if (name.startsWith('JOB_ASSIGN')) this.#take(args[0] ?? '', args[1] ?? '')
  }

  protected override onClosed(): void {
    this.#grabs = 0
    this.#isAsleep = false
    this.#held.clear()
    this.#abilities.clear()
  }

  protected onRetire(): void {
    this.leave(this.#wayOut())
  }

  #wayOut(): 'finish' | 'close' | 'reset' | 'vanish' {
    const { random } = this.stage
    return this.isRetired
      ? random.pick(['finish', 'close', 'reset'])
      : random.pick(['finish', 'close', 'reset', 'vanish'])
  }

  #grab(first: readonly Command[] = []): void {
    const count = this.#habits.grabs - this.#grabs
    this.#grabs += Math.max(0, count)
    const grabs = Array.from({ length: Math.max(0, count) }, () => packet(this.#habits.grab))
    this.send(...first, ...grabs)
  }

  #findNothing(): void {
    this.#grabs--
    if (this.#grabs > 0 || this.#held.size > 0) return
    if (this.#habits.isRestless) return this.later(50 + this.pauseMs(), () => this.#grab())
    this.#isAsleep = true
    const { random } = this.stage
    this.send(packet('PRE_SLEEP'))
    if (this.chance(0.1)) this.send(packet('PRE_SLEEP'))
    if (this.chance(0.1)) this.#changeAbilities(random.pick(this.stage.plan.functions))
    if (this.chance(0.1)) this.send(packet('ECHO_REQ', [], 'still there?'))
    if (this.chance(0.1)) this.later(random.exponential(1000), () => this.#grab())
  }

  #wake(): void {
    if (!this.#isAsleep || this.#grabs > 0) return
    const { random } = this.stage
    if (this.chance(0.1)) return this.send(packet('PRE_SLEEP'))
    this.#isAsleep = false
    if (this.chance(0.1)) this.later(random.exponential(1500), () => this.#grab())
    else this.#grab()
  }

  #take(handle: string, name: string): void {
    const { random } = this.stage
    this.#grabs--
    this.#isAsleep = false
    this.#held.add(handle)
    if (this.chance(0.02)) return this.leave(this.#wayOut())
    if (this.chance(0.02)) return this.#giveBack(name)
    // It forgets the job, and has it until it leaves.
    if (this.chance(0.02)) return this.later(random.exponential(3000), () => this.leave(this.#wayOut()))
    if (this.chance(0.05)) this.#grab()
    const timeoutMs = this.#habits.functions.get(name) ?? 0
    const isLate = timeoutMs > 0 && this.chance(0.2)
    const workMs = isLate ? timeoutMs * (0.9 + random.fraction()) : random.exponential(this.#habits.workMs)
    const words = random.chance(0.3) ? Array.from({ length: random.between(1, 4) }, () => this.#word(handle)) : []
    for (const word of words) this.later(workMs * random.fraction(), () => this.send(word))
    this.later(workMs, () => this.#finish(handle))
  }

  #finish(handle: string): void {
    const { random, plan } = this.stage
    if (!this.#held.delete(handle)) return
    const data = this.#payload(this.#habits.hasLargeResults ? drawPayloadBytes(plan, random) : random.between(0, 100))
    const final = random.weighted<Command>([
      [8, packet('WORK_COMPLETE', [handle], data)],
      [1, packet('WORK_FAIL', [handle])],
      [1, packet('WORK_EXCEPTION', [handle], data)],
    ])
    const commands = random.chance(0.2) ? [this.#word(handle), final] : [final]
    if (this.chance(0.03)) commands.push(final)
    if (plan.storage !== undefined && !this.stage.isHealed && random.chance(plan.storage.workerSubmits)) {
      // The next step of some work: when it is acknowledged, the last one must not come back.
      const next = packet('SUBMIT_JOB_BG', [random.pick(plan.functions), ''], this.#payload(random.between(0, 20)))
      commands.push(next)
    }
    if (this.chance(0.03)) commands.push(packet('WORK_COMPLETE', [this.#strangeHandle()], data))
    if (this.chance(0.01)) commands.push(packet('WORK_DATA', [this.#strangeHandle()], data))
    if (this.chance(0.01)) this.peer?.dawdle(random.exponential(3000))
    // Most workers grab in the same breath.
    if (this.#held.size === 0 && random.chance(0.7)) return this.#grab(commands)
    this.send(...commands)
    if (this.#held.size === 0) this.#grab()
  }

  #word(handle: string): Command {
    const data = this.#payload(this.stage.random.between(0, 100))
    return this.stage.random.weighted<Command>([
      [2, packet('WORK_DATA', [handle], data)],
      [1, packet('WORK_WARNING', [handle], data)],
      [2, packet('WORK_STATUS', [handle, String(++this.#wordCount), `of ${this.peer?.line.name}`])],
    ])
  }

  /** Never the same twice. */
  #payload(bytes: number): string {
    return `${this.peer?.line.name} says ${++this.#wordCount} ${'r'.repeat(bytes)}`
  }

  /** A handle that is another worker's, or nobody's. */
  #strangeHandle(): string {
    const { random, ledger } = this.stage
    return random.pick(['H:nobody:1', ...[...ledger.jobs.keys()].slice(-10)])
  }

  /** Takes back its word that it can do the function, and with it the job. */
  #giveBack(name: string): void {
    const { random } = this.stage
    if (random.chance(0.5)) {
      this.send(packet('CANT_DO', [name]))
      this.#abilities.delete(name)
    } else {
      this.send(packet('RESET_ABILITIES'))
      this.#abilities.clear()
    }
    this.#held.clear()
    this.later(this.pauseMs(), () => {
      const missing = [...this.#habits.functions].filter(([other]) => !this.#abilities.has(other))
      for (const [other, timeoutMs] of missing) {
        this.#abilities.add(other)
        this.send(canDo(other, timeoutMs))
      }
      this.#grab()
    })
  }

  #changeAbilities(name: string): void {
    const { random } = this.stage
    if (this.#habits.functions.has(name)) return this.send(canDo(name, this.#habits.functions.get(name) ?? 0))
    this.send(canDo(name, 0))
    this.later(random.exponential(1000), () => {
      if (this.#held.size === 0) this.send(packet('CANT_DO', [name]))
    })
  }
}

function canDo(name: string, timeoutMs: number): Command {
  return timeoutMs > 0 ? packet('CAN_DO_TIMEOUT', [name, String(timeoutMs)]) : packet('CAN_DO', [name])
}

function honestHabits({ plan }: Stage): Habits {
  const functions = new Map(plan.functions.map((name) => [name, 0]))
  return { grab: 'GRAB_JOB_ALL', grabs: 1, functions, isRestless: false, workMs: 0.5, hasLargeResults: false }
}

function drawHabits({ random, plan }: Stage): Habits {
  const functions = new Map<string, number>()
  for (const name of plan.functions) {
    if (random.chance(0.7)) functions.set(name, random.chance(0.3) ? random.pick([1000, 2500]) : 0)
  }
  return {
    grab: random.pick<PacketName>(['GRAB_JOB', 'GRAB_JOB_UNIQ', 'GRAB_JOB_ALL', 'GRAB_JOB_ALL']),
    grabs: random.pick([1, 1, 1, 2, 10]),
    functions,
    isRestless: random.chance(0.1),
    workMs: plan.workMs,
    hasLargeResults: true,
  }
}
