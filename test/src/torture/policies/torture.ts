import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../simulation/random.ts'
import { repositoryRoot } from '../../support/peers.ts'
import { ServerProcess } from '../server-process.ts'
import { Client } from './client.ts'
import { configuration, tickEveryMs } from './functions.ts'
import type { Fault } from './ledger.ts'
import { Notes, Operator } from './operator.ts'
import { Worker } from './worker.ts'
import { World } from './world.ts'

export interface TortureOptions {
  readonly seed: number
  /** It ends after so many rounds, or with the round in which the time is over. */
  readonly rounds?: number
  readonly untilMs?: number
  readonly onRound?: (round: number, seen: ReadonlyMap<string, number>) => void
  /** True: end with this round. */
  readonly isStopped?: () => boolean
}

export interface TortureResult {
  readonly seed: number
  /** The round that failed, or the last. */
  readonly rounds: number
  readonly durationMs: number
  readonly ticks: number
  readonly seen: Readonly<Record<string, number>>
  readonly fault: (Fault & { readonly log: readonly string[]; readonly directory: string }) | undefined
}

/** Everything is worked off and looked through after so many rounds. */
const auditEvery = 12
const calmWorkers = 3
const roundMsMax = 1600
/** When a round ends, if it is not over before: what has just happened, and how often at most until then. */
const triggers = [
  [5, ['nothing', 1]],
  [1, ['acknowledged', 100]],
  [1, ['complete', 60]],
  [1, ['fail', 20]],
  [1, ['exception', 10]],
  [1, ['dead and tried again', 8]],
  [1, ['dead and deleted', 2]],
  [1, ['policies set', 6]],
  [1, ['paused', 3]],
  [3, ['ticks seen', 1]],
] as const
/** What a server has to do at once, it has to have done by then: far more than it takes. */
const patienceMs = 20_000
const talesMax = 150
const storeCheckChance = 0.15

/** Kills a server with policies and schedules over and over, and holds what comes of it against the ledger. */
export async function torturePolicies(options: TortureOptions): Promise<TortureResult> {
  const run = new Torture(options)
  return run.run()
}

class Torture {
  readonly #options: TortureOptions
  readonly #world = new World()
  readonly #notes = new Notes()
  readonly #directory = mkdtempSync(join(tmpdir(), 'geartrain-torture-policies-'))
  readonly #startedMs = Date.now()
  #server: ServerProcess | undefined
  #log: readonly string[] = []
  #round = 0

