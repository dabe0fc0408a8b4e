import type { IncomingPacket } from './incoming.ts'
import type { Ability, Entry, Line } from './line.ts'
import type { Submission } from './submission.ts'

/** A job given to a worker, as far as it can be seen from outside. */
export interface Assignment {
  readonly job: JobRecord
  readonly line: Line
  readonly grabIndex: number
  /** Between these two moments the server made the assignment. */
  readonly grabbedAt: number
  readonly givenAt: number
  /** What the worker could do, and which functions had given it jobs before. */
  readonly turns: ReadonlyMap<string, Ability>
  /** On the server's clock, when the server may take the job back at the earliest; Infinity: never. */
  readonly dueMs: number
  /** It may have been taken back before it was seen. */
  readonly isStale: boolean
  /** The first command of the worker that gives the job back; Infinity: none so far. */
  releaseIndex: number
  /** From this moment on the worker does not have it any more, for sure. */
  overAt: number
  /** The worker's own command that gave the job back, and its first that was to finish it. */
  releasedIndex: number
  finalIndex: number
}

/** A client that waits for a job: as often as it has submitted it. */
export interface Wait {
  readonly job: JobRecord
  /** When it was told so, one moment for each submission. */
  readonly joinedAt: number[]
  ends: number
  /** What it has got of what the workers said, and how often. */
  readonly copies: Map<Entry, number>
}

/** What is known of a job when it is first seen. */
export interface JobOrigin {
  readonly handle: string
  /** The submission that made it. */
  readonly submission: Submission
  /** Another submission could as well have made it: its priority and workload are then not known. */
  readonly isSure: boolean
  /** The moment by which the server had made it. */
  readonly createdAt: number
  /** In its line on the disk, for one that an earlier server has left. Its number is higher than any place. */
  readonly place?: number
}

/** A job, as far as it can be seen from outside. Moments are Infinity while a thing has not happened. */
export class JobRecord {
  readonly handle: string
  /** Counts up with the jobs. */
  readonly number: number
  readonly submission: Submission
  readonly isSure: boolean
  readonly createdAt: number
  /** Jobs of one function and priority leave in this order. */
  readonly place: number

  /** A background submission has had this job as its answer. */
  isBackground = false
  readonly waits = new Map<Line, Wait>()
  readonly assignments: Assignment[] = []
  /** What workers said of it, all that reached the server. */
  readonly works: Entry[] = []
  /** The worker's word that ended it, once that is known. */
  outcome: Entry | undefined
  /** Workers that lost it, for sure. */
  losses = 0
  /** The earliest moment at which it can have ended, and the moment by which it has. */
  mayEndAt: number = Infinity
  endedAt: number = Infinity
  /** A worker of an earlier server has said the last of it. */
  hasRun = false
  /** The moment from which on it never comes back, and why. */
  goneAt: number = Infinity
  goneBecause = ''
  /** There was another of its unique when it was made, and the store could not say so. */
  isTwin = false
  /** Others were to join it: on its way from the disk it may have waited until they knew. */
  isJoined = false
  mayBeCancelled = false
  mayBeExhausted = false
  /** A worker that can do it was told that there is no job while it was there for the taking. */
  deniedAt: number = Infinity

  constructor({ handle, submission, isSure, createdAt, place }: JobOrigin) {
    this.handle = handle
    this.number = numberOf(handle)
    this.submission = submission
    this.isSure = isSure
    this.createdAt = createdAt
    this.place = place ?? this.number
  }

  get function(): string {
    return this.submission.function
  }

  get last(): Assignment | undefined {
    return this.assignments[this.assignments.length - 1]
  }

  /** How the line came to have it, when it said its command of that index. */
  assignedTo(line: Line, index: number): Assignment | undefined {
    return this.assignments.findLast((one) => one.line === line && one.grabIndex < index)
  }

  get hasOpenWait(): boolean {
    for (const line of this.waits.keys()) if (line.state === 'open') return true
    return false
  }
}

/** What the simulated servers' handles begin with. */
export const handlePrefix = 'H:sim'

export function handleOf(number: number): string {
  return `${handlePrefix}:${number}`
}

export function numberOf(handle: string): number {
  return Number(handle.slice(handle.lastIndexOf(':') + 1))
}

/** The worker may have lost it by now. */
export function mayBeReleased(assignment: Assignment, nowMs: number): boolean {
  const { overAt, isStale, releaseIndex, line, dueMs } = assignment
  return overAt !== Infinity || isStale || releaseIndex !== Infinity || line.state !== 'open' || nowMs >= dueMs
}

/** The assignment says of the job what its submission said, in the form that was asked for. */
export function isAsSubmitted(
  { submission, isSure }: JobRecord,
  { name, args, data }: IncomingPacket,
  grab: string,
): boolean {
  const [, functionName, unique, reducer] = args
  if (functionName !== submission.function) return false
  if (unique !== undefined && unique !== submission.unique) return false
  if (!isSure) return true
  if (data !== submission.workload || (reducer ?? submission.reducer) !== submission.reducer) return false
  return grab !== 'GRAB_JOB_ALL' || (name === 'JOB_ASSIGN_ALL') === (submission.reducer !== '')
}
