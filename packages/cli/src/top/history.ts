import type { ConnectedWorker, FunctionStatus, ListedJob } from '@geartrain/client'
import type { Frame, FunctionState, JobState, ServerState, Stuck } from './frame.ts'

/** What a server has answered, or why it has not. What was not asked for is undefined. */
export type Look =
  | {
      readonly version: string
      readonly functions: readonly FunctionStatus[]
      readonly connections: readonly ConnectedWorker[] | undefined
      readonly jobs: readonly ListedJob[] | 'too many' | undefined
    }
  | { readonly problem: string }

interface ServerMemory {
  version: string | undefined
  problem: string | undefined
  functions: ReadonlyMap<string, FunctionStatus>
  connections: readonly ConnectedWorker[] | undefined
  jobs: ReadonlyMap<string, SeenJob> | undefined
  isListTooLong: boolean
}

interface SeenJob {
  readonly job: ListedJob
  readonly seenAt: number
}

interface FunctionMemory {
  /** Since the last frame. */
  arrived: number
  ended: number
  isCompared: boolean
  /** When a job has ended last, or none was waiting. */
  movedAt: number
  readonly queue: number[]
}

const queueFramesMax = 120
/** From here on a queue that does not move is said to be stuck. */
const stuckMs = 10_000

/**
 * What was seen of the servers, look by look, and what can be told from it.
 *
 * A server counts the jobs that it has, and not those that come and go. What changed between two looks says at least how
 * many did: if there are fewer jobs, or fewer running ones, so many have ended, and what then is too many has arrived.
 * Jobs that come and go between two looks are not seen.
 */
export class History {
  readonly #servers: Map<string, ServerMemory>
  readonly #functions = new Map<string, FunctionMemory>()
  #framedAt: number | undefined

  constructor(servers: readonly string[]) {
    this.#servers = new Map(servers.map((server) => [server, unknownServer()]))
  }

  /** `now` in milliseconds of a clock that goes on evenly. */
  take(server: string, look: Look, now: number): void {
    const memory = this.#servers.get(server)
    if (memory === undefined) return
    if ('problem' in look) {
      // When it is back its counts may be others, and nothing has moved by that.
      this.#servers.set(server, { ...unknownServer(), version: memory.version, problem: look.problem })
      return
    }
    const functions = new Map(look.functions.map((each) => [each.function, each]))
    if (memory.problem === undefined && memory.version !== undefined) this.#compare(memory.functions, functions, now)
    memory.functions = functions
    memory.version = look.version
    memory.problem = undefined
    if (look.connections !== undefined) memory.connections = look.connections
    const { jobs } = look
    if (jobs === undefined) return
    memory.isListTooLong = jobs === 'too many'
    memory.jobs = jobs === 'too many' ? noSeenJobs : seen(jobs, memory.jobs ?? noSeenJobs, now)
  }

