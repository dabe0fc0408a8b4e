import type { ScheduleRun, ScheduleState } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlFirst } from '../control.ts'
import { print } from '../output.ts'
import { payloadLines } from '../payload-text.ts'
import { align, formatTable, showText } from '../table.ts'
import { printable } from '../text.ts'
import { relativeTime, zonedTime } from '../times.ts'
import { whenOf } from './list.ts'

export const defaultRuns = 5

export async function showSchedule(command: Command, name: string): Promise<void> {
  const { next: runs } = command.opts<{ next: number }>()
  const { server, value } = await controlFirst(command, (control) => control('schedule show', { name, runs }))
  if (readAskFlags(command).isJson) print(JSON.stringify({ ...value, server }))
  else for (const line of scheduleLines(value, Date.now())) print(line)
}

export function scheduleLines(schedule: ScheduleState, nowMs: number): string[] {
  const { timezone = 'UTC', next, history, workload } = schedule
  const time = (at: number) => zonedTime(at, timezone)
  const ago = (at: number) => relativeTime(at, nowMs)
  return [
    ...align(facts(schedule, nowMs)),
    ...(workload === undefined ? [] : ['', ...payloadLines('payload', workload)]),
    ...(next.length === 0
      ? []
      : [
          '',
          ...formatTable(next, [
            [`next (${timezone})`, time],
            ['', ago],
          ]),
        ]),
    ...(history.length === 0
      ? []
      : [
          '',
          ...formatTable<ScheduleRun>(history, [
            [`due (${timezone})`, ({ dueAt }) => time(dueAt)],
            ['', ({ dueAt }) => ago(dueAt)],
            ['outcome', ({ outcome }) => outcome],
            ['job', ({ handle, why }) => (handle === undefined ? printable(why ?? '-') : showText(handle))],
          ]),
        ]),
  ]
}

/** When it comes next, or why it does not. */
export function nextSentence({ paused, next: [at], timezone = 'UTC' }: ScheduleState, nowMs: number): string {
  if (paused) return 'paused'
  return at === undefined
    ? 'it does not come any more'
    : `next ${relativeTime(at, nowMs)}, ${zonedTime(at, timezone)} ${timezone}`
}

function facts(schedule: ScheduleState, nowMs: number): [string, string][] {
  const { name, priority = 'normal', unique = '', missed = 'skip', overlap = true, then = '', origin } = schedule
  return [
    ['schedule', showText(name)],
    ['function', showText(schedule.function)],
    ['when', whenOf(schedule)],
    ['state', nextSentence(schedule, nowMs)],
    ['priority', priority],
    ...(unique === '' ? [] : [['unique', showText(unique)] satisfies [string, string]]),
    ...(then === '' ? [] : [['then', showText(then)] satisfies [string, string]]),
    ['missed', missed],
    ['overlap', overlap ? 'allowed' : 'not while the last job has not ended'],
    ['from', origin === 'config' ? 'the configuration file' : origin === 'client' ? 'a client' : 'set at runtime'],
  ]
}
