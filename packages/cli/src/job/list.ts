import type { ControlOperations, JobSummary } from '@geartrain/client'
import type { Command } from 'commander'
import { printRows } from '../ask-servers.ts'
import { type Control, controlAll } from '../control.ts'
import { type Column, showText } from '../table.ts'
import { printable } from '../text.ts'
import { relativeTime } from '../times.ts'

type JobsParams = ControlOperations['jobs']['params']

const pageJobs = 500

/** What a Geartrain server tells of jobs that have not ended. True if all servers have answered. */
export async function listLong(
  command: Command,
  { function: name, state }: Pick<JobsParams, 'function' | 'state'>,
): Promise<boolean> {
  const filter = { ...(name === undefined ? {} : { function: name }), ...(state === undefined ? {} : { state }) }
  const { answers, areAll } = await controlAll(command, (control) => takeJobs(control, filter))
  const rows = answers.flatMap(({ server, value }) => value.map((job) => ({ ...job, server })))
  printRows(command, rows, longColumns(Date.now()), workerColumn)
  return areAll
}

function longColumns(nowMs: number): readonly Column<JobSummary>[] {
  return [
    ['handle', ({ handle }) => showText(handle)],
    ['function', (job) => showText(job.function)],
    ['state', ({ state, runAt }) => (runAt === undefined ? state : `${state}, ${relativeTime(runAt, nowMs)}`)],
    ['attempts', ({ attempts }) => attempts],
    ['progress', ({ numerator = 0, denominator = 0 }) => (denominator === 0 ? '-' : `${numerator}/${denominator}`)],
  ]
}

const workerColumn: Column<JobSummary> = ['worker', ({ worker = '' }) => printable(worker) || '-']

async function takeJobs(control: Control, filter: JobsParams): Promise<JobSummary[]> {
  const jobs: JobSummary[] = []
  let after: string | undefined
  do {
    const page = await control('jobs', { ...filter, ...(after === undefined ? {} : { after }), limit: pageJobs })
    jobs.push(...page.jobs)
    after = page.next
  } while (after !== undefined)
  return jobs
}
