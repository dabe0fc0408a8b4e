import type { JobDescription } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { type Control, controlFirst } from '../control.ts'
import { exitCodes, Fault } from '../fault.ts'
import { jobLines } from '../job/description.ts'
import { print } from '../output.ts'
import { showText } from '../table.ts'

export async function showDead(command: Command, handle: string): Promise<void> {
  const { server, value } = await controlFirst(command, (control) => findDead(control, handle))
  if (readAskFlags(command).isJson) print(JSON.stringify({ ...value, server }))
  else for (const line of jobLines(value, Date.now())) print(line)
}

/** Throws a Fault if the job is there and not dead. */
export async function findDead(control: Control, handle: string): Promise<JobDescription> {
  const job = await control('job show', { handle })
  if (job.state === 'dead') return job
  const sentence = `the job ${showText(handle)} is not dead, it is ${job.state}: geartrain job show has more`
  throw new Fault(sentence, exitCodes.failed)
}
