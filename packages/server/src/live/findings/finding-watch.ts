import type { JobFunction } from '@geartrain/engine'
import type { Finding, LiveServer } from '@geartrain/protocol'
import { functionTotals } from '../../cluster/totals.ts'
import type { Handles } from '../../handles.ts'
import type { Figures } from '../../metrics/figures.ts'
import type { FunctionFigures } from '../../metrics/function-figures.ts'
import { findingOf } from './finding.ts'
import { type Lasting, LastingSymptoms } from './lasting.ts'
import { overdueJobs } from './overdue-jobs.ts'
import {
  type KnownFunction,
  type KnownServer,
  type KnownStore,
  type OverdueJobs,
  symptomsOf,
  type Thresholds,
} from './symptoms.ts'

/** So many are told, the worst ones. */
const findingsMax = 100
/** What takes more than a look at each function is looked at anew when it is older. */
const slowLookMs = 5000
/** How long a tick in which the store was slow is remembered. */
const commitsKeptMs = 15_000
const minuteSeconds = 60

export interface FindingContext {
  readonly figures: Figures
  readonly handles: Handles
  readonly thresholds: Thresholds
}

/** Looks at a server for what is wrong with it, when somebody wants to know. */
export class FindingWatch {
  readonly #context: FindingContext
  readonly #lasting = new LastingSymptoms()
  /** Workers that are not back yet from before the server's start have left then. */
  readonly #startedAt: number
  #lookedAt = Number.NEGATIVE_INFINITY
  #found: readonly Lasting[] = []
  #overdue: ReadonlyMap<string, OverdueJobs> = new Map()
  #overdueAt = Number.NEGATIVE_INFINITY
  #commits: readonly { readonly at: number; readonly p95Ms: number }[] = []

  constructor(context: FindingContext) {
    this.#context = context
    this.#startedAt = context.figures.clock.now()
  }

  /** To be awaited before the first look: since when jobs on disk wait is asked of the store. */
  async prepare(): Promise<void> {
    await this.#context.figures.oldest.refresh(slowLookMs)
  }

  /** For how long nobody has looked. */
  get ageMs(): number {
    return this.#context.figures.clock.now() - this.#lookedAt
  }

  /** `server`: of the tick that is over; undefined: nobody has measured. */
  look(server: LiveServer | undefined): void {
    const { figures, thresholds } = this.#context
    this.#lookedAt = figures.clock.now()
    const known = this.#known(this.#lookedAt, server)
    this.#found = this.#lasting.update(symptomsOf(known, thresholds), this.#lookedAt)
  }

  /** What was found, the worst first, of functions that `maySee` is true of. `isWhole`: all that is known of the server, too. */
  found(maySee: (name: string) => boolean, isWhole: boolean): Finding[] {
    const { offsetMs } = this.#context.figures.wallTime
    const findings: Finding[] = []
    for (const each of this.#found) {
      if (findings.length === findingsMax) break
      const { symptom } = each
      const isSeen = 'function' in symptom ? maySee(symptom.function) : isWhole || symptom.kind === 'store failing'
      if (isSeen) findings.push(findingOf(each, offsetMs, isWhole))
    }
    return findings
  }

  #known(now: number, server: LiveServer | undefined): KnownServer {
    const { engine, health } = this.#context.figures
    const functions: KnownFunction[] = []
    this.#lookAtRunning(now)
    for (const jobFunction of engine.functions()) {
      const known = this.#knownFunction(jobFunction, now)
      if (known !== undefined) functions.push(known)
    }
    return {
      now,
      functions,
      store: this.#knownStore(now, server?.store?.commitP95Ms),
      eventLoopDelayMs: server?.eventLoopDelayMs ?? 0,
      isStopping: health.isStopping,
    }
  }

  /** Undefined: nothing happens there. */
  #knownFunction(jobFunction: JobFunction, now: number): KnownFunction | undefined {
    const { functions, oldest } = this.#context.figures
    const { name, policy, flow } = jobFunction
    const { ready: lines, running, workers } = functionTotals(jobFunction)
    const ready = lines[0] + lines[1] + lines[2]
    const figures = functions.find(name)
    const isQuiet = figures?.isQuiet(now) !== false
    if (ready === 0 && running === 0 && isQuiet) return undefined
    return {
      name,
      ready,
      running,
      workers,
      oldestReadyAt: ready === 0 ? undefined : oldest.readyAt(jobFunction),
      workersLeftAt: Math.max(this.#startedAt, figures?.workersLeftAt ?? 0),
      policy,
      room: flow?.room(now) ?? Number.POSITIVE_INFINITY,
      ended: isQuiet || figures === undefined ? nothingEnded : endedIn(figures, now),
      overdue: this.#overdue.get(name),
    }
  }

  #lookAtRunning(now: number): void {
    if (now - this.#overdueAt < slowLookMs) return
    const { figures, thresholds, handles } = this.#context
    this.#overdueAt = now
    this.#overdue = overdueJobs(figures.engine, figures.functions, thresholds, now, (number) => handles.text(number))
  }

  #knownStore(now: number, commitP95Ms: number | undefined): KnownStore | undefined {
    const { store } = this.#context.figures
    if (store === undefined) return undefined
    const commits = this.#commits.filter(({ at }) => now - at < commitsKeptMs)
    if (commitP95Ms !== undefined) commits.push({ at: now, p95Ms: commitP95Ms })
    this.#commits = commits
    const { name, journal, stats } = store
    return {
      name,
      trouble: journal.trouble,
      commitP95sMs: commits.map(({ p95Ms }) => p95Ms),
      committingSince: stats.committingSince,
    }
  }
}

const nothingEnded: KnownFunction['ended'] = { well: 0, badly: 0 }

function endedIn(figures: FunctionFigures, now: number): KnownFunction['ended'] {
  return {
    well: figures.recent('done', minuteSeconds, now),
    badly: figures.recent('failed', minuteSeconds, now) + figures.recent('retried', minuteSeconds, now),
  }
}
