import { isGrab } from './command.ts'
import { type JobRecord, mayBeReleased } from './job-record.ts'
import type { Ledger } from './ledger.ts'
import type { Entry, Line } from './line.ts'

/** A number that is known within bounds. */
interface Bounds {
  min: number
  max: number
}

interface Counts {
  readonly total: Bounds
  readonly running: Bounds
  readonly workers: Bounds
}

type Check = (rows: readonly string[]) => string | undefined

/**
 * What questions to the server must bring, given what the ledger knows when the question reaches the server. Only
 * questions on connections that nothing holds up are checked: those that are stepped when they are delivered.
 */
export class Census {
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Remembers with a command that is just delivered what its answer must agree with. */
  expect(entry: Entry): void {
    const check = this.#check(entry)
    if (check === undefined || !entry.line.isClear) return
    const { durability } = this.#ledger
    entry.check = (rows) => {
      return entry.isPrompt && !durability.isTroubledSince(entry.deliveredAt) ? check(rows) : undefined
    }
  }

  #check(entry: Entry): Check | undefined {
    const { command } = entry
    if (command.name === 'GET_STATUS') return this.#checkJobStatus(command.args[0] ?? '')
    if (command.name === 'GET_STATUS_UNIQUE') return this.#checkUniqueStatus(command.args[0] ?? '')
    if (command.name !== 'TEXT') return undefined
    const [verb, what, name = ''] = command.line.split(' ')
    if (command.line === 'status') return this.#checkStatus()
    if (command.line === 'show jobs') return this.#checkShowJobs()
    if (verb === 'cancel' && what === 'job') return this.#cancel(name)
    if (verb === 'drop' && what === 'function') return this.#checkDrop(name)
    return undefined
  }

  #checkStatus(): Check {
    const expected = new Map([...this.#ledger.live.keys()].map((name) => [name, this.#count(name)]))
    return (rows) => {
      const found = new Map(rows.map((row) => [row.split('\t')[0] ?? '', row.split('\t').slice(1).map(Number)]))
      for (const [name, { total, running, workers }] of expected) {
        const [totalFound = 0, runningFound = 0, workersFound = 0] = found.get(name) ?? []
        const fault =
          this.#outside('jobs', total, totalFound) ??
          this.#outside('running jobs', running, runningFound) ??
          this.#outside('workers', workers, workersFound)
        if (fault !== undefined) return `${name}: ${fault}`
      }
      return undefined
    }
  }

  /** Every acknowledged job that can't have ended is listed, and none that has. */
  #checkShowJobs(): Check {
    const ledger = this.#ledger
    const sure = this.#jobs().filter((job) => job.mayEndAt === Infinity)
    const ended = ledger.moment
    return (rows) => {
      const listed = new Set(rows.map((row) => row.split('\t')[0] ?? ''))
      for (const { handle, mayEndAt } of sure) {
        if (mayEndAt === Infinity && !listed.has(handle)) return `${handle} is missing`
      }
      for (const handle of listed) {
        const job = ledger.jobs.get(handle)
        if (job !== undefined && job.endedAt < ended) return `${handle} has ended`
      }
      ledger.count('show jobs')
      return undefined
    }
  }

  #cancel(handle: string): Check {
    const ledger = this.#ledger
    const askedAt = ledger.moment
    const job = ledger.jobs.get(handle)
    const isSure = job !== undefined && job.mayEndAt === Infinity
    const hasEnded = job !== undefined && job.endedAt < ledger.moment
    if (job !== undefined) {
      job.mayBeCancelled = true
      ledger.mayEnd(job)
    }
    return ([answer]) => {
      if (answer === 'OK') return hasEnded ? 'it had ended' : undefined
      // While the store was asked, a worker may have had it and finished it.
      const isThere = isSure && (ledger.moment === askedAt || job.last === undefined)
      return isThere ? 'it had not ended' : undefined
    }
  }

  #checkDrop(name: string): Check {
    const { total, workers } = this.#count(name)
    return ([answer]) => {
      if (answer === 'OK') return total.min > 0 || workers.min > 0 ? 'it is in use' : undefined
      if (answer?.includes('still')) return total.max === 0 && workers.max === 0 ? 'it is not in use' : undefined
      return total.min > 0 || workers.min > 0 ? 'it exists' : undefined
    }
  }

  #checkJobStatus(handle: string): Check {
    const job = this.#ledger.jobs.get(handle)
    if (job === undefined) return () => undefined
    const isSure = job.mayEndAt === Infinity
    const hasEnded = job.endedAt < this.#ledger.moment
    const isRunning = isSure && this.#isRunning(job)
    return ([, known, running]) => {
      if (hasEnded && known !== '0') return 'it had ended'
      if (isSure && job.mayEndAt === Infinity && known !== '1') return 'it had not ended'
      return isRunning && running !== '1' ? 'a worker has it' : undefined
    }
  }

  #checkUniqueStatus(unique: string): Check | undefined {
    if (unique === '' || unique === '-') return undefined
    const live = this.#jobs().filter((job) => job.submission.unique === unique && job.mayEndAt === Infinity)
    return ([, known]) => {
      const isLive = live.some((job) => job.mayEndAt === Infinity)
      return isLive && known !== '1' ? 'such a job is there' : undefined
    }
  }

  #count(name: string): Counts {
    const ledger = this.#ledger
    const total = { min: 0, max: 0 }
    const running = { min: 0, max: 0 }
    for (const job of ledger.live.get(name) ?? []) {
      const isSure = job.mayEndAt === Infinity
      total.max++
      if (isSure) total.min++
      if (job.last !== undefined && job.last.overAt === Infinity) running.max++
      if (isSure && this.#isRunning(job)) running.min++
    }
    for (const submission of ledger.submissions.values()) if (submission.function === name) total.max++
    for (const { background, ...submission } of ledger.ghosts.values()) {
      const mayBeThere = background || ledger.options.isDurable || submission.entry.deliveredInTurn === ledger.turn
      if (submission.function === name && mayBeThere) total.max++
    }
    const workers = { min: 0, max: 0 }
    for (const line of ledger.lines) {
      for (const { command } of line.pending()) if (isGrab(command.name)) running.max++
      const can = canDo(line, name)
      if (can === 'yes' && line.state === 'open') workers.min++
      if (can !== 'no') workers.max++
    }
    return { total, running, workers }
  }

  #isRunning(job: JobRecord): boolean {
    const { nowMs, stepMsMax } = this.#ledger.options
    return job.last !== undefined && !mayBeReleased(job.last, nowMs() + stepMsMax)
  }

  #outside(what: string, { min, max }: Bounds, found: number): string | undefined {
    this.#ledger.count(min === max ? 'count known' : 'count within bounds')
    return found < min || found > max ? `${found} ${what}, and there are ${min} to ${max}` : undefined
  }

  #jobs(): JobRecord[] {
    return [...this.#ledger.live.values()].flatMap((jobs) => [...jobs])
  }
}

function canDo(line: Line, name: string): 'yes' | 'no' | 'maybe' {
  for (const { command } of line.pending()) {
    if (command.name === 'RESET_ABILITIES') return 'maybe'
    const isAbility = command.name === 'CAN_DO' || command.name === 'CAN_DO_TIMEOUT' || command.name === 'CANT_DO'
    if (isAbility && command.args[0] === name) return 'maybe'
  }
  return line.abilities.has(name) ? 'yes' : 'no'
}
