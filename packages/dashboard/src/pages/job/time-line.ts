import type { FailureNote } from '@geartrain/protocol'
import type { BadgeState } from '../../parts/badge-state.ts'
import { counted } from '../../text/numbers.ts'
import { type Attempt, isEnded, type JobSnapshot, type Told } from './told.ts'

/** Something that has become of a job, or that will. */
export interface Moment {
  readonly title: string
  readonly tone: 'good' | 'bad' | 'warn' | 'info' | 'active' | 'quiet'
  /** Undefined: it goes on. */
  readonly at?: number
  /** It has not come yet. */
  readonly isAhead?: boolean
  /** What lay between the moment before and this one; `after`: nobody knows. */
  readonly lay?: 'waited' | 'took' | 'after'
  readonly worker?: string
  /** What was said with it. */
  readonly text?: string
}

/** In the order in which they come. What is not known is left out. */
export function timeLine(told: Told): readonly Moment[] {
  const { job } = told
  return [...submission(job), ...attempts(told), ...now(told), ...end(told), ...afterwards(job)]
}

function submission({ submittedAt, background, waiting }: JobSnapshot): readonly Moment[] {
  if (submittedAt === undefined) return []
  const who = waiting === 0 ? '' : `, ${counted(waiting, 'client waits', 'clients wait')}`
  return [
    {
      title: `Submitted ${background ? 'in the background' : 'by a client that waits'}${who}`,
      tone: 'info',
      at: submittedAt,
    },
  ]
}

/** Those that have failed or were seen to begin. Of many failures the latest are known. */
function attempts({ job, attempts: seen, isGone }: Told): readonly Moment[] {
  const moments: Moment[] = []
  const unknown = Math.max(0, job.attempts - job.failures.length)
  const lastSeen = Math.max(0, ...seen.keys())
  for (let number = 1; number <= Math.max(unknown + job.failures.length, lastSeen); number++) {
    const failure = job.failures[number - unknown - 1]
    const start = seen.get(number) ?? startOf(failure)
    const isRunning = job.state === 'running' && isGone !== true && number === job.attempts + 1
    if (start !== undefined && !isRunning) {
      const { startedAt, worker } = start
      moments.push({ title: `Attempt ${number} began`, tone: 'active', at: startedAt, lay: 'waited', worker })
    }
    if (failure === undefined) continue
    const { at, reason, error } = failure
    moments.push({
      title: `Attempt ${number} ${failureTexts[reason] ?? reason}`,
      tone: 'bad',
      at,
      lay: start === undefined ? 'after' : 'took',
      worker: start === undefined ? failure.worker : '',
      text: error.split('\n', 1)[0] ?? '',
    })
  }
  return moments
}

/** Undefined: nothing says when it began, as in notes of older servers. */
function startOf(failure: FailureNote | undefined): Attempt | undefined {
  if (failure?.startedAt === undefined) return undefined
  return { startedAt: failure.startedAt, worker: failure.worker }
}

const failureTexts: Readonly<Record<string, string>> = {
  failed: 'failed',
  exception: 'threw an exception',
  timeout: 'took too long and was ended',
  lost: 'was lost with its worker',
}

function now({ job, isGone }: Told): readonly Moment[] {
  // It does nothing any more, whatever it was seen to do last.
  if (isGone === true) return []
  const number = job.attempts + 1
  switch (job.state) {
    case 'delayed': {
      const title = job.attempts === 0 ? 'Delayed: not begun before' : `Attempt ${number} not begun before`
      return job.runAt === undefined ? [] : [{ title, tone: 'quiet', at: job.runAt, isAhead: true }]
    }
    case 'ready':
    case 'pending':
      return [{ title: job.attempts === 0 ? 'Waits for a worker' : `Waits for attempt ${number}`, tone: 'info' }]
    case 'running': {
      const { startedAt, worker = '' } = job
      const title = `Attempt ${number} runs`
      return [{ title, tone: 'active', worker, ...(startedAt === undefined ? {} : { at: startedAt, lay: 'waited' }) }]
    }
    case 'dead':
    case 'complete':
    case 'failed':
    case 'exception':
      return []
  }
}

function end({ job, outcome, attempts: seen }: Told): readonly Moment[] {
  const { state, endedAt, attempts: failed } = job
  const tone = endTones[state]
  if (tone === undefined) return []
  // A dead job ends with a failure, which has said how long it took.
  const lay = state === 'dead' ? {} : { lay: seen.has(failed + 1) ? ('took' as const) : ('after' as const) }
  return [{ title: endTitle(job, outcome), tone, ...(endedAt === undefined ? {} : { at: endedAt }), ...lay }]
}

const endTones: Readonly<Record<string, Moment['tone']>> = {
  complete: 'good',
  failed: 'bad',
  exception: 'bad',
  dead: 'bad',
}

function endTitle({ state, reason, attempts, failures }: JobSnapshot, outcome: string | undefined): string {
  const tried = Math.max(attempts, failures.length)
  if (state === 'complete') return 'Complete'
  if (state === 'dead') {
    if (reason === 'expired' || outcome === 'expired') return 'Dead: no worker began it in its time'
    return `Dead: out of attempts after ${counted(tried, 'attempt')}`
  }
  return `Ended: ${endTexts[outcome ?? state] ?? outcome ?? state}`
}

const endTexts: Readonly<Record<string, string>> = {
  failed: 'it has failed',
  exception: 'its worker threw an exception',
  timeout: 'it took too long',
  lost: 'it was lost with its worker',
  cancelled: 'it was cancelled',
  expired: 'no worker began it in its time',
  abandoned: 'the client that waited for it has left',
}

function afterwards({ expireAt, keepUntil, state }: JobSnapshot): readonly Moment[] {
  if (keepUntil !== undefined)
    return [
      { title: `Kept ${state === 'dead' ? '' : 'with its result '}until`, tone: 'quiet', at: keepUntil, isAhead: true },
    ]
  if (expireAt === undefined || (state !== 'ready' && state !== 'delayed')) return []
  return [{ title: 'Expires unless it is begun before', tone: 'warn', at: expireAt, isAhead: true }]
}

/** For a badge: a state by its own word, or by how it has ended. */
export function stateOf({ job, outcome, isGone }: Told): { readonly state: BadgeState; readonly text: string } {
  if (isGone === true && !isEnded(job)) return { state: 'idle', text: 'gone' }
  const { state, reason } = job
  if (state === 'dead') return { state, text: reason === undefined ? 'dead' : `dead: ${reason}` }
  return { state, text: state === 'failed' ? (outcome ?? state) : state }
}
