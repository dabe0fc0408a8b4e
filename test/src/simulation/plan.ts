import { defaultLimits, type Limits } from '@geartrain/server'
import type { Weather } from './pipe.ts'
import type { Random } from './random.ts'
import type { SocketSizes } from './server-socket.ts'
import { drawStorage, type StoragePlan } from './storage.ts'

/** What a simulation is made of, all drawn from its seed. */
export interface Plan {
  readonly functions: readonly string[]
  readonly attemptsMax: number
  readonly wakeCount: number
  readonly exceptions: boolean
  readonly limits: Limits
  /** Jobs, functions or connections may be refused for want of room. */
  readonly isLimited: boolean
  /** So many things may reach the server in one iteration of its loop. */
  readonly eventsPerIteration: number
  /** The server's clock goes on by so much, at most, while the server works from one look at it to the next. */
  readonly lookMs: number
  /** Everybody's pause between two deeds, on average. */
  readonly pauseMs: number
  readonly workMs: number
  /** How often what can go wrong does: 0 is a quiet day. */
  readonly mischief: number
  readonly workloadBytesMax: number
  /** Now and then a workload or result has so many; 0: never. */
  readonly largeBytes: number
  readonly foregroundClients: number
  readonly backgroundClients: number
  readonly workers: number
  readonly administrators: number
  readonly vandals: number
  readonly ending: Ending
  /** Results of background jobs are kept, which changes nothing that clients and workers see. */
  readonly keepsResults: boolean
  /** Undefined: jobs live in memory. */
  readonly storage: StoragePlan | undefined
}

/**
 * drain: all jobs are worked off by workers without a fault. close: the server is closed under load.
 * finishAll: the server is told to end when all is done.
 */
type Ending = 'drain' | 'close' | 'finishAll'

const functionNames = [
  '',
  'f',
  'reverse',
  'resize.image',
  'caf\xc3\xa9',
  'F',
  'a-function-with-a-name-of-some-length',
  'f2',
]

/** The others are others: what comes of a seed without storage, or without policies, does not depend on them. */
export function drawPlan(random: Random, storageRandom: Random, policyRandom: Random): Plan {
  const functions = shuffled(random, functionNames).slice(0, random.between(1, 5))
  const isLimited = random.chance(0.2)
  const isStrict = random.chance(0.3)
  const eventsPerIteration = random.pick([1, 3, 10, 40])
  return {
    functions,
    attemptsMax: random.pick([Infinity, Infinity, Infinity, 1, 2, 3]),
    wakeCount: random.pick([1, 1, 1, 2, Infinity]),
    exceptions: random.chance(0.1),
    isLimited,
    limits: {
      ...defaultLimits,
      connectionsMax: isLimited ? random.between(15, 20) : defaultLimits.connectionsMax,
      jobsPerFunctionMax: isLimited ? random.between(1, 20) : defaultLimits.jobsPerFunctionMax,
      outputBytesMax: random.pick([defaultLimits.outputBytesMax, 100_000, 20_000]),
      handshakeTimeoutMs: isStrict ? 5000 : 0,
      packetTimeoutMs: isStrict ? 5000 : 60_000,
      outputTimeoutMs: isStrict ? random.pick([3000, 20_000]) : 60_000,
    },
    eventsPerIteration,
    lookMs: random.pick([0, 0, 0.05, eventsPerIteration > 3 ? 0.05 : 12]),
    pauseMs: random.pick([1, 10, 50, 200]),
    workMs: random.pick([0.5, 5, 50]),
    mischief: random.pick([0, 0.3, 1, 1, 3]),
    workloadBytesMax: random.pick([20, 200, 200, 10_000, 60_000]),
    // On a slow line they take longer than a strict server waits for a packet.
    largeBytes: isStrict ? 0 : random.pick([0, 0, 0, 0, 1_500_000]),
    foregroundClients: random.between(1, 5),
    backgroundClients: random.between(0, 3),
    workers: random.between(1, 7),
    administrators: random.between(0, 2),
    vandals: random.between(0, 2),
    ending: random.weighted([
      [7, 'drain'],
      [1, 'close'],
      [2, 'finishAll'],
    ]),
    keepsResults: policyRandom.chance(0.3),
    storage: drawStorage(storageRandom),
  }
}

/** The size of a workload or a result: most are small. */
export function drawPayloadBytes({ workloadBytesMax, largeBytes }: Plan, random: Random): number {
  if (largeBytes > 0 && random.chance(0.01)) return largeBytes
  return Math.floor(workloadBytesMax * random.fraction() ** 3)
}

/** The weather of one connection. */
export function drawWeather(random: Random): Weather {
  return {
    latencyMs: random.pick([0.05, 0.5, 0.5, 5, 30]),
    splitChance: random.pick([0, 0.1, 0.5]),
    bytesPerMs: random.pick([Infinity, Infinity, 100_000, 1000, 100]),
  }
}

export const clearWeather: Weather = { latencyMs: 0.2, splitChance: 0.05, bytesPerMs: Infinity }

export function drawSizes(random: Random): SocketSizes {
  return {
    kernelBytes: random.pick([300, 300, 5000, 100_000, 2_000_000]),
    highWaterMark: random.pick([100, 16_384, 16_384, 65_536]),
  }
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const rest = [...items]
  const result: T[] = []
  while (rest.length > 0) result.push(...rest.splice(random.between(0, rest.length - 1), 1))
  return result
}
