import { Client } from '@geartrain/client'
import type { Command } from 'commander'
import { addAskOptions, askAdmins, askServers, printRows } from './ask-servers.ts'
import { exitCodes } from './fault.ts'
import { jobState, jobStateColumns } from './job-state.ts'
import { credentials } from './servers.ts'
import { showText } from './table.ts'

/** `geartrain status`: all functions, or some jobs. */
export function statusCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('status')
    .copyInheritedSettings(program)
    .description('show the functions with their jobs and workers, or how a job stands')
    .argument('[handle...]', 'jobs, by the handles that their submitters got')
    .addHelpText(
      'after',
      `
The exit code is 1 if a server does not answer, and 4 if none does. With handles it is also 1 if no server knows one of
the jobs: it has ended, or it never was. Of a Geartrain server geartrain function list tells more: what is delayed, dead,
paused or drained; and geartrain job show all of a job.

Examples:
  geartrain status
  geartrain status -s 10.0.0.1,10.0.0.2:4731
  geartrain status --json | jq '.[] | select(.workers == 0)'
  geartrain status H:queue:17`,
    )
    .action(async (handles: readonly string[]) => {
      const isGood = handles.length === 0 ? await showFunctions(command) : await showJobs(command, handles)
      if (!isGood) finish(exitCodes.failed)
    })
  return addAskOptions(command)
}

async function showFunctions(command: Command): Promise<boolean> {
  const { answers, areAll } = await askAdmins(command, (admin, options) => admin.status(options))
  const rows = answers.flatMap(({ server, value }) =>
    value.map(({ function: name, jobs, running, workers }) => ({
      function: name,
      queued: jobs - running,
      running,
      workers,
      server,
    })),
  )
  // A function of several servers in one place; the servers as they were listed.
  rows.sort((a, b) => (a.function < b.function ? -1 : a.function > b.function ? 1 : 0))
  printRows(command, rows, [
    ['function', (row) => showText(row.function)],
    ['queued', (row) => row.queued],
    ['running', (row) => row.running],
    ['workers', (row) => row.workers],
  ])
  return areAll
}

/** True if each job is known to a server. */
async function showJobs(command: Command, handles: readonly string[]): Promise<boolean> {
  const { answers, areAll } = await askServers(command, async (server, { timeoutMs }) => {
    await using client = await Client.connect(server, { ...credentials(), connectTimeoutMs: timeoutMs })
    return await Promise.all(handles.map((handle) => client.status(handle, { timeoutMs })))
  })
  const rows = handles.map((handle, i) => {
    const knowing = answers.find(({ value }) => value[i]?.isKnown === true)
    return { ...jobState(handle, knowing?.value[i]), server: knowing?.server ?? null }
  })
  printRows(command, rows, jobStateColumns)
  return areAll && rows.every(({ state }) => state !== 'unknown')
}
