import type { Priority } from '@geartrain/engine'
import { submissions } from '../simulation/command.ts'
import type { Message } from './event.ts'

/** What a client asked for. Moments and lives count up with the events and servers of a run. */
export interface Submission {
  readonly peer: string
  readonly life: number
  readonly sentAt: number
  readonly function: string
  readonly unique: string
  readonly reducer: string
  readonly workload: string
  readonly priority: Priority
  readonly background: boolean
  /** 0 is now. */
  readonly runAtMs: number
  /** Submissions with the same one are one job; undefined: a job of its own. */
  readonly key: string | undefined
  /** The handle of the job that it made, once a worker has shown it. */
  made: string | undefined
}

/** What a worker was told of a job; undefined is what the packet does not tell. */
export interface Assigned {
  readonly function: string
  readonly unique: string | undefined
  readonly reducer: string | undefined
  readonly workload: string
}

/** Undefined if the message is no submission. */
export function readSubmission(
  { name, args }: Message,
  peer: string,
  life: number,
  sentAt: number,
): Submission | undefined {
  const form = submissions.get(name)
  if (form === undefined) return undefined
  const [functionName = '', unique = '', third = ''] = args
  const workload = args[args.length - 1] ?? ''
  return {
    peer,
    life,
    sentAt,
    function: functionName,
    unique,
    reducer: name.startsWith('SUBMIT_REDUCE') ? third : '',
    workload,
    ...form,
    runAtMs: name === 'SUBMIT_JOB_EPOCH' ? Number(third) * 1000 : 0,
    key: keyOf(functionName, unique, workload),
    made: undefined,
  }
}

/** By the name of its packet. */
export function readAssigned({ name, args }: Message, grab: string): Assigned {
  const [, functionName = '', third = '', fourth = ''] = args
  const workload = args[args.length - 1] ?? ''
  if (name === 'JOB_ASSIGN') return { function: functionName, unique: undefined, reducer: undefined, workload }
  const reducer = name === 'JOB_ASSIGN_ALL' ? fourth : grab === 'GRAB_JOB_ALL' ? '' : undefined
  return { function: functionName, unique: third, reducer, workload }
}

/** A job of this submission looks like this to a worker. */
export function isAssignedAs(submission: Submission, assigned: Assigned): boolean {
  return (
    submission.function === assigned.function &&
    submission.workload === assigned.workload &&
    (assigned.unique === undefined || submission.unique === assigned.unique) &&
    (assigned.reducer === undefined || submission.reducer === assigned.reducer)
  )
}

function keyOf(functionName: string, unique: string, workload: string): string | undefined {
  if (unique === '') return undefined
  if (unique !== '-') return `${functionName}\0unique\0${unique}`
  return workload === '' ? undefined : `${functionName}\0workload\0${workload}`
}

/**
 * Submissions of which it is not known whether they were taken: not answered yet, or for ever since the connection is
 * gone. Each of them may turn up as a job, or as the reason why another one lasts.
 */
export class Unanswered {
  readonly #all = new Set<Submission>()
  readonly #byKey = new Map<string, Set<Submission>>()

  get size(): number {
    return this.#all.size
  }

  [Symbol.iterator](): IterableIterator<Submission> {
    return this.#all[Symbol.iterator]()
  }

  add(submission: Submission): void {
    this.#all.add(submission)
    const { key } = submission
    if (key === undefined) return
    const same = this.#byKey.get(key)
    if (same === undefined) this.#byKey.set(key, new Set([submission]))
    else same.add(submission)
  }

  remove(submission: Submission): void {
    this.#all.delete(submission)
    const { key } = submission
    const same = key === undefined ? undefined : this.#byKey.get(key)
    same?.delete(submission)
    if (key !== undefined && same?.size === 0) this.#byKey.delete(key)
  }

  withKey(key: string | undefined): Submission[] {
    return key === undefined ? [] : [...(this.#byKey.get(key) ?? [])]
  }

  assignedAs(assigned: Assigned): Submission[] {
    return [...this.#all].filter((submission) => isAssignedAs(submission, assigned))
  }

  /** Those of servers before this one have not become jobs: all jobs of theirs that are left are known. */
  forgetBefore(life: number): void {
    for (const submission of this.#all) if (submission.life < life) this.remove(submission)
  }
}
