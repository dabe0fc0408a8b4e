import { Admin, Client, type ControlOperations, type ListedJob, type ServerAddress } from '@geartrain/client'
import { type Command, Option } from 'commander'
import { type AskFlags, addAskOptions, askServers, printRows } from './ask-servers.ts'
import { exitCodes } from './fault.ts'
import { listLong } from './job/list.ts'
import { type JobState, jobState, jobStateColumns } from './job-state.ts'
import { credentials } from './servers.ts'

/** So many states are asked for at once. */
const askedAtOnce = 1000
/** Handles end with a number. */
const byNumber = new Intl.Collator('en', { numeric: true })

/** `geartrain jobs`: those that have not ended. */
export function jobsCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('jobs')
    .copyInheritedSettings(program)
    .description('show the jobs that wait or run')
    .option('-l, --long', 'also functions, attempts, times and workers, which only Geartrain servers tell')
    .option('--function <name>', 'the same of this function only')
    .addOption(new Option('--state <state>', 'the same of this state only').choices(['ready', 'delayed', 'running']))
    .addHelpText(
      'after',
      `
retries is how often a worker lost the job. The protocol of Gearman does not tell the function of a job.
The exit code is 1 if a server does not answer, and 4 if none does.

Examples:
  geartrain jobs
  geartrain jobs --long
  geartrain jobs --function mail.send --state running
  geartrain jobs --json | jq -r '.[] | select(.retries > 2) | .handle' | xargs geartrain cancel`,
    )
    .action(async () => {
      const { long, ...filter } = command.opts<JobFlags>()
      if (long === true || filter.function !== undefined || filter.state !== undefined) {
        if (!(await listLong(command, filter))) finish(exitCodes.failed)
        return
      }
      const { answers, areAll } = await askServers(command, listJobs)
      const rows = answers.flatMap(({ server, value }) => value.map((job) => ({ ...job, server })))
      printRows(command, rows, [
        ...jobStateColumns,
        ['kind', ({ background }) => (background ? 'background' : 'foreground')],
        ['retries', ({ retries }) => retries],
      ])
      if (!areAll) finish(exitCodes.failed)
    })
  return addAskOptions(command)
}

type JobFlags = Pick<ControlOperations['jobs']['params'], 'function' | 'state'> & { readonly long?: boolean }

interface JobRow extends JobState {
  readonly background: boolean
  readonly retries: number
}

/** The list has no states, so each job is asked for. */
async function listJobs(server: ServerAddress, { timeoutMs }: AskFlags): Promise<JobRow[]> {
  await using admin = await Admin.connect(server, { ...credentials(), connectTimeoutMs: timeoutMs })
  await using client = await Client.connect(server, { ...credentials(), connectTimeoutMs: timeoutMs })
  // An ignored job is one that was cancelled, and is listed until a worker would get it.
  const jobs = (await admin.jobs({ timeoutMs })).filter(({ isIgnored }) => !isIgnored)
  const readRow = async ({ handle, isBackground, retries }: ListedJob): Promise<JobRow> => {
    const status = await client.status(handle, { timeoutMs })
    return { ...jobState(handle, status), background: isBackground, retries }
  }
  const rows: JobRow[] = []
  for (let from = 0; from < jobs.length; from += askedAtOnce) {
    rows.push(...(await Promise.all(jobs.slice(from, from + askedAtOnce).map(readRow))))
  }
  // One that has ended meanwhile is not known any more. C gearmand lists them in no order.
  return rows.filter(({ state }) => state !== 'unknown').sort((a, b) => byNumber.compare(a.handle, b.handle))
}
