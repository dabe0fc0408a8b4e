import type { Priority } from '@geartrain/engine'
import { type Batch, emptyBatch, type StoreAnswer, type StoredDescription, type StoredSummary } from '@geartrain/server'
import { RecordReader, RecordWriter } from './parts.ts'

/** A job to be added; what is not said is empty, of function `f`, normal and now. */
export interface Addition {
  readonly number: number
  readonly function?: string
  readonly unique?: string
  readonly reducer?: string
  readonly workload?: string | Uint8Array
  readonly priority?: Priority
  readonly then?: string
  readonly options?: string
  readonly trace?: string
  readonly runAt?: number
  readonly expireAt?: number
  readonly attempts?: number
  readonly isClaimed?: boolean
  readonly isThrottled?: boolean
}

/** A batch as a test writes it. */
export interface Wish
  extends Partial<Pick<Batch, 'now' | 'cancel' | 'changes' | 'promoteUntil' | 'reserve' | 'requests'>> {
  readonly forget?: readonly number[]
  readonly add?: readonly Addition[]
}

export function toBatch({
  now = 0,
  forget = [],
  cancel = [],
  changes = [],
  add = [],
  promoteUntil,
  reserve,
  requests = [],
}: Wish): Batch {
  const functions = new Map<string, number>()
  const writer = new RecordWriter()
  for (const addition of add) {
    const { number, runAt = 0, expireAt = 0, attempts = 0, priority = 1 } = addition
    const { isClaimed = false, isThrottled = false } = addition
    const { function: name = 'f', unique = '', reducer = '', then = '', workload = '' } = addition
    const { options = '', trace = '' } = addition
    const index = functions.get(name) ?? functions.size
    functions.set(name, index)
    const head = { number, runAt, expireAt, readyAt: 0, function: index, attempts, priority, isClaimed, isThrottled }
    writer.add(
      head,
      { unique, reducer, then, options, trace },
      typeof workload === 'string' ? Buffer.from(workload, 'latin1') : workload,
    )
  }
  return {
    ...emptyBatch,
    now,
    forget: Float64Array.from(forget),
    cancel,
    changes,
    functions: [...functions.keys()],
    additions: writer.written(),
    additionCount: writer.count,
    promoteUntil,
    reserve,
    requests,
  }
}

/** A job as a claim gives it out. */
export interface Claimed {
  readonly number: number
  readonly unique: string
  readonly reducer: string
  readonly workload: Buffer
  readonly priority: Priority
  readonly runAt: number
  readonly then: string
  readonly options: string
  readonly trace: string
  /** Since when it could be begun. */
  readonly readyAt: number
  readonly expireAt: number
  readonly attempts: number
}

export function claimed(answer: StoreAnswer | undefined): Claimed[] {
  if (answer?.kind !== 'claim') throw new Error(`not the answer to a claim: ${answer?.kind}`)
  const reader = new RecordReader(answer.jobs)
  const jobs: Claimed[] = []
  while (reader.next()) {
    const { number, unique, reducer, workload, priority, runAt, then, expireAt, attempts } = reader
    const { options, trace, readyAt } = reader
    jobs.push({ number, unique, reducer, workload, priority, runAt, then, options, trace, readyAt, expireAt, attempts })
  }
  if (jobs.length !== answer.count) throw new Error(`${answer.count} jobs were said to be claimed, not ${jobs.length}`)
  return jobs
}

export function found(answer: StoreAnswer | undefined): StoredSummary | undefined {
  if (answer?.kind !== 'find') throw new Error(`not the answer to a look-up: ${answer?.kind}`)
  return answer.job
}

export function listed(answer: StoreAnswer | undefined): readonly StoredSummary[] {
  if (answer?.kind !== 'list') throw new Error(`not the answer to a listing: ${answer?.kind}`)
  return answer.jobs
}

export function described(answer: StoreAnswer | undefined): StoredDescription | undefined {
  if (answer?.kind !== 'describe') throw new Error(`not a description: ${answer?.kind}`)
  return answer.job
}
