import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../simulation/random.ts'
import { type Event, message, showEvent } from './event.ts'
import { drawRound, honestWorker, type RoundPlan, roundMsMax } from './plan.ts'
import { Player } from './player.ts'
import type { Rule } from './rules.ts'
import { ServerProcess } from './server-process.ts'
import { World } from './world.ts'

export interface TortureOptions {
  readonly seed: number
  /** It ends after so many rounds, or with the round in which the time is over. */
  readonly rounds?: number
  readonly untilMs?: number
  /** memory: no server is killed, and there is one for all rounds. */
  readonly store?: 'sqlite' | 'memory'
  /** Sees each event as it happens. */
  readonly print?: (event: string) => void
  readonly onRound?: (progress: Progress) => void
  /** True: end with this round. */
  readonly isStopped?: () => boolean
}

interface Progress {
  readonly round: number
  readonly kills: number
  readonly jobs: number
  readonly live: number
}

export interface TortureResult {
  readonly seed: number
  /** The round that failed, or the last. */
  readonly rounds: number
  readonly kills: number
  readonly durationMs: number
  /** The longest that a server took from its start to being ready. */
  readonly readyMsMax: number
  /** The most jobs that a server found on disk, as far as is known. */
  readonly foundMax: number
  readonly seen: Readonly<Record<string, number>>
  readonly fault: TortureFault | undefined
}

interface TortureFault {
  readonly rule: Rule
  readonly text: string
  /** Of the job, with the lives of the servers. Times are milliseconds since the run began. */
  readonly history: readonly string[]
  /** Of the server that ran last. */
  readonly log: readonly string[]
  /** Where the database was left; undefined if there is none. */
  readonly directory: string | undefined
}

/** What a server has to do at once, it has to have done by then: far more than it takes. */
const answerMsMax = 15_000
const drainWorkers = 3
/** The server answers one cancellation of a connection after the other. */
const drainCancellers = 8
/** So many jobs that live and so many that have gone are asked for one by one in an inspection. */
const askedHandles = 25
/** Epochs that lie farther ahead are not waited for. */
const soonMs = 60_000

