import { packets } from '@geartrain/protocol'
import type { RequestKind } from './connection.ts'
import type { CallOptions } from './cutoff.ts'
import { InvalidArgumentError } from './errors.ts'
import { epochText } from './precision.ts'
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

/** And these. Other servers than Geartrain know seconds only: times are rounded up to one. */
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

/** The packet but for the workload, which may be there later. */
export type Draft = Pick<Submission, 'kind' | 'args'> & { readonly unique: string }

/** Throws InvalidArgumentError. */
export function draftForeground(jobFunction: string, options: SubmitOptions): Draft {
  return draft(jobFunction, options, foregroundKinds, packets.SUBMIT_REDUCE_JOB)
}

/** Throws InvalidArgumentError. */
export function draftBackground(jobFunction: string, options: BackgroundOptions): Draft {
  const { priority = 'normal', reducer, runAt, delayMs } = options
  const now = draft(jobFunction, options, backgroundKinds, packets.SUBMIT_REDUCE_JOB_BACKGROUND)
  if (reducer !== undefined || (runAt === undefined && delayMs === undefined)) return now
  assertNormal('a job for later', priority)
  const nowMs = Date.now()
  const atMs = runAt?.getTime() ?? nowMs + (delayMs ?? 0)
  if (!(atMs >= 0 && atMs <= Number.MAX_SAFE_INTEGER))
    throw new InvalidArgumentError('runAt or delayMs is no time that the protocol can tell')
  // Rounded up it would still be to come, and gearmand would leave it lying then.
  if (atMs <= nowMs) return now
  return { ...now, kind: packets.SUBMIT_JOB_EPOCH, args: [...now.args, epochText(atMs)] }
}

function draft(
  jobFunction: string,
  { unique = '', priority = 'normal', reducer }: Pick<SubmitOptions, 'unique' | 'priority' | 'reducer'>,
  kinds: Readonly<Record<Priority, RequestKind>>,
  reduceKind: RequestKind,
): Draft {
  const args = [wireName(jobFunction, 'function'), wireName(unique, 'unique', uniqueBytesMax)]
  if (!Object.hasOwn(kinds, priority)) {
    throw new InvalidArgumentError(`a priority is high, normal or low, not ${priority}`)
  }
  if (reducer === undefined) return { unique, kind: kinds[priority], args }
  assertNormal('a job with a reducer', priority)
  // The last argument of these packets means nothing.
  return { unique, kind: reduceKind, args: [...args, wireName(reducer, 'reducer'), ''] }
}

export function toSubmission({ kind, args, unique }: Draft, workload: Uint8Array): Submission {
  return { kind, args, workload, key: unique === '' ? undefined : unique === '-' ? workload : Buffer.from(unique) }
}

function assertNormal(what: string, priority: Priority): void {
  if (priority !== 'normal') throw new InvalidArgumentError(`${what} has the normal priority`)
}
