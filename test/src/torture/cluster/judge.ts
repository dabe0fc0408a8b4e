import { type Attempt, isKept, type JobAccount, toleranceMs } from './job-account.ts'
import type { Rule } from './rules.ts'

/** What is wrong with a job. */
export interface Verdict {
  readonly rule: Rule
  readonly text: string
  readonly jobs: readonly JobAccount[]
}

/** Whether after a failure of this function's jobs there is another attempt. */
export type IsRetried = (functionName: string) => boolean

/** What all that is known of one job can't be. */
export function judge(job: JobAccount, isRetried: IsRetried): Verdict | undefined {
  const wrong = (rule: Rule, text: string): Verdict => ({ rule, text, jobs: [job] })
  if (job.isVague || !job.isBackground) return undefined
  const { attempts } = job
  const early = job.unique === '' ? attempts.find(({ heardAt }) => heardAt + toleranceMs < runAtMin(job)) : undefined
  if (early !== undefined) {
    return wrong('e', `${nameOf(job)} is begun by ${early.worker} ${runAtMin(job) - early.heardAt} ms before its time`)
  }
  for (const later of attempts) {
    if (later.givenMin > job.cancelledAt) {
      return wrong(
        'b',
        `${nameOf(job)} was cancelled ${later.givenMin - job.cancelledAt} ms before ${later.worker} begins it`,
      )
    }
    for (const first of attempts) {
      if (first === later || first.givenMin > later.givenMin) continue
      const fault = judgePair(job, first, later, isRetried(job.function))
      if (fault !== undefined) return wrong(...fault)
    }
  }
  return undefined
}

/** Two attempts at one job. */
function judgePair(
  job: JobAccount,
  first: Attempt,
  later: Attempt,
  isRetried: boolean,
): readonly [Rule, string] | undefined {
  const name = nameOf(job)
  const isFinal = first.how === 'complete' || (first.how === 'fail' && !isRetried)
  if (isFinal && isKept(first) && later.givenMin > first.keptAt) {
    return [
      'b',
      `${name} was done by ${first.worker}, and begun by ${later.worker} ${later.givenMin - first.keptAt} ms after that was acknowledged`,
    ]
  }
  if (isExcused(first, later)) return undefined
  if (areTogether(first, later)) return ['g', `${name} is begun by ${later.worker} while ${first.worker} has it`]
  if (isFinal && later.givenMin > first.takenAt) {
    return [
      'g',
      `${name} is begun by ${later.worker}, though ${first.worker} had said ${first.how} and its server lost nothing`,
    ]
  }
  return undefined
}

/** What the clients who waited for it were told. */
export function judgeEnds(job: JobAccount): Verdict | undefined {
  for (const { id, client, end, result } of job.submissions) {
    if (end === undefined) continue
    const isSaid = job.attempts.some(({ how, result: said }) => how === 'complete' && said === result)
    if (end === 'complete' && !isSaid) {
      return { rule: 'f', text: `${client} is told "${result}" of ${id}, which no worker has said`, jobs: [job] }
    }
  }
  return undefined
}

/** All jobs of one function and unique. */
export function judgeUnique(jobs: readonly JobAccount[]): Verdict | undefined {
  for (const one of jobs) {
    for (const other of jobs) {
      if (one === other) continue
      const late = other.submissions.find(({ sentAt, ackedAt }) => sentAt > one.knownAt && ackedAt < one.endMin)
      if (late !== undefined) {
        const text = `${late.id} is answered with ${nameOf(other)} while ${nameOf(one)} of the same unique waits or runs`
        return { rule: 'd', text, jobs: [one, other] }
      }
      for (const first of one.attempts) {
        // A worker may still be at one that was cancelled, whose unique is free then.
        const second = other.attempts.find(
          (each) => each.heardAt < one.cancelSaidAt && areTogether(first, each) && !isExcused(first, each),
        )
        if (second === undefined) continue
        const text = `${nameOf(one)} and ${nameOf(other)} have the same unique, and run at a time: ${first.worker}, ${second.worker}`
        return { rule: 'd', text, jobs: [one, other] }
      }
    }
  }
  return undefined
}

/** The second was begun while the first worker surely had its job. */
function areTogether(first: Attempt, second: Attempt): boolean {
  return first.life !== undefined && first.heardAt < second.givenMin && second.heardAt < first.endedAt
}

/** One of the servers may have lost its lease, and with it the job, before the other worker got it: at least once. */
function isExcused(first: Attempt, later: Attempt): boolean {
  const since = Math.min(first.givenMin, later.givenMin)
  const until = Math.max(first.heardAt, later.heardAt)
  return [first, later].some(({ life }) => life?.mayHaveLapsed(since, until) === true)
}

export function nameOf(job: JobAccount): string {
  const [number] = job.numbers
  const [first] = job.submissions
  return number === undefined
    ? `${first?.id}`
    : `${number}${job.unique === '' ? ` (${first?.id})` : ` (${job.unique})`}`
}

function runAtMin(job: JobAccount): number {
  return Math.min(...job.submissions.map(({ runAt }) => runAt))
}
