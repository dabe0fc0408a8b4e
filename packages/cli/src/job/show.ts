import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlFirst } from '../control.ts'
import { print } from '../output.ts'
import { jobLines } from './description.ts'
import { readWhich } from './which.ts'

export async function showJob(command: Command, handle: string | undefined): Promise<void> {
  const which = readWhich(command, handle)
  const { server, value } = await controlFirst(command, (control) => control('job show', which))
  if (readAskFlags(command).isJson) print(JSON.stringify({ ...value, server }))
  else for (const line of jobLines(value, Date.now())) print(line)
}
