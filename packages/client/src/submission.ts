import { packets, type SubmitOptions as WireOptions } from '@geartrain/protocol'
import type { RequestKind } from './connection.ts'
import type { CallOptions } from './cutoff.ts'
import { epochText } from './epoch.ts'
import { InvalidArgumentError } from './errors.ts'
import { type JobPolicy, writePolicy } from './job-policy.ts'
import { uniqueBytesMax, wireName } from './wire-name.ts'

export type Priority = 'high' | 'normal' | 'low'

/**
 * `then`, `policy`, and a priority together with a reducer or a time need a Geartrain server: with others the submission
 * fails with UnsupportedError.
 */
export interface SubmitOptions extends CallOptions {
  /**
   * Jobs of a function with the same unique, waiting or running, are one job, whose end all submitters get. `-` stands
   * for the workload. At most 64 bytes.
   */
  readonly unique?: string | undefined
  readonly priority?: Priority | undefined
  /** The function that the worker is to give the parts of this job to. */
  readonly reducer?: string | undefined
  /** The function that the result is sent on to, as a background job. */
  readonly then?: string | undefined
  /** What the server does with this job, where that is not what it does with all jobs of the function. */
  readonly policy?: JobPolicy | undefined
}

interface Now {
  readonly runAt?: undefined
  readonly delayMs?: undefined
}

/** Other servers than Geartrain know seconds only: times are rounded up to one. */
type Later =
  | { readonly runAt: Date | undefined; readonly delayMs?: undefined }
  | { readonly delayMs: number | undefined; readonly runAt?: undefined }

export type BackgroundOptions = SubmitOptions & (Now | Later)

/** A packet but for its workload. */
interface Packet {
  readonly kind: RequestKind
  readonly args: readonly string[]
}

/** SUBMIT_JOB_WITH, in place of one of Gearman's own. */
interface Extended {
  readonly args: readonly string[]
  /** What Gearman's own packets can't say, in words; empty: it is only for the trace. */
  readonly needs: string
}

/** What is sent of a job. */
export interface Submission extends Packet {
  readonly workload: Uint8Array
  /** What makes it the same job as others; undefined if it is like no other. */
  readonly key: Uint8Array | undefined
  readonly extended: Extended | undefined
}

/** The packet but for the workload, which may be there later. */
export type Draft = Packet & Pick<Submission, 'extended'> & { readonly unique: string }

const foregroundKinds = { high: packets.SUBMIT_JOB_HIGH, normal: packets.SUBMIT_JOB, low: packets.SUBMIT_JOB_LOW }
const backgroundKinds = {
  high: packets.SUBMIT_JOB_HIGH_BG,
  normal: packets.SUBMIT_JOB_BG,
  low: packets.SUBMIT_JOB_LOW_BG,
}
/** Of the options, which servers bound. */
const optionsBytesMax = 8 * 1024

/** Throws InvalidArgumentError. `trace` is a W3C traceparent, or empty. */
export function draftForeground(jobFunction: string, options: SubmitOptions, trace: string): Draft {
  return draft(jobFunction, options, undefined, trace, false)
}

/** Throws InvalidArgumentError. `trace` is a W3C traceparent, or empty. */
export function draftBackground(jobFunction: string, options: BackgroundOptions, trace: string): Draft {
  const { runAt, delayMs } = options
  if (runAt === undefined && delayMs === undefined) return draft(jobFunction, options, undefined, trace, true)
  const nowMs = Date.now()
  const atMs = runAt?.getTime() ?? nowMs + (delayMs ?? 0)
  if (!(atMs >= 0 && atMs <= Number.MAX_SAFE_INTEGER))
    throw new InvalidArgumentError('runAt or delayMs is no time that the protocol can tell')
  // Rounded up it would still be to come, and gearmand would leave it lying then.
  return draft(jobFunction, options, atMs <= nowMs ? undefined : atMs, trace, true)
}

function draft(
  jobFunction: string,
  options: SubmitOptions,
  atMs: number | undefined,
  trace: string,
  background: boolean,
): Draft {
  const { unique = '', priority = 'normal', reducer, then, policy = {} } = options
  const names = [wireName(jobFunction, 'function'), wireName(unique, 'unique', uniqueBytesMax)]
  const kinds = background ? backgroundKinds : foregroundKinds
  if (!Object.hasOwn(kinds, priority)) {
    throw new InvalidArgumentError(`a priority is high, normal or low, not ${priority}`)
  }
  if (reducer !== undefined) wireName(reducer, 'reducer')
  if (then !== undefined) wireName(then, 'then')
  const writtenPolicy = writePolicy(policy)
  const needs = [
    ...(then === undefined ? [] : ['then']),
    ...(writtenPolicy === undefined ? [] : ['a policy']),
    ...(priority !== 'normal' && reducer !== undefined ? ['a priority with a reducer'] : []),
    ...(priority !== 'normal' && atMs !== undefined ? ['a priority with a time'] : []),
    ...(reducer !== undefined && atMs !== undefined ? ['a reducer with a time'] : []),
  ].join(', ')
  const plain = plainPacket(names, kinds[priority], atMs, reducer, background)
  if (needs === '' && trace === '') return { ...plain, unique, extended: undefined }
  const wireOptions: WireOptions = {
    ...(background ? { background } : {}),
    ...(priority === 'normal' ? {} : { priority }),
    ...(atMs === undefined ? {} : { runAt: Math.ceil(atMs) }),
    ...(reducer === undefined ? {} : { reducer }),
    ...(then === undefined ? {} : { then }),
    ...(writtenPolicy === undefined ? {} : { policy: writtenPolicy }),
  }
  const json = Object.keys(wireOptions).length === 0 ? '' : JSON.stringify(wireOptions)
  return { ...plain, unique, extended: { args: [...names, wireName(json, 'options', optionsBytesMax), trace], needs } }
}

/** What Gearman itself has, as far as it goes. */
function plainPacket(
  names: readonly string[],
  kind: RequestKind,
  atMs: number | undefined,
  reducer: string | undefined,
  background: boolean,
): Packet {
  if (reducer !== undefined) {
    const reduceKind = background ? packets.SUBMIT_REDUCE_JOB_BACKGROUND : packets.SUBMIT_REDUCE_JOB
    // The last argument of these packets means nothing.
    return { kind: reduceKind, args: [...names, wireName(reducer, 'reducer'), ''] }
  }
  return atMs === undefined
    ? { kind, args: names }
    : { kind: packets.SUBMIT_JOB_EPOCH, args: [...names, epochText(atMs)] }
}

export function toSubmission({ kind, args, unique, extended }: Draft, workload: Uint8Array): Submission {
  const key = unique === '' ? undefined : unique === '-' ? workload : Buffer.from(unique)
  return { kind, args, workload, key, extended }
}
