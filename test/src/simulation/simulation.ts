import { assertInvariants } from '@geartrain/engine'
import type { Actor } from './actor.ts'
import { Administrator } from './administrator.ts'
import { Auditor } from './auditor.ts'
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
const auditMsMax = 120_000
const graceMs = 2000
/** A store that works again is used again within so long. */
const recoveryMs = 3000
/** A server is started again within so long, though its store may hang once and again. */
const restartMsMax = 3_600_000
/** A server that is closed gives up a store that hangs within so long. */
const storePatienceMs = 11_000
/** Storage has its own chance, so that a seed without it is what it was before there was any. */
const storagePurpose = 1
/** The same for policies. */
const policyPurpose = 2

/** Runs one simulation to its end. The same options give the same result. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const trace = new Trace(options.print)
  const random = new Random(options.seed)
  const storageRandom = new Random(options.seed, storagePurpose)
  const policyRandom = new Random(options.seed, policyPurpose)
  const stage = new Stage(drawPlan(random, storageRandom, policyRandom), random, storageRandom, trace, options.sabotage)
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
    const { plan, ledger, host } = this.#stage
    if (plan.ending !== 'close') {
      this.#stage.note('work off')
      this.#stage.heal()
    }
    if (!(await this.#iterateUntil(() => host.isUp && !host.isClosing, restartMsMax))) {
      return ledger.fail('the server is not started again')
    }
    host.keep()
    const close = () => host.server.close(graceMs)
    if (plan.ending === 'close') return this.#close(close, graceMs)
    await this.#workOff(plan.ending === 'finishAll')
    if (plan.ending === 'drain') {
      await this.#probe()
      if (plan.storage !== undefined && !plan.isLimited) await this.#probeHang()
      // Bytes of those who left long ago may have come only now.
      await this.#workOffRest()
    }
    if (ledger.fault === undefined) ledger.finish()
    for (const { name, jobCount } of host.server.engine.functions()) {
      if (jobCount !== 0) ledger.fail(`${name}: ${jobCount} jobs are counted, and there is none`)
    }
    await this.#close(close, graceMs)
    if (ledger.durability.size > 0) ledger.fail(`${ledger.durability.size} jobs are left on the disk`)
  }

  // How it ends

  async #workOff(isLast: boolean): Promise<void> {
    const { host, ledger, plan } = this.#stage
    // Whoever was held up by a slow peer is free now: this shows it.
    await this.#pass(1000)
    if (plan.storage !== undefined) {
      await this.#pass(recoveryMs)
      if (ledger.durability.isFailing) ledger.fail('the server does not try its store again')
      await this.#audit()
    }
    for (const actor of this.#actors) actor.retire()
    for (let i = 1; i <= 3; i++) this.#add(new Worker(this.#stage, `honest${i}`, true))
    await this.#pass(1)
    if (isLast) return this.#close(() => host.server.finishAll(), endingMsMax)
    return this.#workOffRest()
  }

  async #workOffRest(): Promise<void> {
    const { ledger, host } = this.#stage
    const jobCount = () => host.server.engine.jobCount + host.server.engine.backlogSize
    const isOver = () => jobCount() === 0 && this.#actors.every(({ isDone }) => isDone)
    if (await this.#iterateUntil(isOver, endingMsMax)) return
    const waiting = this.#actors.filter(({ isDone }) => !isDone).map(({ name }) => name)
    ledger.fail(`${jobCount()} jobs are never done; ${waiting.join(', ') || 'nobody'} waits`)
  }

  /** All jobs that are there are known. */
  async #audit(): Promise<void> {
    const { ledger, host, plan } = this.#stage
    if (host.server.connectionCount >= plan.limits.connectionsMax) return
    const auditor = new Auditor(this.#stage, 'auditor')
    this.#add(auditor)
    await this.#pass(1)
    auditor.audit()
    if (!(await this.#iterateUntil(() => auditor.isDone, auditMsMax))) ledger.fail('the auditor gets no answers')
    auditor.retire()
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

  /** While the store hangs, foreground jobs go on; when it does not, what has waited for it does. */
  async #probeHang(): Promise<void> {
    const { ledger, host } = this.#stage
    const [keeper, prober] = [new Prober(this.#stage, 'keeper'), new Prober(this.#stage, 'beside')]
    this.#add(keeper)
    this.#add(prober)
    await this.#pass(2000)
    this.#stage.note('probe while the store hangs')
    host.store?.hang()
    keeper.submit()
    await this.#pass(100)
    prober.probe()
    if (!(await this.#iterateUntil(() => prober.isDone, probeMsMax))) ledger.fail('a job waits for a store that hangs')
    if (keeper.isDone) ledger.fail('a job is acknowledged while the store hangs')
    host.store?.goOn()
    if (!(await this.#iterateUntil(() => keeper.isDone, probeMsMax))) ledger.fail('a job waits for a store that works')
  }

  async #close(close: () => Promise<void>, withinMs: number): Promise<void> {
    const { ledger, plan } = this.#stage
    const { host } = this.#stage
    const { server, clock } = host
    this.#stage.note('close')
    ledger.shutDown()
    host.isClosing = plan.storage !== undefined
    const storeMs = plan.storage === undefined ? 0 : storePatienceMs
    let isClosed = false
    void close().then(() => {
      isClosed = true
      this.#isClosed = true
    })
    if (!(await this.#iterateUntil(() => isClosed, withinMs + 1000 + storeMs)))
      return ledger.fail('the server does not close')
    for (const actor of this.#actors) actor.stop()
    await this.#pass(100)
    if (server.connectionCount > 0) ledger.fail(`${server.connectionCount} connections are left of a closed server`)
    if (clock.timerCount > 0) ledger.fail(`${clock.timerCount} timers are left of a closed server`)
    // What is left on the disk is what was promised.
    ledger.restart('close')
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
    const { timeline, plan, random, ledger, host } = this.#stage
    const start = host.clock.soonCalls.length > 0 ? timeline.now : Math.max(timeline.now, timeline.nextAt)
    for (let i = random.between(1, plan.eventsPerIteration); i > 0; i--) {
      if (timeline.nextAt > start + iterationMs) break
      timeline.takeNext()
      await this.#ticks()
      host.endSomeServers()
    }
    const { clock } = host
    const calls = clock.soonCalls
    clock.soonCalls = []
    for (const call of calls) {
      if (clock.isStopped) break
      call()
      await this.#ticks()
      host.endSomeServers()
    }
    this.step++
    if (host.clock.soonCalls.length === 0) ledger.settle()
    ledger.endTurn()
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
    const { host, ledger, plan, timeline } = this.#stage
    const { server, clock } = host
    assertInvariants(server.engine, plan.storage !== undefined)
    if (this.#isClosed || clock.isStopped) return
    // What a store tells of may have been due long ago.
    const knownForMs = timeline.now - (host.store?.toldAtMs ?? 0)
    const lateMs = Math.min(clock.unmovedNow - server.engine.nextDeadline, knownForMs)
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
