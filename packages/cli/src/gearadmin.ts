import { reason } from '@geartrain/server'
import { Command, Option } from 'commander'
import { asCTool } from './c-tool.ts'
import { Fault } from './fault.ts'
import { TextSession } from './gearadmin/text-session.ts'
import { findTls } from './gearman/servers.ts'
import { reasonNotReached } from './servers.ts'

/** A flag that asks the server something. */
interface Question {
  readonly flag: string
  /** What is sent; the flag's value follows it. */
  readonly text: string
  readonly help: string
  readonly value?: string
  readonly isList?: true
}

/** The C tool ends so, whatever is wrong. */
const gearadminExitCode = 1
const portMax = 65_535

/** In the order in which the C tool asks, whatever the order of the flags. */
const questions: readonly Question[] = [
  { flag: 'getpid', text: 'getpid', help: "the server's process id" },
  { flag: 'create-function', text: 'create function', value: 'function', help: 'make a function known' },
  { flag: 'drop-function', text: 'drop function', value: 'function', help: 'forget a function that nobody uses' },
  { flag: 'show-jobs', text: 'show jobs', help: 'all jobs: handle, retries, ignored, in the background', isList: true },
  { flag: 'show-unique-jobs', text: 'show unique jobs', help: 'the uniques of all jobs', isList: true },
  { flag: 'cancel-job', text: 'cancel job', value: 'handle', help: 'fail a job' },
  { flag: 'server-verbose', text: 'verbose', help: 'how much the server logs' },
  { flag: 'server-version', text: 'version', help: "the server's version" },
  { flag: 'workers', text: 'workers', help: 'all connections: fd, address, name, functions', isList: true },
  {
    flag: 'priority-status',
    text: 'prioritystatus',
    help: 'all functions: waiting jobs of high, normal and low priority, workers',
    isList: true,
  },
  { flag: 'status', text: 'status', help: 'all functions: jobs, those that run, workers', isList: true },
]

/** `geartrain gearadmin`: the C tool of that name, for scripts that exist. */
export function gearadminCommand(finish: (exitCode: number) => void): Command {
  const noSuchFlag = (flag: string) => `there is no flag ${flag}; --help shows all of them`
  const command = asCTool(new AbbreviatingCommand('gearadmin'), gearadminExitCode, noSuchFlag).description(
    "ask or tell a server something with the C tool's flags",
  )
  const options = [
    new Option('--help', 'print this help'),
    new Option('-h, --host <host>', 'server').default('localhost'),
    new Option('-p, --port <port>', 'its port').default('4730'),
    new Option('-S, --ssl', 'encrypt the connection'),
    ...questions.map(
      ({ flag, value, help }) => new Option(`--${flag}${value === undefined ? '' : ` <${value}>`}`, help),
    ),
  ]
  for (const option of options) {
    let isGiven = false
    command.addOption(option).on(`option:${option.name()}`, () => {
      if (isGiven) throw new Fault(`--${option.name()} may be given only once`, gearadminExitCode)
      isGiven = true
    })
  }
  command.addHelpText('after', help)
  return command.action(async () => finish(await gearadmin(command)))
}

const help = `
Long flags may be cut short as long as one is meant. Several questions are asked in an order of their own. With -S the
files are those of GEARMAND_CA_CERTIFICATE, GEARMAN_CLIENT_PEM and GEARMAN_CLIENT_KEY.

Examples:
  geartrain gearadmin --status
  geartrain gearadmin -h 10.0.0.1 -p 4731 --workers
  geartrain gearadmin --cancel-job H:host:17`

/** Resolves with the exit code. */
async function gearadmin(command: Command): Promise<number> {
  const given = command.opts<{ help?: true; host: string; port: string; ssl?: true }>()
  if (given.help === true) {
    command.outputHelp()
    return 0
  }
  const asked = questions.flatMap((question) => {
    const line = lineOf(question, command)
    return line === undefined ? [] : [{ line, isList: question.isList === true }]
  })
  if (asked.length === 0) throw new Fault('nothing is asked: --help shows what can be', gearadminExitCode)
  using session = await open(given.host, readPort(given.port), given.ssl === true)
  let exitCode = 0
  for (const { line, isList } of asked) {
    const answer = await ask(session, line, isList)
    if (!show(answer)) exitCode = gearadminExitCode
  }
  return exitCode
}

/** What is to be sent; undefined if the flag is not given. */
function lineOf({ flag, text, value }: Question, command: Command): string | undefined {
  const option = command.options.find((each) => each.long === `--${flag}`)
  const given: unknown = option === undefined ? undefined : command.getOptionValue(option.attributeName())
  if (value === undefined) return given === true ? text : undefined
  if (typeof given !== 'string') return undefined
  if (/[\r\n\0]/.test(given)) throw new Fault(`there is a line end in --${flag}: that can't be sent`, gearadminExitCode)
  return `${text} ${given}`
}

async function open(host: string, port: number, isEncrypted: boolean): Promise<TextSession> {
  try {
    return await TextSession.open(host, port, findTls(isEncrypted, process.env))
  } catch (error) {
    if (error instanceof Fault || !(error instanceof Error)) throw error
    throw new Fault(`cannot reach ${host}:${port}: ${reasonNotReached(error)}`, gearadminExitCode, { cause: error })
  }
}

async function ask(session: TextSession, line: string, isList: boolean): Promise<string> {
  try {
    return await session.ask(line, isList)
  } catch (error) {
    throw new Fault(reason(error), gearadminExitCode, { cause: error })
  }
}

/** Prints an answer as the C tool does: without OK, but for one that is nothing else. False: it is an error. */
function show(answer: string): boolean {
  const [, error] = /^ERR (.*?)\r?\n$/s.exec(answer) ?? []
  if (error !== undefined) process.stderr.write(`Error: ${error}\n`, 'latin1')
  else process.stdout.write(answer === 'OK\r\n' ? 'OK\n' : answer.replace(/^OK /, ''), 'latin1')
  return error === undefined
}

function readPort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= portMax) return port
  throw new Fault(`--port must be a whole number from 1 to ${portMax}, not "${text}"`, gearadminExitCode)
}

/** Takes long flags that are cut short, where only one begins so. */
class AbbreviatingCommand extends Command {
  override parseOptions(args: string[]): ReturnType<Command['parseOptions']> {
    return super.parseOptions(args.map((arg) => this.#expand(arg)))
  }

  #expand(arg: string): string {
    const [, short, value = ''] = /^(--[a-z-]+)(=.*)?$/s.exec(arg) ?? []
    if (short === undefined) return arg
    const flags = this.options.flatMap(({ long }) => (long?.startsWith(short) === true ? [long] : []))
    if (flags.length <= 1) return `${flags[0] ?? short}${value}`
    throw new Fault(`${short} may be ${flags.join(' or ')}`, gearadminExitCode)
  }
}
