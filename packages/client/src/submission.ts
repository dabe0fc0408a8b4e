import { packets } from '@geartrain/protocol'
import type { RequestKind } from './connection.ts'
import type { CallOptions } from './cutoff.ts'
import { InvalidArgumentError } from './errors.ts'
import { uniqueBytesMax, wireName } from './wire-name.ts'

export type Priority = 'high' | 'normal' | 'low'

interface UniqueOptions extends CallOptions {
  /**
   * Jobs of a function with the same unique, waiting or running, are one job, whose end all submitters get. `-` stands
   * for the workload. At most 64 bytes.
   */
  readonly unique?: string | undefined
}

interface Urgent {
  readonly priority?: Priority | undefined
  readonly reducer?: undefined
}

/** The protocol has such jobs of the normal priority only. */
interface Reduced {
  readonly priority?: 'normal' | undefined
  /** The function that the worker is to give the parts of this job to. */
  readonly reducer: string
}

interface Now {
  readonly runAt?: undefined
  readonly delayMs?: undefined
}

/** And these. Times are rounded up to a second. */
type Later = { readonly priority?: 'normal' | undefined; readonly reducer?: undefined } & (
  | { readonly runAt: Date | undefined; readonly delayMs?: undefined }
  | { readonly delayMs: number | undefined; readonly runAt?: undefined }
)

export type SubmitOptions = UniqueOptions & (Urgent | Reduced)
export type BackgroundOptions = UniqueOptions & (((Urgent | Reduced) & Now) | Later)

/** What is sent of a job. */
export interface Submission {
  readonly kind: RequestKind
  readonly args: readonly string[]
  readonly workload: Uint8Array
  /** What makes it the same job as others; undefined if it is like no other. */
  readonly key: Uint8Array | undefined
}

const foregroundKinds = { high: packets.SUBMIT_JOB_HIGH, normal: packets.SUBMIT_JOB, low: packets.SUBMIT_JOB_LOW }
const backgroundKinds = {
  high: packets.SUBMIT_JOB_HIGH_BG,
  normal: packets.SUBMIT_JOB_BG,
  low: packets.SUBMIT_JOB_LOW_BG,
}

function kindOf(kinds: Readonly<Record<Priority, RequestKind>>, priority: Priority): RequestKind {
  if (Object.hasOwn(kinds, priority)) return kinds[priority]
  throw new InvalidArgumentError(`a priority is high, normal or low, not ${priority}`)
}

/** The packet but for the workload, which may be there later. Throws InvalidArgumentError. */
export type Draft = Pick<Submission, 'kind' | 'args'> & { readonly unique: string }

export function draftForeground(jobFunction: string, options: SubmitOptions): Draft {
  const { unique = '', priority = 'normal', reducer } = options
  const args = [wireName(jobFunction, 'function'), wireName(unique, 'unique', uniqueBytesMax)]
  if (reducer === undefined) return { unique, kind: kindOf(foregroundKinds, priority), args }
  return { unique, kind: packets.SUBMIT_REDUCE_JOB, args: [...args, ...reducerArgs(reducer, priority)] }
}

export function draftBackground(jobFunction: string, options: BackgroundOptions): Draft {
  const { unique = '', priority = 'normal', reducer, runAt, delayMs } = options
  const args = [wireName(jobFunction, 'function'), wireName(unique, 'unique', uniqueBytesMax)]
  if (reducer !== undefined) {
    return { unique, kind: packets.SUBMIT_REDUCE_JOB_BACKGROUND, args: [...args, ...reducerArgs(reducer, priority)] }
  }
  if (runAt === undefined && delayMs === undefined) return { unique, kind: kindOf(backgroundKinds, priority), args }
  assertNormal('a job for later', priority)
  const nowMs = Date.now()
  const atMs = runAt?.getTime() ?? nowMs + (delayMs ?? 0)
  // Rounded up it would still be to come, and gearmand would leave it lying then.
  if (atMs <= nowMs && atMs >= 0) return { unique, kind: backgroundKinds.normal, args }
  return { unique, kind: packets.SUBMIT_JOB_EPOCH, args: [...args, epochSeconds(atMs)] }
}

export function toSubmission({ kind, args, unique }: Draft, workload: Uint8Array): Submission {
  return { kind, args, workload, key: unique === '' ? undefined : unique === '-' ? workload : Buffer.from(unique) }
}

/** The last argument of these packets means nothing. */
function reducerArgs(reducer: string, priority: Priority): string[] {
  assertNormal('a job with a reducer', priority)
  return [wireName(reducer, 'reducer'), '']
}

function assertNormal(what: string, priority: Priority): void {
  if (priority !== 'normal') throw new InvalidArgumentError(`${what} has the normal priority`)
}

/** Rounded up: not before the time that was asked for. */
function epochSeconds(atMs: number): string {
  const seconds = Math.ceil(atMs / 1000)
  if (!(seconds >= 0)) throw new InvalidArgumentError('runAt or delayMs is no time that the protocol can tell')
  return String(seconds)
}
