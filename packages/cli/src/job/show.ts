import type { FunctionState } from '@geartrain/client'
import type { Command } from 'commander'
import { readAskFlags } from '../ask-servers.ts'
import { controlFirst } from '../control.ts'
import { count } from '../numbers.ts'
import { print } from '../output.ts'
import { jobLines } from './description.ts'
import { readWhich } from './which.ts'

export async function showJob(command: Command, handle: string | undefined): Promise<void> {
  const which = readWhich(command, handle)
  const { server, value } = await controlFirst(command, async (control) => {
    const job = await control('job show', which)
    if (job.state !== 'ready') return { job, state: undefined }
    const { functions } = await control('functions', { names: [job.function] })
    return { job, state: functions[0] }
  })
  if (readAskFlags(command).isJson) print(JSON.stringify({ ...value.job, server }))
  else for (const line of jobLines(value.job, Date.now(), value.state && whyWaiting(value.state))) print(line)
}

/** What a job that could run waits for. */
function whyWaiting({ paused, workers, running }: FunctionState): string | undefined {
  if (paused) return 'its function is paused'
  if (workers === 0) return 'no worker can do it'
  return `for one of ${count(workers, 'worker')}, or for room: ${running} running`
}
