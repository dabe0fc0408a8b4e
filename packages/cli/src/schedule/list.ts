import type { ScheduleState } from '@geartrain/client'
import type { Command } from 'commander'
import { printRows } from '../ask-servers.ts'
import { controlAll } from '../control.ts'
import { type Column, showText } from '../table.ts'
import { relativeTime } from '../times.ts'

export function scheduleColumns(nowMs: number): readonly Column<ScheduleState>[] {
  return [
    ['schedule', ({ name }) => showText(name)],
    ['function', (schedule) => showText(schedule.function)],
    ['when', whenOf],
    ['next', ({ paused, next: [at] }) => (paused ? 'paused' : at === undefined ? 'over' : relativeTime(at, nowMs))],
    ['from', ({ origin }) => origin],
  ]
}

export function lastColumn(nowMs: number): Column<ScheduleState> {
  return ['last', ({ history: [run] }) => (run === undefined ? '-' : `${relativeTime(run.at, nowMs)}, ${run.outcome}`)]
}

/** True if all servers have answered. */
export async function listSchedules(command: Command, jobFunction: string | undefined): Promise<boolean> {
  const params = jobFunction === undefined ? {} : { function: jobFunction }
  const { answers, areAll } = await controlAll(command, (control) => control('schedules', params))
  const rows = answers.flatMap(({ server, value }) => value.schedules.map((each) => ({ ...each, server })))
  const nowMs = Date.now()
  printRows(command, rows, scheduleColumns(nowMs), lastColumn(nowMs))
  return areAll
}

/** `0 3 * * * Europe/Berlin`, `every 5m`, `at 2030-01-31T09:00:00Z`. */
export function whenOf({ cron, every, at, timezone }: ScheduleState): string {
  const zone = timezone === undefined ? '' : ` ${timezone}`
  if (cron !== undefined) return `${cron}${zone}`
  return every === undefined ? `at ${at}${zone}` : `every ${every}`
}
