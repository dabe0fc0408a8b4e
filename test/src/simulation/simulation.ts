import { assertInvariants } from '@geartrain/engine'
import type { Actor } from './actor.ts'
import { Administrator } from './administrator.ts'
import { Client } from './client.ts'
import { drawPlan, type Plan } from './plan.ts'
import { Prober } from './prober.ts'
import { Random } from './random.ts'
import type { Sabotage } from './sabotage.ts'
import { Stage } from './stage.ts'
import { timerLatenessMs } from './timeline.ts'
import { Trace } from './trace.ts'
import { Vandal } from './vandal.ts'
import { Worker } from './worker.ts'

export interface SimulationOptions {
  readonly seed: number
  /** Iterations of the loop before all is brought to its end. */
  readonly steps?: number
  /** Sees every event as it happens. */
  readonly print?: (event: string) => void
  readonly sabotage?: Sabotage
}

export interface SimulationResult {
  readonly seed: number
  /** As asked for. */
  readonly steps: number
  readonly plan: Plan
  /** What was wrong, if anything was. */
  readonly fault: string | undefined
  /** The iteration in which the simulation ended. */
  readonly step: number
  readonly simulatedMs: number
  /** Of the whole trace: the same seed on the same code gives the same. */
  readonly hash: string
  readonly lastEvents: readonly string[]
  /** How often what was seen. */
  readonly seen: ReadonlyMap<string, number>
}

export const stepsDefault = 1000
/** What comes in within this time can come in one iteration of the loop. */
const iterationMs = 1
/** To work off what is left. */
const endingMsMax = 600_000
const endingStepsMax = 100_000
/** An honest worker has its job by then; one whose wake-up was lost is missed only a second later. */
const probeMsMax = 900
const probes = 3
const graceMs = 2000

