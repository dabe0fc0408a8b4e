import { packet } from '../../simulation/command.ts'
import type { Random } from '../../simulation/random.ts'
import type { Connection } from './connection.ts'
import type { JobAccount } from './job-account.ts'
import type { World } from './world.ts'

const functionWeights = [
  [4, 'retry'],
  [2, 'fixed'],
  [3, 'limited'],
  [3, 'chain.fetch'],
  [2, 'short'],
  [0.5, 'capped'],
  [1.5, 'gate'],
] as const

const pauseMs = 25
const batchMax = 3
const delayedChance = 0.2
const forms = ['SUBMIT_JOB_BG', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH_BG', 'SUBMIT_JOB_LOW_BG'] as const

/** Submits background jobs, some for a time to come, and keeps book of what is acknowledged. */
export class Client {
  readonly #world: World
  readonly #random: Random
  readonly #connection: Connection
  readonly #pending: JobAccount[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
    this.#connection = world.connect('client', ({ name, args }) => {
      const job = name === 'JOB_CREATED' ? this.#pending.shift() : undefined
      if (job !== undefined) world.ledger.acknowledged(job, args[0] ?? '')
    })
    this.#act()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #act(): void {
    const jobs = Array.from({ length: this.#random.between(1, batchMax) }, () => submission(this.#world, this.#random))
    for (const { job } of jobs) this.#pending.push(job)
    this.#connection.send(...jobs.map(({ command }) => command))
    this.#timer = setTimeout(() => this.#act(), this.#random.exponential(pauseMs))
  }
}

/** A new job, and the packet that submits it. */
export function submission(world: World, random: Random) {
  const name = random.weighted<string>(functionWeights)
  const runAtSeconds = random.chance(delayedChance) ? Math.floor(Date.now() / 1000) + random.between(0, 2) : 0
  const job = world.ledger.submitted(name, runAtSeconds * 1000)
  const unique = random.chance(0.5) ? `u-${job.id}` : ''
  const command =
    runAtSeconds > 0
      ? packet('SUBMIT_JOB_EPOCH', [name, unique, String(runAtSeconds)], job.id)
      : packet(random.pick(forms), [name, unique], job.id)
  return { job, command }
}
