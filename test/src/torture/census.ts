import type { JobRecord } from './job-record.ts'
import type { Ledger } from './ledger.ts'

/**
 * The answer to `show jobs`. A job that is not in it has ended, and those that nobody was told of are as many as
 * submissions without an answer, at most.
 */
export function checkJobs(ledger: Ledger, rows: readonly string[], since: number): void {
  const handles = new Set<string>()
  for (const row of rows) {
    const [handle = ''] = row.split('\t', 1)
    const job = ledger.jobs.find(handle)
    // One that ends while the table is written can be found in memory, and then still on disk.
    if (handles.has(handle) && job?.isSurelyAlive !== false)
      return ledger.fail('c', `show jobs has ${handle} twice`, job)
    handles.add(handle)
  }
  for (const handle of handles) {
    const job = ledger.jobs.find(handle) ?? ledger.addStranger(handle)
    if (job === undefined) return
    ledger.seenAlive(job, since, 'b', 'is in show jobs')
  }
  for (const job of ledger.jobs.live) {
    if (handles.has(job.handle)) continue
    if (job.isSurelyAlive && job.knownAt < since) return ledger.fail('a', `${job.handle} is not in show jobs`, job)
    ledger.missed(job, since)
  }
  const strangers = [...ledger.jobs.live].filter(({ creators }) => creators === undefined).length
  if (strangers === 0) ledger.unanswered.forgetBefore(ledger.life)
  else if (strangers > ledger.unanswered.size) {
    ledger.fail('c', `show jobs has ${strangers} jobs that nobody has submitted`)
  }
}

/** The answer to `status`: of each function, jobs, those that run, workers. */
export function checkStatus(ledger: Ledger, rows: readonly string[], since: number): void {
  const shown = readRows(rows)
  const tally = new Tally(ledger, since)
  for (const name of new Set([...shown.keys(), ...tally.functions])) {
    const [jobs = 0, running = 0] = shown.get(name) ?? []
    const sure = tally.sure(name).length
    const possible = tally.possible(name)
    if (jobs < sure || jobs > possible) {
      const range = sure === possible ? String(sure) : `${sure} to ${possible}`
      return ledger.fail('f', `status counts ${jobs} jobs of ${name}, and there are ${range}`, tally.example(name))
    }
    const held = tally.held(name)
    if (running > jobs || (ledger.isQuiet && running !== held)) {
      return ledger.fail('f', `status counts ${running} jobs of ${name} as running, and workers have ${held}`)
    }
  }
  ledger.count('status checked')
}

/** The answer to `prioritystatus`: of each function, waiting jobs by priority, workers. */
export function checkPriorityStatus(ledger: Ledger, rows: readonly string[], since: number): void {
  const shown = readRows(rows)
  const tally = new Tally(ledger, since)
  for (const name of new Set([...shown.keys(), ...tally.functions])) {
    const counts = shown.get(name)?.slice(0, 3) ?? []
    const waiting = ledger.isQuiet ? tally.sure(name).filter(({ holder }) => holder === undefined) : []
    for (const priority of [0, 1, 2]) {
      const sure = waiting.filter((job) => job.creators?.every((one) => one.priority === priority)).length
      const count = counts[priority] ?? 0
      if (count >= sure) continue
      const text = `prioritystatus counts ${count} jobs of ${name} with priority ${priority}, and there are ${sure}`
      return ledger.fail('f', text, waiting.at(-1))
    }
    const sum = counts.reduce((total, count) => total + count, 0)
    const possible = tally.possible(name)
    if (sum > possible) return ledger.fail('f', `prioritystatus counts ${sum} jobs of ${name}, of ${possible}`)
  }
}

/** How many jobs of each function there must be, and can be. */
class Tally {
  readonly #sure = new Map<string, JobRecord[]>()
  readonly #maybe = new Map<string, number>()
  readonly #held = new Map<string, number>()
  /** Of any function. */
  #strangers = 0

  constructor(ledger: Ledger, since: number) {
    for (const job of ledger.jobs.live) {
      if (job.holder !== undefined && job.function !== undefined) addOne(this.#held, job.function)
      if (job.function === undefined) this.#strangers++
      else if (job.isSurelyAlive && job.knownAt < since) {
        const jobs = this.#sure.get(job.function)
        if (jobs === undefined) this.#sure.set(job.function, [job])
        else jobs.push(job)
      } else if (job.mayBeAlive) addOne(this.#maybe, job.function)
    }
    // Those that ended while the question was on its way.
    for (const job of ledger.jobs.all.values()) {
      const endedAt = Math.min(job.goneAt, job.endedAt)
      if (job.function !== undefined && endedAt !== Infinity && endedAt > since) addOne(this.#maybe, job.function)
    }
    // What older servers were asked is in the tables or nowhere, and so among the strangers.
    for (const submission of ledger.unanswered)
      if (submission.life === ledger.life) addOne(this.#maybe, submission.function)
  }

  get functions(): string[] {
    return [...this.#sure.keys()]
  }

  sure(name: string): readonly JobRecord[] {
    return this.#sure.get(name) ?? []
  }

  held(name: string): number {
    return this.#held.get(name) ?? 0
  }

  possible(name: string): number {
    return this.sure(name).length + (this.#maybe.get(name) ?? 0) + this.#strangers
  }

  example(name: string): JobRecord | undefined {
    return this.sure(name).at(-1)
  }
}

function addOne(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

/** By the name in the first column, the numbers of the others. */
function readRows(rows: readonly string[]): Map<string, number[]> {
  const result = new Map<string, number[]>()
  for (const row of rows) {
    const [name = '', ...numbers] = row.split('\t')
    result.set(name, numbers.map(Number))
  }
  return result
}
