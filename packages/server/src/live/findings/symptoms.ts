import type { Policy } from '@geartrain/engine'
import type { Finding } from '@geartrain/protocol'
import type { ServerOptions } from '../../options.ts'
import type { StoreTrouble } from '../../store/news.ts'
import type { StoreFailure } from '../../store/store.ts'

/** What is known of a server, to see what is wrong with it. Times are the engine's, names as on the wire. */
export interface KnownServer {
  readonly now: number
  readonly functions: Iterable<KnownFunction>
  /** Undefined: no job outlives the server. */
  readonly store: KnownStore | undefined
  /** The longest of the last tick. */
  readonly eventLoopDelayMs: number
  readonly isStopping: boolean
}

export interface KnownFunction {
  readonly name: string
  /** Jobs that wait for a worker, on disk too. */
  readonly ready: number
  readonly running: number
  readonly workers: number
  /** Since when the one that waits longest could have been begun; undefined: not known. */
  readonly oldestReadyAt: number | undefined
  /** Since then it has had no worker, if it has none. */
  readonly workersLeftAt: number
  readonly policy: Pick<Policy, 'paused' | 'concurrency' | 'rate' | 'timeoutMs'>
  /** So many jobs its policy would let be begun now. */
  readonly room: number
  /** Attempts that have ended in the last minute. */
  readonly ended: { readonly well: number; readonly badly: number }
  readonly overdue: OverdueJobs | undefined
}

/** Jobs of a function that run for longer than they should. */
export interface OverdueJobs {
  readonly count: number
  /** Of the one that has run longest. */
  readonly handle: string
  readonly startedAt: number
  /** What 95 of 100 of its attempts take at most; undefined: not known. */
  readonly usualMs: number | undefined
}

export interface KnownStore {
  readonly name: string
  readonly trouble: StoreTrouble | undefined
  /** Of the last ticks in which there were commits, the latest last. */
  readonly commitP95sMs: readonly number[]
  /** Since when it has been at work on what it was given last. */
  readonly committingSince: number | undefined
}

/** From when on it is too much. */
export type Thresholds = Pick<ServerOptions, 'warnWaitMs' | 'warnFailures' | 'warnRunningMs'>

/** Something that is wrong, in figures. `since` undefined: since it was seen first. */
export type Symptom = FunctionSymptom | ServerSymptom
interface Basics {
  readonly severity: Finding['severity']
  readonly since?: number
}

export type FunctionSymptom = Basics & { readonly function: string; readonly count: number } & (
    | { readonly kind: 'no worker' }
    | { readonly kind: 'paused'; readonly workers: number }
    | {
        readonly kind: 'long wait'
        readonly waitMs: number
        readonly workers: number
        readonly running: number
        /** What its policy lets be done, if that is why. */
        readonly heldBy: { readonly setting: 'concurrency' | 'rate'; readonly value: number } | undefined
      }
    | { readonly kind: 'failing'; readonly attempts: number; readonly limit: number }
    | {
        readonly kind: 'stuck'
        readonly handle: string
        readonly runMs: number
        readonly usualMs: number | undefined
        readonly timeoutMs: number
      }
  )

export type ServerSymptom = Basics &
  (
    | { readonly kind: 'store failing'; readonly store: string; readonly failure: StoreFailure }
    | { readonly kind: 'store slow'; readonly tookMs: number; readonly isDone: boolean }
    | { readonly kind: 'slow server'; readonly delayMs: number }
    | { readonly kind: 'stopping' }
  )

/** A worker that is started anew is back by then. */
export const workerlessMsMin = 10_000
/** Fewer attempts that ended badly are nothing to speak of. */
export const failuresMin = 5
/** A job that runs so many times as long as others do, and so long at least, is taken for stuck. */
const usualRunsMax = 10
export const overdueMsMin = 300_000
/** What the store may take for a batch, twice in a row or once. */
const commitMsMax = 1000
const commitOnceMsMax = 2000
const commitLostMs = 10_000
const delayMsMax = 1000

/** All that is wrong, in no order. */
export function symptomsOf(known: KnownServer, thresholds: Thresholds): Symptom[] {
  const symptoms: Symptom[] = symptomsOfServer(known)
  for (const each of known.functions) addSymptoms(symptoms, each, known.now, thresholds)
  return symptoms
}

