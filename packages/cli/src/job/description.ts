import type { FailureNote, JobDescription } from '@geartrain/client'
import { payloadLines, textLines } from '../payload-text.ts'
import { align, showText } from '../table.ts'
import { printable } from '../text.ts'
import { fullTime } from '../times.ts'

/** All that is known of a job, for a person; with what it waits for, if that is known. */
export function jobLines(job: JobDescription, nowMs: number, waitsFor?: string): string[] {
  const { failures, workload, result, state } = job
  return [
    ...align(facts(job, nowMs, waitsFor).filter((fact) => fact !== undefined)),
    ...failures.flatMap((failure, i) => failureLines(failure, i + 1, nowMs)),
    ...(workload === undefined ? [] : ['', ...payloadLines('payload', workload)]),
    ...(result === undefined ? [] : ['', ...payloadLines(state === 'exception' ? 'exception' : 'result', result)]),
  ]
}

function facts(job: JobDescription, nowMs: number, waitsFor: string | undefined): ([string, string] | undefined)[] {
  const name = (head: string, text: string | undefined): [string, string] | undefined =>
    text === undefined || text === '' ? undefined : [head, showText(text)]
  const time = (head: string, at: number | undefined): [string, string] | undefined =>
    at === undefined ? undefined : [head, fullTime(at, nowMs)]
  const { numerator = 0, denominator = 0 } = job
  return [
    name('handle', job.handle),
    ['function', showText(job.function)],
    name('unique', job.unique),
    ['state', job.reason === undefined ? job.state : `${job.state}: ${job.reason}`],
    waitsFor === undefined ? undefined : ['waits', waitsFor],
    ['kind', `${job.background ? 'background' : 'foreground'}, priority ${job.priority}`],
    job.attempts === 0 ? undefined : ['attempts', `${job.attempts} without a result`],
    job.worker === undefined ? undefined : ['worker', printable(job.worker)],
    denominator === 0 ? undefined : ['progress', `${numerator}/${denominator}`],
    name('reducer', job.reducer),
    name('then', job.then),
    job.waiting === 0 ? undefined : ['clients', `${job.waiting} waiting for it`],
    time('submitted', job.submittedAt),
    time('runs at', job.runAt),
    time('expires', job.expireAt),
    time('ended', job.endedAt),
    time('kept until', job.keepUntil),
  ]
}

function failureLines({ at, reason, worker, error }: FailureNote, attempt: number, nowMs: number): string[] {
  const where = worker === '' ? '' : `, on ${printable(worker)}`
  const head = `attempt ${attempt}: ${reason}, ${fullTime(at, nowMs)}${where}`
  return ['', head, ...(error === '' ? [] : textLines(error))]
}