/** Kills a server over and over while it is used, and holds what comes of it against the ledger. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const run = new Torture(options)
  return run.run()
}

class Torture {
  readonly #options: TortureOptions
  readonly #world: World
  readonly #directory: string
  readonly #startedMs = Date.now()
  #round = 0
  #kills = 0
  #readyMsMax = 0
  #foundMax = 0

  constructor(options: TortureOptions) {
    const { print } = options
    this.#options = options
    this.#world = new World(print && ((event: Event) => print(showEvent(event))))
    this.#directory = mkdtempSync(join(tmpdir(), 'geartrain-torture-'))
  }

  async run(): Promise<TortureResult> {
    const { seed, rounds = Infinity, untilMs = Infinity, onRound, isStopped = () => false } = this.#options
    const { ledger } = this.#world
    try {
      while (!this.#isOver && this.#round < rounds && Date.now() < untilMs && !isStopped()) {
        this.#round++
        await this.#playRound(new Random(seed * 2 ** 21 + this.#round))
        onRound?.({
          round: this.#round,
          kills: this.#kills,
          jobs: ledger.seen.get('jobs') ?? 0,
          live: ledger.jobs.live.size,
        })
      }
      if (!this.#isOver) await this.#finish(new Random(seed))
      return this.#result()
    } finally {
      await this.#kill()
      if (ledger.fault === undefined) rmSync(this.#directory, { recursive: true, force: true })
    }
  }

  get #isOver(): boolean {
    return this.#world.ledger.fault !== undefined
  }

  get #isDurable(): boolean {
    return this.#options.store !== 'memory'
  }

  // A round

  async #playRound(random: Random): Promise<void> {
    const plan = drawRound(random, this.#round)
    const world = this.#world
    if (world.server === undefined) {
      for (const afterMs of this.#isDurable ? plan.startKillsMs : []) await this.#killStart(afterMs)
      await this.#start()
    }
    if (!this.#isOver && plan.inspects) await this.#inspect(plan)
    if (!this.#isOver && plan.drains) await this.#drain(plan, random)
    if (this.#isOver) return
    const players = plan.players.map(
      (habits, i) => new Player(world, plan, habits, new Random(random.between(0, 2 ** 40) + i)),
    )
    const isKilled = this.#isDurable && plan.ending === 'kill'
    await this.#playUntilTriggered(plan, players, isKilled)
    if (this.#isOver) return
    if (isKilled) {
      for (const player of players) player.stop()
      return this.#kill()
    }
    for (const player of players) player.stop()
    await this.#calm(plan)
    if (this.#isDurable && plan.ending === 'calm') return this.#kill()
    for (const player of players) player.leave()
  }

  /** The players play; with `kills`, the server is killed in the very moment of the trigger. */
  async #playUntilTriggered({ trigger }: RoundPlan, players: readonly Player[], kills: boolean): Promise<void> {
    const world = this.#world
    const { server } = world
    let isTriggered = false
    const pull = () => {
      if (isTriggered) return
      isTriggered = true
      if (kills) server?.kill()
    }
    let count = 0
    const timer = setTimeout(pull, trigger.what === 'time' ? trigger.afterMs : roundMsMax)
    world.onHeard = ({ name }) => {
      if (trigger.what !== 'time' && name === trigger.what && ++count === trigger.count) pull()
    }
    for (const player of players) player.start()
    await world.until(() => isTriggered, 2 * roundMsMax)
    clearTimeout(timer)
    world.onHeard = () => {}
  }

  /** Nothing new is said, and all that was said is answered; then tables and single jobs are looked at. */
  async #calm(plan: Pick<RoundPlan, 'uniques'>): Promise<void> {
    this.#world.echo()
    await this.#untilNothingIsOwed()
    if (!this.#isOver) await this.#inspect(plan)
  }

  async #inspect({ uniques }: Pick<RoundPlan, 'uniques'>): Promise<void> {
    const { ledger } = this.#world
    const inspector = this.#world.connect(() => {})
    const { live, gone } = ledger.jobs.handles(askedHandles)
    inspector.send(
      message('show jobs'),
      message('status'),
      message('prioritystatus'),
      ...[...live, ...gone].map((handle) => message('GET_STATUS', handle)),
      ...uniques.map((unique) => message('GET_STATUS_UNIQUE', unique)),
    )
    await this.#untilNothingIsOwed()
    inspector.leave('end')
    if (!this.#isOver) ledger.count('inspections')
  }

  async #untilNothingIsOwed(): Promise<void> {
    const { ledger } = this.#world
    if (await this.#inTime(() => ledger.owed() === undefined, 'answers')) return
    ledger.fail('h', `${ledger.owed()}, and nothing else comes in ${answerMsMax} ms`)
  }

  /** False if it does not come true, and no more of that is seen in a long time. True also if something is wrong. */
  async #inTime(isSo: () => boolean, progress: string): Promise<boolean> {
    const { ledger } = this.#world
    for (;;) {
      const before = ledger.seen.get(progress)
      if ((await this.#world.until(isSo, answerMsMax)) || this.#isOver || isSo()) return true
      if (ledger.seen.get(progress) === before) return false
    }
  }

  /** Honest workers do what is due; some jobs of a later day are cancelled. */
  async #drain(plan: Pick<RoundPlan, 'uniques'>, random: Random, isFinal = false): Promise<void> {
    const world = this.#world
    const { ledger } = world
    const workers = Array.from({ length: drainWorkers }, () => {
      return new Player(world, { uniques: [], largeChance: 0 }, honestWorker, new Random(random.between(0, 2 ** 40)))
    })
    for (const worker of workers) worker.start()
    await this.#untilNothingIsDue()
    if (isFinal && !this.#isOver) {
      await world.until(() => ![...ledger.jobs.live].some((job) => job.mayBeAlive && isSoon(job.runAtMsMax)), soonMs)
      await this.#untilNothingIsDue()
    }
    if (this.#isOver) return
    const cancellers = Array.from({ length: drainCancellers }, () => world.connect(() => {}))
    for (const job of ledger.jobs.live) {
      if (isFinal || (job.runAtMsMin > Date.now() + soonMs && random.chance(0.5))) {
        random.pick(cancellers).send(message('cancel job', job.handle))
      }
    }
    for (const worker of workers) worker.stop()
    await this.#calm(plan)
    for (const canceller of cancellers) canceller.leave('end')
    for (const worker of workers) worker.leave()
    ledger.count('drains')
  }

  /** Workers that ask for all there is get all that is due. */
  async #untilNothingIsDue(): Promise<void> {
    const { ledger } = this.#world
    if (await this.#inTime(() => ledger.jobs.due(Date.now()) === undefined, 'assigned')) return
    const job = ledger.jobs.due(Date.now())
    const rule = job !== undefined && job.runAtMsMax > 0 ? 'e' : 'a'
    ledger.fail(rule, `${job?.handle} is due, and no worker that asks for it gets it`, job)
  }

  // The end

  /** Every job that is left comes, or is cancelled; and nothing comes back. */
  async #finish(random: Random): Promise<void> {
    const world = this.#world
    const plan = drawRound(random, this.#round)
    if (world.server === undefined) await this.#start()
    if (!this.#isOver) await this.#inspect(plan)
    if (!this.#isOver) await this.#drain(plan, random, true)
    if (!this.#isOver) await this.#acknowledgeAll()
    if (!this.#isOver) await this.#calm(plan)
    if (this.#isOver) return
    this.#expectNone()
    if (this.#isOver || !this.#isDurable) return
    await this.#kill()
    await this.#start()
    if (!this.#isOver) await this.#inspect(plan)
    this.#expectNone()
  }

  #expectNone(): void {
    const { ledger } = this.#world
    for (const job of ledger.jobs.live) {
      if (job.mayBeAlive) return ledger.fail('a', `${job.handle} is left when all is done`, job)
    }
  }

  /** A last submission, and its end: that it is on disk means that all before it is. */
  async #acknowledgeAll(): Promise<void> {
    let handle: string | undefined
    const peer = this.#world.connect(({ name, args }) => {
      if (name === 'JOB_CREATED') handle = args[0] ?? ''
    })
    peer.send(message('SUBMIT_JOB_BG', 'last', '', this.#world.newName('s')))
    await this.#world.until(() => handle !== undefined, answerMsMax)
    peer.send(message('cancel job', handle ?? ''))
    await this.#untilNothingIsOwed()
    peer.leave('end')
  }

  // Servers

  #spawn(): ServerProcess {
    return new ServerProcess(this.#isDurable ? `sqlite:${join(this.#directory, 'geartrain.db')}` : 'memory')
  }

  async #start(): Promise<void> {
    const world = this.#world
    const startedMs = Date.now()
    const server = this.#spawn()
    world.server = server
    const port = await server.ready()
    if (typeof port === 'string') return world.ledger.fail('f', `the server does not start: ${port}`)
    this.#readyMsMax = Math.max(this.#readyMsMax, Date.now() - startedMs)
    this.#foundMax = Math.max(this.#foundMax, world.ledger.jobs.live.size)
    world.port = port
    world.see({ kind: 'ready', atMs: Date.now() })
    void server.exited.then(() => {
      if (!server.isKilled) world.ledger.fail('f', `the server has ended by itself: ${server.ended}`)
    })
  }

  /** A server that is killed while it starts. */
  async #killStart(afterMs: number): Promise<void> {
    const server = this.#spawn()
    let timer: NodeJS.Timeout | undefined
    await Promise.race([
      server.exited,
      new Promise((resolve) => {
        timer = setTimeout(resolve, afterMs)
      }),
    ])
    clearTimeout(timer)
    if (server.ended !== undefined) {
      this.#world.server = server
      return this.#world.ledger.fail('f', `the server does not start: ${server.ended}`)
    }
    server.kill()
    await server.exited
    this.#kills++
    this.#world.ledger.count('killed at start')
  }

  async #kill(): Promise<void> {
    const world = this.#world
    const { server } = world
    if (server === undefined) return
    server.kill()
    await server.exited
    // What it has sent is still on its way.
    await Promise.all([...world.peers].map(({ closed }) => closed))
    if (this.#isOver) return
    world.server = undefined
    this.#kills++
    world.see({ kind: 'killed', atMs: Date.now() })
  }

  #result(): TortureResult {
    const { ledger, server } = this.#world
    const { fault } = ledger
    return {
      seed: this.#options.seed,
      rounds: this.#round,
      kills: this.#kills,
      durationMs: Date.now() - this.#startedMs,
      readyMsMax: this.#readyMsMax,
      foundMax: this.#foundMax,
      seen: Object.fromEntries([...ledger.seen].sort(([one], [other]) => (one < other ? -1 : 1))),
      fault: fault && {
        rule: fault.rule,
        text: fault.text,
        history: fault.history.map(({ what }) => (typeof what === 'string' ? what : showEvent(what, this.#startedMs))),
        log: server?.log ?? [],
        directory: this.#isDurable ? this.#directory : undefined,
      },
    }
  }
}

/** Not yet, and worth waiting for. */
function isSoon(runAtMs: number): boolean {
  const inMs = runAtMs - Date.now()
  return inMs > 0 && inMs < soonMs
}
