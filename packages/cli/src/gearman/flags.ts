import type { Priority } from '@geartrain/client'
import { Command, Option } from 'commander'
import { asCTool } from '../c-tool.ts'
import { Fault } from '../fault.ts'

/** The C tool ends so, whatever is wrong. */
export const gearmanExitCode = 1

/** What the flags of the C tool say. */
export interface GearmanFlags {
  /** At least one, in the order given. */
  readonly functions: readonly string[]
  /** Payloads; with -w the command. */
  readonly operands: readonly string[]
  readonly host: string | undefined
  readonly port: number | undefined
  readonly isEncrypted: boolean
  readonly isWorker: boolean
  readonly isDaemon: boolean
  readonly pidFile: string | undefined
  readonly isBackground: boolean
  readonly priority: Priority
  readonly unique: string
  readonly isPrefixed: boolean
  readonly isVerbose: boolean
  /** -s: stdin is not read. */
  readonly isInputless: boolean
  /** Each line of the input is a job; with -w each line of the command's output is a part of the result. */
  readonly isByLine: boolean
  /** Lines go without their ends. */
  readonly isLineEndStripped: boolean
  /** With -w: it ends after so many jobs. */
  readonly jobsMax: number
  /** It waits so long for anything to happen; undefined: for ever. */
  readonly timeoutMs: number | undefined
}

const portMax = 65_535
const int32Max = 2 ** 31 - 1

/** The command with the C tool's flags: short ones, in any place, and -- before operands that look like flags. */
export function gearmanParser(): Command {
  const command = asCTool(new Command('gearman'), gearmanExitCode, noSuchFlag)
    .description('submit jobs, or do them, with the flags of the C tool gearman')
    .usage('[options] [payload...]\n       geartrain gearman -w [options] [-- command [args...]]')
  // Of both only the last counts.
  command.on('option:I', () => command.setOptionValue('priority', 'high'))
  command.on('option:L', () => command.setOptionValue('priority', 'low'))
  const options = [
    new Option('-f <function>', 'function of the jobs; may be given several times').argParser<
      readonly string[] | undefined
    >((name, names = []) => [...names, name]),
    new Option('-h <host>', 'server (default: localhost)'),
    new Option('-p <port>', 'its port (default: 4730)').argParser((text) => wholeNumber('-p', text, 0, portMax)),
    new Option('-S', 'encrypt the connection'),
    new Option('-t <ms>', 'give up when nothing happens for so long').argParser((text) =>
      wholeNumber('-t', text, -int32Max, int32Max),
    ),
    new Option('-i <file>', 'write the process id to a file'),
    new Option('-d', 'go on in the background, without stdin and stdout'),
    new Option('-H', 'print this help'),
    ...[
      new Option('-b', 'leave the jobs with the server'),
      new Option('-I', 'high priority'),
      new Option('-L', 'low priority'),
      new Option('-n', 'each line of stdin is a job'),
      new Option('-N', 'the same without the line ends'),
      new Option('-P', "put the function's name before what comes of a job"),
      new Option('-s', 'do not read stdin: a job without payload'),
      new Option('-u <unique>', 'jobs of a function with the same unique are one; - or # is the payload'),
      new Option('-v', 'print the handles'),
    ].map((option) => option.helpGroup('To submit jobs:')),
    ...[
      new Option('-w', 'do jobs; without a command their payloads are printed'),
      new Option('-c <count>', 'end after so many jobs').argParser((text) => wholeNumber('-c', text, 0, int32Max)),
    ].map((option) => option.helpGroup('To do jobs (-n and -N send each line of the output at once):')),
  ]
  for (const option of options) command.addOption(option)
  return command.addHelpText('after', help)
}

const help = `
The servers are those of GEARMAN_SERVERS and then that of GEARMAN_SERVER, or else of -h and -p: the first one that can
be reached. With -S the files are those of GEARMAND_CA_CERTIFICATE, GEARMAN_CLIENT_PEM and GEARMAN_CLIENT_KEY.

Examples:
  geartrain gearman -f reverse 'Hello World!'
  geartrain gearman -f wc < /etc/passwd
  geartrain gearman -b -N -f fetch < urls.txt
  geartrain gearman -w -f wc -- wc -l`

export function readGearmanFlags(command: Command): GearmanFlags {
  const given = command.opts<{
    f?: readonly string[]
    h?: string
    p?: number
    S?: true
    t?: number
    i?: string
    d?: true
    b?: true
    n?: true
    N?: true
    P?: true
    s?: true
    u?: string
    v?: true
    w?: true
    c?: number
    priority?: Priority
  }>()
  const { f: functions = [], p: port = 0, t: timeoutMs = -1, c: jobsMax = 0 } = given
  if (functions.length === 0) throw new Fault('no function is given: name one with -f', gearmanExitCode)
  if (functions.includes('')) throw new Fault('-f is empty: a function has a name', gearmanExitCode)
  return {
    functions,
    operands: command.args,
    host: given.h,
    // As 0 was the C tool's default.
    port: port === 0 ? undefined : port,
    isEncrypted: given.S === true,
    isWorker: given.w === true,
    isDaemon: given.d === true,
    pidFile: given.i,
    isBackground: given.b === true,
    priority: given.priority ?? 'normal',
    unique: given.u ?? '',
    isPrefixed: given.P === true,
    isVerbose: given.v === true,
    isInputless: given.s === true,
    isByLine: given.n === true || given.N === true,
    isLineEndStripped: given.N === true,
    jobsMax: jobsMax === 0 ? Number.POSITIVE_INFINITY : jobsMax,
    timeoutMs: timeoutMs < 0 ? undefined : timeoutMs,
  }
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Fault(`${flag} must be a whole number from ${Math.max(min, 0)} to ${max}, not "${text}"`, gearmanExitCode)
}

function noSuchFlag(flag: string): string {
  return `there is no flag ${flag}: put -- before operands that look like flags; -H shows all flags`
}