  /** Every server has answered or failed to. */
  get isComplete(): boolean {
    return [...this.#servers.values()].every(({ version, problem }) => version !== undefined || problem !== undefined)
  }

  /** All of it now; rates are those since the last frame. */
  frame(now: number, atMs: number): Frame {
    const elapsedMs = this.#framedAt === undefined ? 0 : now - this.#framedAt
    this.#framedAt = now
    return {
      atMs,
      servers: Array.from(this.#servers, ([server, memory]) => serverState(server, memory)),
      functions: this.#frameFunctions(now, elapsedMs),
      workers: this.#flat(({ connections = [] }, server) =>
        connections.filter(({ functions }) => functions.length > 0).map((worker) => ({ server, ...worker })),
      ),
      jobs: this.#frameJobs(now),
    }
  }

  #frameJobs(now: number): JobState[] | undefined {
    if ([...this.#servers.values()].every(({ jobs }) => jobs === undefined)) return undefined
    return this.#flat(({ jobs = noSeenJobs }, server) => Array.from(jobs.values(), (job) => jobState(server, job, now)))
  }

  #frameFunctions(now: number, elapsedMs: number): FunctionState[] {
    const sums = sumFunctions(this.#servers.values())
    for (const name of this.#functions.keys()) if (!sums.has(name)) this.#functions.delete(name)
    return Array.from(sums, ([name, { queued, running, workers }]) => {
      const memory = this.#remember(name, now)
      memory.queue.push(queued)
      if (memory.queue.length > queueFramesMax) memory.queue.shift()
      if (queued === 0) memory.movedAt = now
      const stillMs = now - memory.movedAt
      const rate = (jobs: number) => (memory.isCompared && elapsedMs > 0 ? (jobs * 1000) / elapsedMs : undefined)
      const [arrivedPerSecond, endedPerSecond] = [rate(memory.arrived), rate(memory.ended)]
      memory.arrived = 0
      memory.ended = 0
      return {
        function: name,
        queued,
        running,
        workers,
        arrivedPerSecond,
        endedPerSecond,
        queue: [...memory.queue],
        stuck: stuckState(queued, workers, stillMs),
        stillMs,
      }
    })
  }

  #compare(before: ReadonlyMap<string, FunctionStatus>, after: ReadonlyMap<string, FunctionStatus>, now: number): void {
    // A function that came between the looks had no jobs, and one that went has none now.
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const was = before.get(name) ?? noJobs
      const is = after.get(name) ?? noJobs
      const memory = this.#remember(name, now)
      const ended = Math.max(0, was.jobs - is.jobs, was.running - is.running)
      memory.isCompared = true
      memory.ended += ended
      memory.arrived += is.jobs - was.jobs + ended
      if (ended > 0 || is.running !== was.running || is.jobs === is.running) memory.movedAt = now
    }
  }

  #remember(name: string, now: number): FunctionMemory {
    let memory = this.#functions.get(name)
    if (memory === undefined) {
      memory = { arrived: 0, ended: 0, isCompared: false, movedAt: now, queue: [] }
      this.#functions.set(name, memory)
    }
    return memory
  }

  #flat<T>(of: (memory: ServerMemory, server: string) => readonly T[]): T[] {
    return Array.from(this.#servers, ([server, memory]) => of(memory, server)).flat()
  }
}

const noSeenJobs: ReadonlyMap<string, SeenJob> = new Map()
const noJobs = { jobs: 0, running: 0 }

function unknownServer(): ServerMemory {
  return {
    version: undefined,
    problem: undefined,
    functions: new Map(),
    connections: undefined,
    jobs: undefined,
    isListTooLong: false,
  }
}

function serverState(server: string, memory: ServerMemory): ServerState {
  const { version, problem, connections, isListTooLong } = memory
  return { server, version, problem, connections: connections?.length, isListTooLong }
}

function sumFunctions(
  servers: Iterable<ServerMemory>,
): Map<string, { queued: number; running: number; workers: number }> {
  const sums = new Map<string, { queued: number; running: number; workers: number }>()
  for (const { functions } of servers) {
    for (const { function: name, jobs, running, workers } of functions.values()) {
      const sum = sums.get(name) ?? { queued: 0, running: 0, workers: 0 }
      sum.queued += jobs - running
      sum.running += running
      sum.workers += workers
      sums.set(name, sum)
    }
  }
  return sums
}

function stuckState(queued: number, workers: number, stillMs: number): Stuck | undefined {
  if (queued === 0) return undefined
  if (workers === 0) return 'no workers'
  return stillMs >= stuckMs ? 'not moving' : undefined
}

/** The list as it is now; a job that was in it before is known since then. */
function seen(jobs: readonly ListedJob[], before: ReadonlyMap<string, SeenJob>, now: number): Map<string, SeenJob> {
  return new Map(jobs.map((job) => [job.handle, { job, seenAt: before.get(job.handle)?.seenAt ?? now }]))
}

function jobState(server: string, { job, seenAt }: SeenJob, now: number): JobState {
  return { server, ...job, seenMs: now - seenAt }
}