/** A job of a function is overdue when it has run for longer than that. */
export function overdueAfterMs(usualMs: number | undefined, { warnRunningMs }: Thresholds): number {
  if (usualMs === undefined) return warnRunningMs
  return Math.min(warnRunningMs, Math.max(overdueMsMin, usualRunsMax * usualMs))
}

function addSymptoms(symptoms: Symptom[], known: KnownFunction, now: number, thresholds: Thresholds): void {
  const { name, ended, overdue, policy } = known
  const waiting = known.ready > 0 ? waitingSymptom(known, now, thresholds) : undefined
  if (waiting !== undefined) symptoms.push(waiting)
  const attempts = ended.well + ended.badly
  if (ended.badly >= failuresMin && ended.badly / attempts > thresholds.warnFailures) {
    symptoms.push({
      kind: 'failing',
      severity: ended.well === 0 ? 'critical' : 'warning',
      function: name,
      count: ended.badly,
      attempts,
      limit: thresholds.warnFailures,
    })
  }
  if (overdue !== undefined) {
    const { count, handle, startedAt, usualMs } = overdue
    symptoms.push({
      kind: 'stuck',
      severity: 'warning',
      function: name,
      since: startedAt,
      count,
      handle,
      runMs: now - startedAt,
      usualMs,
      timeoutMs: policy.timeoutMs,
    })
  }
}

/** Why its jobs wait, if that is a reason to say so. */
function waitingSymptom(known: KnownFunction, now: number, { warnWaitMs }: Thresholds): FunctionSymptom | undefined {
  const { name, ready: count, workers, running, policy, oldestReadyAt } = known
  if (policy.paused) {
    const since = oldestReadyAt === undefined ? {} : { since: oldestReadyAt }
    return { kind: 'paused', severity: 'warning', function: name, count, workers, ...since }
  }
  if (oldestReadyAt === undefined) return undefined
  if (workers === 0) {
    const since = Math.max(oldestReadyAt, known.workersLeftAt)
    if (now - since <= workerlessMsMin) return undefined
    return { kind: 'no worker', severity: 'critical', function: name, count, since }
  }
  const waitMs = now - oldestReadyAt
  if (waitMs <= warnWaitMs) return undefined
  const since = oldestReadyAt + warnWaitMs
  return {
    kind: 'long wait',
    severity: 'warning',
    function: name,
    count,
    since,
    waitMs,
    workers,
    running,
    heldBy: heldBy(known),
  }
}

function heldBy({
  policy,
  running,
  room,
}: KnownFunction): { setting: 'concurrency' | 'rate'; value: number } | undefined {
  if (running >= policy.concurrency) return { setting: 'concurrency', value: policy.concurrency }
  if (room === 0 && Number.isFinite(policy.rate)) return { setting: 'rate', value: policy.rate }
  return undefined
}

function symptomsOfServer({ now, store, eventLoopDelayMs, isStopping }: KnownServer): Symptom[] {
  const symptoms: Symptom[] = []
  if (isStopping) symptoms.push({ kind: 'stopping', severity: 'warning' })
  if (eventLoopDelayMs > delayMsMax) {
    symptoms.push({ kind: 'slow server', severity: 'warning', delayMs: eventLoopDelayMs })
  }
  if (store?.trouble !== undefined) {
    symptoms.push({ kind: 'store failing', severity: 'critical', store: store.name, ...store.trouble })
  }
  const slow = store && slowStore(store, now)
  if (slow !== undefined) symptoms.push(slow)
  return symptoms
}

function slowStore({ commitP95sMs, committingSince }: KnownStore, now: number): ServerSymptom | undefined {
  const sinceMs = committingSince === undefined ? 0 : now - committingSince
  if (committingSince !== undefined && sinceMs > commitOnceMsMax) {
    const severity = sinceMs > commitLostMs ? 'critical' : 'warning'
    return { kind: 'store slow', severity, since: committingSince, tookMs: sinceMs, isDone: false }
  }
  const [before = 0, last = 0] = commitP95sMs.slice(-2)
  if (before <= commitMsMax || last <= commitMsMax) return undefined
  return { kind: 'store slow', severity: 'warning', tookMs: last, isDone: true }
}
