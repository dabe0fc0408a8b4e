import type { Priority } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlFirst } from '../control.ts'
import { print } from '../output.ts'
import { showText } from '../table.ts'

export async function prioritizeJob(command: Command, handle: string, priority: Priority): Promise<void> {
  const { server } = await controlFirst(command, (control) => control('job prioritize', { handle, priority }))
  if (readAskFlags(command).isJson) print(JSON.stringify({ handle, priority, server }))
  else print(`${showText(handle)} has the priority ${priority}`)
}