/** Runs one simulation to its end. The same options give the same result. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const trace = new Trace(options.print)
  const random = new Random(options.seed)
  const stage = new Stage(drawPlan(random), random, trace, options.sabotage)
  const simulation = new Simulation(stage)
  const steps = options.steps ?? stepsDefault
  const stopCatching = catchUncaught((error) => simulation.crash(error))
  try {
    await simulation.run(steps)
  } catch (error) {
    simulation.crash(error)
  } finally {
    stopCatching()
  }
  return {
    seed: options.seed,
    steps,
    plan: stage.plan,
    fault: stage.ledger.fault,
    step: simulation.step,
    simulatedMs: stage.timeline.now,
    lastEvents: trace.last(),
    hash: trace.end(),
    seen: stage.ledger.seen,
  }
}

class Simulation {
  step = 0
  #isClosed = false
  readonly #stage: Stage
  readonly #actors: Actor[] = []

  constructor(stage: Stage) {
    this.#stage = stage
    const { plan } = stage
    for (let i = 1; i <= plan.workers; i++) this.#actors.push(new Worker(stage, `worker${i}`, false))
    for (let i = 1; i <= plan.foregroundClients; i++) this.#actors.push(new Client(stage, `client${i}`, false))
    for (let i = 1; i <= plan.backgroundClients; i++) this.#actors.push(new Client(stage, `background${i}`, true))
    for (let i = 1; i <= plan.administrators; i++) this.#actors.push(new Administrator(stage, `admin${i}`))
    for (let i = 1; i <= plan.vandals; i++) this.#actors.push(new Vandal(stage, `vandal${i}`))
  }

  crash(error: unknown): void {
    this.#stage.ledger.fail(`thrown: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  async run(steps: number): Promise<void> {
    for (const actor of this.#actors) actor.start()
    await this.#iterateUntil(() => this.step >= steps)
    const { ending } = this.#stage.plan
    if (ending === 'close') return this.#closeUnderLoad()
    await this.#workOff(ending === 'finishAll')
    if (ending === 'drain') {
      await this.#probe()
      // Bytes of those who left long ago may have come only now.
      await this.#workOffRest()
    }
    if (this.#stage.ledger.fault === undefined) this.#stage.ledger.finish()
    await this.#close(() => this.#stage.server.close(graceMs), graceMs)
  }

  // How it ends

  async #workOff(isLast: boolean): Promise<void> {
    const { server } = this.#stage
    this.#stage.note('work off')
    this.#stage.heal()
    // Whoever was held up by a slow peer is free now: this shows it.
    await this.#pass(1000)
    for (const actor of this.#actors) actor.retire()
    for (let i = 1; i <= 3; i++) this.#add(new Worker(this.#stage, `honest${i}`, true))
    await this.#pass(1)
    if (isLast) return this.#close(() => server.finishAll(), endingMsMax)
    return this.#workOffRest()
  }

  async #workOffRest(): Promise<void> {
    const { ledger, server } = this.#stage
    const isOver = () => server.engine.jobCount === 0 && this.#actors.every(({ isDone }) => isDone)
    if (await this.#iterateUntil(isOver, endingMsMax)) return
    const waiting = this.#actors.filter(({ isDone }) => !isDone).map(({ name }) => name)
    ledger.fail(`${server.engine.jobCount} jobs are never done; ${waiting.join(', ') || 'nobody'} waits`)
  }

  /** With nothing else to do, each new job is done at once. */
  async #probe(): Promise<void> {
    const { ledger } = this.#stage
    const prober = new Prober(this.#stage, 'prober')
    this.#add(prober)
    for (let i = 0; i < probes; i++) {
      await this.#pass(2000)
      this.#stage.note('probe')
      prober.probe()
      const isDone = await this.#iterateUntil(() => prober.isDone, probeMsMax)
      if (!isDone) ledger.fail(`a job was not done within ${probeMsMax} ms while honest workers slept`)
    }
  }

  async #closeUnderLoad(): Promise<void> {
    await this.#close(() => this.#stage.server.close(graceMs), graceMs)
  }

  async #close(close: () => Promise<void>, withinMs: number): Promise<void> {
    const { ledger, server, clock } = this.#stage
    this.#stage.note('close')
    ledger.shutDown()
    let isClosed = false
    void close().then(() => {
      isClosed = true
      this.#isClosed = true
    })
    if (!(await this.#iterateUntil(() => isClosed, withinMs + 1000))) return ledger.fail('the server does not close')
    for (const actor of this.#actors) actor.stop()
    await this.#pass(100)
    if (server.connectionCount > 0) ledger.fail(`${server.connectionCount} connections are left of a closed server`)
    if (clock.timerCount > 0) ledger.fail(`${clock.timerCount} timers are left of a closed server`)
  }

  #add(actor: Actor): void {
    this.#actors.push(actor)
    actor.start(0)
  }

  // The loop

  /** Lets time pass. */
  async #pass(forMs: number): Promise<void> {
    let isOver = false
    this.#stage.after(forMs, () => {
      isOver = true
    })
    await this.#iterateUntil(() => isOver)
  }

  /** False if the time is up before the condition holds, or something is wrong. */
  async #iterateUntil(condition: () => boolean, withinMs = Infinity): Promise<boolean> {
    const { timeline, ledger } = this.#stage
    const until = timeline.now + withinMs
    const stepsMax = this.step + endingStepsMax
    while (!condition()) {
      if (ledger.fault !== undefined || timeline.now > until || this.step > stepsMax) return false
      await this.#iterate()
    }
    return true
  }

  /** One iteration of the loop as Node has it: what has come in, then what was to be called soon after it. */
  async #iterate(): Promise<void> {
    const { timeline, clock, plan, random, ledger } = this.#stage
    const start = clock.soonCalls.length > 0 ? timeline.now : Math.max(timeline.now, timeline.nextAt)
    for (let i = random.between(1, plan.eventsPerIteration); i > 0; i--) {
      if (timeline.nextAt > start + iterationMs) break
      timeline.takeNext()
      await this.#ticks()
    }
    const calls = clock.soonCalls
    clock.soonCalls = []
    for (const call of calls) {
      call()
      await this.#ticks()
    }
    this.step++
    if (clock.soonCalls.length === 0) ledger.settle()
    ledger.turn++
    this.#check()
  }

  /** All that streams and promises do before the next thing comes in. */
  async #ticks(): Promise<void> {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    this.#stage.ledger.endStep()
  }

  #check(): void {
    const { server, clock, ledger, plan } = this.#stage
    assertInvariants(server.engine)
    if (this.#isClosed) return
    const lateMs = clock.unmovedNow - server.engine.nextDeadline
    const workMs = 20 * plan.lookMs * plan.eventsPerIteration
    if (lateMs > timerLatenessMs + 10 * iterationMs + workMs)
      ledger.fail(`the server oversleeps a deadline by ${lateMs} ms`)
  }
}

/** What is thrown where nobody calls, in a tick or a promise, is a fault of the simulation that runs. */
function catchUncaught(onError: (error: unknown) => void): () => void {
  process.setUncaughtExceptionCaptureCallback(onError)
  return () => process.setUncaughtExceptionCaptureCallback(null)
}
