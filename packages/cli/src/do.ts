import { Client, GeartrainError, type Priority } from '@geartrain/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { errorJson } from './do/event-json.ts'
import type { Order } from './do/order.ts'
import { givenPolicy, policyFlags } from './do/policy-flags.ts'
import { readRunAt } from './do/run-at.ts'
import { exitCodes, Fault } from './fault.ts'
import { wholeNumber } from './option-values.ts'
import { endOnInterrupt, print } from './output.ts'
import { Progress } from './progress.ts'
import { credentials, serverFault, serversOption, timeoutOption, tlsOption, tokenOption } from './servers.ts'

const priorities = ['high', 'normal', 'low'] as const satisfies readonly Priority[]
const defaultInFlight = 100
const inFlightMax = 100_000
const connectTimeoutMs = 10_000
/** The answers that a command has not waited for are few. */
const closeTimeoutMs = 1000

/** `geartrain do`: has jobs done. */
export function doCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('do')
    .copyInheritedSettings(program)
    .description('have a job done, or many of them')
    .argument('<function>', 'what is to be done')
    .argument('[payload]', 'what with; - is stdin, as is none unless stdin is a terminal')
    .addOption(serversOption())
    .addOption(tokenOption())
    .addOption(tlsOption())
    .option('-f, --file <file>', 'the payload is in this file')
    .option('-b, --background', 'leave the job with the server and print its handle')
    .option('-u, --unique <key>', 'jobs of the function with the same key are one job; - makes the payload the key')
    .addOption(new Option('--priority <priority>', 'before or after other jobs (default: normal)').choices(priorities))
    .addOption(
      new Option('--at <time>', 'not before: an ISO date, or +90s, +10m, +2h, +1d; implies --background').argParser(
        runAt,
      ),
    )
    .option('-l, --each-line', 'each line of the input is a job; results come in their order, one a line')
    .addOption(
      new Option('-n, --in-flight <n>', `with --each-line, jobs at once (default: ${defaultInFlight})`).argParser(
        inFlight,
      ),
    )
    .addOption(timeoutOption('do not wait longer for a job; the server is not told'))
    .option('--json', 'print what happens in lines of JSON')
    .option('--then <function>', 'send the result on to this function, as a background job (Geartrain)')
    .addHelpText('after', help)
    .action(async (jobFunction: string, payload?: string) => {
      const flags = readFlags(command, jobFunction, payload)
      const progress = new Progress()
      endOnInterrupt(() => progress.clear())
      try {
        finish(await perform(flags, payload, progress))
      } catch (error) {
        if (flags.isJson && !flags.isEachLine && error instanceof GeartrainError)
          print(JSON.stringify(errorJson(error)))
        throw serverFault(error)
      } finally {
        progress.clear()
      }
    })
  for (const flag of policyFlags()) command.addOption(flag)
  return command
}

const help = `
What the worker sends goes to stdout as it comes, and the result after it; warnings and progress go to stderr.

With --each-line a job's data and result are its line, and a failed job leaves its line empty; what it was is said on
stderr. With --json there is a line for each event, such as {"event":"status","numerator":1,"denominator":3}; "data"
is the text or, if it is no UTF-8, {"base64":"..."}. With --each-line there is one for each job's end, with its "line".

Exit codes: 0 done (in the background: taken), 1 failed, or one of the lines, 2 usage, 3 the worker threw an exception,
4 no server can be reached or the connection was lost, 5 --timeout is over, 130 Ctrl-C.

--then, the flags for this job, and --priority together with --at take a Geartrain server, and are refused with others. A
flag that is not given leaves it to the policy of the function (geartrain function show).

The time of --at is to the millisecond with Geartrain, and rounded up to a second with other servers. C gearmand wakes
no worker when it comes: the job then waits for one that asks.

Examples:
  geartrain do reverse 'Hello World!'
  geartrain do resize < photo.jpg > small.jpg
  geartrain do report 2024 --background --unique report-2024 --priority low
  geartrain do remind 'stand up' --at +10m
  geartrain do remind 'wake up' --at +10m --priority high
  geartrain do send-mail --background --attempts 5 --backoff-first 10s --job-timeout 30s < mail.eml
  geartrain do render page-17 -b --ttl 5m --keep-results 1h --then publish
  geartrain do lookup --each-line --file hosts.txt -n 500
  geartrain do encode --file film.mov --json | jq -r 'select(.event == "status") | .numerator'`

interface DoFlags {
  readonly order: Order
  readonly servers: string | undefined
  readonly file: string | undefined
  readonly isEachLine: boolean
  readonly inFlight: number
  readonly isJson: boolean
}

/** Resolves with the exit code. */
async function perform(flags: DoFlags, payload: string | undefined, progress: Progress): Promise<number> {
  const { order, servers, isJson } = flags
  const { openInput, readPayload } = await import('./do/input.ts')
  const timeoutMs = Math.min(order.timeoutMs ?? connectTimeoutMs, connectTimeoutMs)
  await using client = await Client.connect(servers, { ...credentials(), connectTimeoutMs: timeoutMs, closeTimeoutMs })
  if (flags.isEachLine) {
    const { doEachLine } = await import('./do/each-line.ts')
    return await doEachLine(client, order, openInput(flags.file), {
      inFlight: flags.inFlight,
      file: flags.file,
      isJson,
      progress,
    })
  }
  const { doInBackground, doInForeground } = await import('./do/one-job.ts')
  const workload = await readPayload(payload, flags.file)
  if (order.isBackground) return await doInBackground(client, order, workload, { isJson })
  return await doInForeground(client, order, workload, { isJson, progress, servers })
}

function readFlags(command: Command, jobFunction: string, payload: string | undefined): DoFlags {
  const { servers, file, background, unique, priority, at, eachLine, inFlight, timeout, json, then } = command.opts<{
    servers?: string
    file?: string
    background?: boolean
    unique?: string
    priority?: Priority
    at?: Date
    eachLine?: boolean
    inFlight?: number
    timeout?: number
    json?: boolean
    then?: string
  }>()
  const refuse = (sentence: string): never => {
    throw new Fault(sentence, exitCodes.usage)
  }
  if (jobFunction === '') refuse('the function has no name: is a variable of your script empty?')
  if (payload !== undefined && file !== undefined) refuse('the payload is given twice: as an argument and with --file')
  if (eachLine !== true && inFlight !== undefined) refuse('--in-flight goes with --each-line')
  if (eachLine === true && payload !== undefined && payload !== '-')
    refuse('with --each-line the payloads are the lines of stdin or of --file, not an argument')
  if (eachLine === true && unique !== undefined && unique !== '-')
    refuse('with --each-line a --unique would make one job of all lines; only - is possible, the line itself')
  return {
    order: {
      function: jobFunction,
      unique,
      priority,
      runAt: at,
      timeoutMs: timeout,
      isBackground: background === true || at !== undefined,
      then,
      policy: givenPolicy(command),
    },
    servers,
    file,
    isEachLine: eachLine === true,
    inFlight: inFlight ?? defaultInFlight,
    isJson: json === true,
  }
}

function runAt(text: string): Date {
  const date = readRunAt(text, Date.now())
  if (date !== undefined) return date
  throw new InvalidArgumentError('It must be like 2030-01-31, 2030-01-31T09:00, 2030-01-31T09:00:00Z, +90s or +10m.')
}

function inFlight(text: string): number {
  return wholeNumber(text, inFlightMax)
}
