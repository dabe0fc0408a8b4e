import { type Command, Option } from 'commander'
import { exitCodes, Fault } from './fault.ts'
import { seconds, wholeNumber } from './option-values.ts'
import { serverFault, serversOption, tlsOption, tokenOption } from './servers.ts'
import type { WorkerRunOptions } from './work/worker-run.ts'

/** What the flags of `geartrain work` say. */
interface WorkFlags {
  readonly servers: string | undefined
  readonly concurrency: number
  readonly timeoutMs: number | undefined
  readonly jobsMax: number
  readonly isStreamed: boolean
  readonly isQuiet: boolean
  readonly isJson: boolean
}

const concurrencyMax = 10_000
const timeoutSecondsMin = 1
/** Node's timers fire at once beyond it. */
const timeoutSecondsMax = (2 ** 31 - 1) / 1000

/** `geartrain work`: does jobs, with a command or with a module of handlers. */
export function workCommand(program: Command): Command {
  const command = program
    .createCommand('work')
    .copyInheritedSettings(program)
    .description('do jobs: with a command, or with the handlers of a JavaScript module')
    .usage('[options] FUNCTION -- COMMAND [ARGS...]\n       geartrain work [options] FILE')
    .argument('<name>', 'function whose jobs the command does; without a command, file of a module with handlers')
    .argument('[command...]', 'what to run for each job')
    .addOption(serversOption())
    .addOption(tokenOption())
    .addOption(tlsOption())
    .addOption(
      new Option('-c, --concurrency <n>', 'jobs at once')
        .default(1)
        .argParser((text) => wholeNumber(text, concurrencyMax)),
    )
    .addOption(
      new Option('--timeout <seconds>', 'a job that takes longer is ended, and given to another worker').argParser(
        timeoutSeconds,
      ),
    )
    .addOption(
      new Option('-n, --max-jobs <n>', 'end after so many jobs, and those that it has by then').argParser((text) =>
        wholeNumber(text, Number.MAX_SAFE_INTEGER),
      ),
    )
    .option('--data', 'send what the command writes in parts, while it runs')
    .option('-q, --quiet', 'say only what goes wrong')
    .option('--json', 'say it in lines of JSON')
    .addHelpText('after', help)
    .action(async (name: string, [program, ...args]: readonly string[]) => {
      const flags = readFlags(command)
      if (program === undefined) await workByModule(name, flags)
      else await workByCommand(name, program, args, flags)
    })
  return command
}

const help = `
With a command after --, jobs of FUNCTION are done by it: the workload is on its stdin, what it writes to stdout is the
result, at most 64 MiB (with --data as much as it likes). Exit code 0 is success; any other, or a signal, fails the
job, and the job's client gets the last 20 lines (4 KiB) of its stderr as exception. All of its stderr also comes here.
The environment has GEARTRAIN_HANDLE, GEARTRAIN_FUNCTION and GEARTRAIN_UNIQUE.

Without a command FILE is an ES module or a CommonJS one: the functions it exports are the handlers, or the entries of
its default export. A handler gets the job as with Worker.handle() of @geartrain/client; one with settings of its own
is { handler, timeoutMs, concurrency }: so many of its jobs at once, within --concurrency.

A command of a job that is no longer wanted (it was cancelled, --timeout is over, the connection is lost) gets SIGTERM,
with all that it has started, and SIGKILL 5 s later. SIGTERM and SIGINT end the worker when the running jobs are done;
a second one ends it at once, and the server gives its jobs to others. (C gearmand tells no worker of a cancelled job,
and has one timer for all jobs of a worker: there, use --timeout with one job at once.)

Examples:
  geartrain work wc -- wc -l
  geartrain work resize -c 4 --timeout 30 -- convert - -resize 200x200 -
  geartrain work build --data -- sh -c 'make 2>&1'
  geartrain work handlers.js -c 10 -s 10.0.0.1,10.0.0.2:4731

  // handlers.js
  export async function reverse(job) { return job.text().split('').reverse().join('') }
  export const resize = { handler: (job) => scale(job.workload, job.signal), timeoutMs: 30_000, concurrency: 2 }`

async function workByCommand(
  jobFunction: string,
  command: string,
  args: readonly string[],
  flags: WorkFlags,
): Promise<void> {
  if (/\.[mc]?[jt]s$/.test(jobFunction)) {
    const advice = 'give a function to do with the command, or the file alone'
    throw new Fault(`${jobFunction} is the name of a module, which goes without a command: ${advice}`, exitCodes.usage)
  }
  const { JobCommand } = await import('./work/job-command.ts')
  const log = await openLog(flags)
  const jobCommand = new JobCommand({ command, args, isStreamed: flags.isStreamed, log })
  const killAll = () => jobCommand.killAll()
  process.once('exit', killAll)
  const { timeoutMs } = flags
  const entry = { function: jobFunction, handler: jobCommand.handler, timeoutMs, concurrency: undefined }
  await run({ ...flags, entries: [entry], log })
  // Those whose jobs are no longer wanted have their time to end.
  await jobCommand.ended()
  process.off('exit', killAll)
}

async function workByModule(file: string, flags: WorkFlags): Promise<void> {
  if (flags.isStreamed)
    throw new Fault('--data goes with a command: a handler sends parts with job.data()', exitCodes.usage)
  const { loadHandlers } = await import('./work/handler-module.ts')
  const entries = await loadHandlers(file)
  const timed = entries.map((entry) => ({ ...entry, timeoutMs: entry.timeoutMs ?? flags.timeoutMs }))
  await run({ ...flags, entries: timed, log: await openLog(flags) })
}

async function openLog({ isJson, isQuiet }: WorkFlags) {
  const { WorkLog } = await import('./work/work-log.ts')
  return new WorkLog({ isJson, isQuiet })
}

async function run(options: WorkerRunOptions): Promise<void> {
  const { runWorker } = await import('./work/worker-run.ts')
  try {
    await runWorker(options)
  } catch (error) {
    throw serverFault(error)
  }
}

function readFlags(command: Command): WorkFlags {
  const { servers, concurrency, timeout, maxJobs, data, quiet, json } = command.opts<{
    servers?: string
    concurrency: number
    timeout?: number
    maxJobs?: number
    data?: boolean
    quiet?: boolean
    json?: boolean
  }>()
  return {
    servers,
    concurrency,
    timeoutMs: timeout === undefined ? undefined : Math.ceil(timeout * 1000),
    jobsMax: maxJobs ?? Number.POSITIVE_INFINITY,
    isStreamed: data === true,
    isQuiet: quiet === true,
    isJson: json === true,
  }
}

function timeoutSeconds(text: string): number {
  return seconds(text, timeoutSecondsMin, timeoutSecondsMax, ` from 1 to ${Math.floor(timeoutSecondsMax)}`)
}
