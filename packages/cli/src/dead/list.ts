import type { DeadFilter, DeadJob } from '@geartrain/client'
import type { Command } from 'commander'
import { printRows, readAskFlags, spokenName } from '../ask-servers.ts'
import { type Control, controlAll } from '../control.ts'
import { complain } from '../output.ts'
import { hintAtPattern } from '../pattern-hint.ts'
import { oneLine } from '../payload-text.ts'
import { type Column, showText } from '../table.ts'
import { relativeTime } from '../times.ts'
import { deadFilter } from './filter.ts'
import { deadPages } from './pages.ts'

export const defaultLimit = 100

export function deadColumns(nowMs: number): readonly Column<DeadJob>[] {
  return [
    ['handle', ({ handle }) => showText(handle)],
    ['function', (job) => showText(job.function)],
    ['died', ({ diedAt }) => relativeTime(diedAt, nowMs)],
    ['attempts', ({ attempts }) => attempts],
    ['reason', ({ reason }) => reason],
  ]
}

export const errorColumn: Column<DeadJob> = ['last error', ({ error }) => oneLine(error) || '-']

/** True if all servers have answered. */
export async function listDead(command: Command, name: string | undefined): Promise<boolean> {
  const { reason, limit, all } = command.opts<{ reason?: DeadJob['reason']; limit: number; all?: boolean }>()
  const jobsMax = all === true ? Number.POSITIVE_INFINITY : limit
  const filter = deadFilter(name, reason)
  const { answers, areAll } = await controlAll(command, (control) => takeDead(control, filter, jobsMax))
  const rows = answers.flatMap(({ server, value }) => value.jobs.map((job) => ({ ...job, server })))
  if (answers.length > 1) rows.sort((a, b) => b.diedAt - a.diedAt)
  printRows(command, rows.slice(0, jobsMax), deadColumns(Date.now()), errorColumn)
  hintAtPattern(command, name, rows.length)
  const areMore = rows.length > jobsMax || answers.some(({ value }) => value.areMore)
  if (areMore && !readAskFlags(command).isJson) {
    complain(spokenName(command), `these are the latest ${jobsMax}: there are more, see --limit and --all`)
  }
  return areAll
}

async function takeDead(control: Control, filter: DeadFilter, jobsMax: number) {
  const jobs: DeadJob[] = []
  // One more tells whether there are more.
  for await (const page of deadPages(control, filter, jobsMax + 1)) {
    jobs.push(...page)
    if (jobs.length > jobsMax) break
  }
  return { jobs: jobs.slice(0, jobsMax), areMore: jobs.length > jobsMax }
}