  constructor(options: TortureOptions) {
    this.#options = options
    writeFileSync(join(this.#directory, 'geartrain.toml'), configuration)
  }

  async run(): Promise<TortureResult> {
    const { seed, rounds = Infinity, untilMs = Infinity, onRound, isStopped = () => false } = this.#options
    const { ledger } = this.#world
    try {
      while (!this.#world.isOver && this.#round < rounds && Date.now() < untilMs && !isStopped()) {
        this.#round++
        const random = new Random(seed * 2 ** 21 + this.#round)
        await this.#play(random)
        if (this.#round % auditEvery === 0) await this.#audit(random)
        onRound?.(this.#round, ledger.seen)
      }
      await this.#audit(new Random(seed))
      return this.#result()
    } finally {
      await this.#kill()
      if (!this.#world.isOver) rmSync(this.#directory, { recursive: true, force: true })
    }
  }

  /** One life of a server, which is killed in the midst of it. */
  async #play(random: Random): Promise<void> {
    const world = this.#world
    if (random.chance(0.15)) await this.#killStart(random.between(0, 350))
    // The schedule has more than one time to make up for.
    if (random.chance(0.1)) await pause(random.between(tickEveryMs, 3 * tickEveryMs))
    await this.#start()
    if (world.isOver) return
    const operator = new Operator(world, this.#notes)
    if (random.chance(0.7)) await operator.inspect()
    const clients = Array.from({ length: random.between(1, 2) }, () => new Client(world, fork(random)))
    const workers = Array.from({ length: random.between(2, 5) }, () => new Worker(world, fork(random), false))
    void operator.play(fork(random))
    await this.#untilTriggered(random)
    const killed = this.#kill()
    for (const player of [operator, ...clients, ...workers]) player.stop()
    await killed
    if (random.chance(storeCheckChance)) await this.#checkStore()
  }

  /** The server is killed after a while, or in the very moment in which something has been heard. */
  async #untilTriggered(random: Random): Promise<void> {
    const { ledger } = this.#world
    const [what, countMax] = random.weighted<readonly [what: string, countMax: number]>(triggers)
    let countLeft = random.between(1, countMax)
    let isTriggered = false
    ledger.onCount = (counted) => {
      if (counted !== what || --countLeft > 0) return
      isTriggered = true
      this.#server?.kill()
    }
    const late = Date.now() + random.between(200, roundMsMax)
    await this.#world.until(() => isTriggered || Date.now() >= late, patienceMs)
    ledger.onCount = () => {}
  }

  /** Calm workers do what is left, all that is left is looked through, and the server is killed. */
  async #audit(random: Random): Promise<void> {
    const world = this.#world
    if (world.isOver) return
    await this.#start()
    if (world.isOver) return
    const operator = new Operator(world, this.#notes)
    await operator.inspect()
    if (world.isOver) return
    await operator.openGate()
    const workers = Array.from({ length: calmWorkers }, () => new Worker(world, fork(random), true))
    await this.#untilNoneIsLeft(operator)
    await operator.inspectTicks()
    await this.#untilTicksAreDone()
    for (const worker of workers) worker.stop()
    await world.until(() => workers.every(({ isHeard }) => isHeard), patienceMs)
    await operator.settleDisk()
    if (!world.isOver) await operator.inspect()
    this.#expectStrangersNone()
    for (const worker of workers) worker.end()
    if (world.isOver) return
    world.ledger.count('audits')
    await operator.audit(talesMax)
    if (world.isOver) return
    world.ledger.settle()
    await this.#kill()
    await this.#checkStore()
  }

  async #untilNoneIsLeft(operator: Operator): Promise<void> {
    const { ledger } = this.#world
    let left: string[] = []
    for (let looksLeft = patienceMs / 50; looksLeft > 0 && !this.#world.isOver; looksLeft--) {
      left = await operator.liveHandles()
      if (left.length === 0) return
      await pause(50)
    }
    const [handle = ''] = left
    ledger.fail('a', `${left.length} jobs are left, and nobody is given ${handle}`, ledger.ofHandle(handle))
  }

  async #untilTicksAreDone(): Promise<void> {
    const { ledger } = this.#world
    const isDone = await this.#world.until(() => ledger.ticks.undone() === undefined, patienceMs)
    if (!isDone) ledger.fail('g', `no worker is given ${ledger.ticks.undone()}, which is of the schedule`)
  }

  #expectStrangersNone(): void {
    const { ledger } = this.#world
    const stranger = ledger.ticks.stranger()
    if (stranger !== undefined) ledger.fail('g', `workers were given ${stranger}, of which the schedule knows nothing`)
  }

  // Servers

  #spawn(): ServerProcess {
    const store = `sqlite:${join(this.#directory, 'geartrain.db')}`
    return new ServerProcess(store, ['--config', join(this.#directory, 'geartrain.toml')])
  }

  async #start(): Promise<void> {
    const { ledger } = this.#world
    if (this.#server !== undefined) return
    const server = this.#spawn()
    this.#server = server
    const port = await server.ready()
    if (typeof port === 'string') return ledger.fail('k', `the server does not start: ${port}`)
    this.#world.port = port
    ledger.ready()
    void server.exited.then(() => {
      if (!server.isKilled) ledger.fail('k', `the server has ended by itself: ${server.ended}`)
    })
  }

  async #killStart(afterMs: number): Promise<void> {
    const server = this.#spawn()
    await Promise.race([pause(afterMs), server.exited])
    if (server.ended !== undefined) this.#world.ledger.fail('k', `the server does not start: ${server.ended}`)
    server.kill()
    await server.exited
    this.#world.ledger.count('killed at start')
  }

  async #kill(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    server.kill()
    await server.exited
    // What it has sent is still on its way.
    await Promise.all([...this.#world.connections].map(({ closed }) => closed))
    this.#log = server.log
    this.#world.ledger.killed()
  }

  /** What was left on disk fits together: above all, a job is in one of its tables. */
  async #checkStore(): Promise<void> {
    const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
    const { ledger } = this.#world
    ledger.count('stores checked')
    const args = [script, 'store', 'check', '--full', join(this.#directory, 'geartrain.db')]
    await new Promise<void>((resolve) => {
      execFile(process.execPath, args, (error, stdout, stderr) => {
        if (error !== null) ledger.fail('a', `geartrain store check: ${stdout}${stderr}`)
        resolve()
      })
    })
  }

  #result(): TortureResult {
    const { ledger } = this.#world
    const { fault } = ledger
    return {
      seed: this.#options.seed,
      rounds: this.#round,
      durationMs: Date.now() - this.#startedMs,
      ticks: ledger.ticks.count,
      seen: Object.fromEntries([...ledger.seen].sort(([one], [other]) => (one < other ? -1 : 1))),
      fault: fault && { ...fault, log: this.#server?.log ?? this.#log, directory: this.#directory },
    }
  }
}

function fork(random: Random): Random {
  return new Random(random.between(0, 2 ** 40))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
