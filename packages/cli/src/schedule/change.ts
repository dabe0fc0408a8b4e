import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlFirst } from '../control.ts'
import { print } from '../output.ts'
import { showText } from '../table.ts'
import { nextSentence } from './show.ts'

export async function pauseSchedule(command: Command, name: string): Promise<void> {
  const { server, value } = await controlFirst(command, (control) => control('schedule pause', { name }))
  tell(command, server, value, `paused ${showText(name)}`)
}

export async function resumeSchedule(command: Command, name: string): Promise<void> {
  const { server, value } = await controlFirst(command, (control) => control('schedule resume', { name }))
  tell(command, server, value, `resumed ${showText(name)}: ${nextSentence(value, Date.now())}`)
}

/** Says the handle of the job. */
export async function runSchedule(command: Command, name: string): Promise<void> {
  const { server, value } = await controlFirst(command, (control) => control('schedule run', { name }))
  tell(command, server, { name, ...value }, showText(value.handle))
}

export async function removeSchedule(command: Command, name: string): Promise<void> {
  const { server } = await controlFirst(command, (control) => control('schedule remove', { name }))
  tell(command, server, { name, removed: true }, `removed ${showText(name)}`)
}

function tell(command: Command, server: string, answer: object, sentence: string): void {
  const { servers, isJson } = readAskFlags(command)
  if (isJson) print(JSON.stringify({ ...answer, server }))
  else print(`${sentence}${servers.length > 1 ? ` on ${server}` : ''}`)
}
