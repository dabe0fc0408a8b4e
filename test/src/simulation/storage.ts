import type { Random } from './random.ts'

/** How the server keeps its jobs, and what goes wrong with that. Undefined in a plan: they live in memory. */
export interface StoragePlan {
  /** The engine holds so many ready jobs of a function and priority. */
  readonly windowJobs: number
  /** A commit takes so long, on average. */
  readonly commitMs: number
  /** Of commits that find no room on the disk; there is none for a while then. */
  readonly fullShare: number
  /** Of commits that break the store or end its thread: it has to be opened anew, which fails for a while. */
  readonly breakShare: number
  /** Of commits that take minutes. */
  readonly hangShare: number
  /** A server lives through so many events before it crashes or is closed, on average. */
  readonly eventsPerLife: number
  /** Of servers that are closed and do not crash. */
  readonly closeShare: number
  /** The machine's date is put forward and back while the server is down. */
  readonly isClockSet: boolean
  /** How often a worker submits a job when it has finished one. */
  readonly workerSubmits: number
  /** How often a client sends more than it waits for. */
  readonly floods: number
}

const memoryShare = 0.2

export function drawStorage(random: Random): StoragePlan | undefined {
  if (random.chance(memoryShare)) return undefined
  const trouble = random.pick([0, 0.3, 1, 1, 5])
  return {
    windowJobs: random.pick([1, 2, 3, 10, 4096]),
    commitMs: random.pick([0, 0.1, 1, 1, 5, 20, 100, 1000]),
    fullShare: 0.01 * trouble,
    breakShare: 0.01 * trouble,
    hangShare: 0.005 * trouble,
    eventsPerLife: random.pick([Infinity, 10_000, 3000, 1000, 300]),
    closeShare: random.pick([0, 0.3, 1]),
    isClockSet: random.chance(0.3),
    workerSubmits: random.pick([0, 0.1, 0.5]),
    floods: random.pick([0, 0, 0.05]),
  }
}
