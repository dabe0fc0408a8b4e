/**
 * The administrative text protocol: lines in, lines out, on the same port as the packets. What a line means is
 * decided here; the answers that need no job server are written here as well.
 */
export type AdminCommand =
  | { readonly name: 'version' | 'getpid' | 'verbose' | 'status' | 'prioritystatus' | 'workers' }
  | { readonly name: 'show jobs' | 'show unique jobs' }
  | { readonly name: 'cancel job'; readonly handle: string }
  | { readonly name: 'create function' | 'drop function'; readonly function: string }
  | { readonly name: 'maxqueue'; readonly function: string; readonly limits: AdminQueueLimits }
  /** The line is answered with this and nothing else happens. */
  | { readonly name: 'refused'; readonly answer: string }
  /** The line is not answered: the connection is closed. */
  | { readonly name: 'close' }

/** How many jobs of a function a submission of each priority may find there; 0 is no limit. */
export interface AdminQueueLimits {
  readonly high: number
  readonly normal: number
  readonly low: number
}

/** A line of more words closes the connection. */
export const adminWordsMax = 5

export const adminAnswers = {
  ok: 'OK\r\n',
  unknownJob: 'ERR UNKNOWN_JOB\r\n',
  functionNotFound: 'ERR function not found\r\n',
  functionInUse: 'ERR there are still connected workers or executing clients\r\n',
} as const

/**
 * `line` has no line end. Commands are read in any case, names as they are. A blank at the line's beginning or end
 * has an empty word before or behind it: ` status` is no command, `show jobs ` says too much.
 */
export function parseAdminLine(line: string): AdminCommand {
  const words = line.split(/ +/)
  if (words.length > adminWordsMax) return { name: 'close' }
  const [command = '', ...args] = words
  const parse = commands.get(command.toLowerCase())
  return parse === undefined ? unknownCommand(command) : parse(args, command)
}

type Parse = (args: readonly string[], command: string) => AdminCommand

const commands = new Map<string, Parse>([
  ['version', () => ({ name: 'version' })],
  ['getpid', () => ({ name: 'getpid' })],
  ['verbose', () => ({ name: 'verbose' })],
  ['status', () => ({ name: 'status' })],
  ['prioritystatus', () => ({ name: 'prioritystatus' })],
  ['workers', () => ({ name: 'workers' })],
  ['show', parseShow],
  ['cancel', parseCancel],
  ['create', parseCreate],
  ['drop', parseDrop],
  ['maxqueue', parseMaxqueue],
])

function parseShow(args: readonly string[], command: string): AdminCommand {
  if (args.length === 0) return unknownCommand(command)
  const what = args.join(' ').toLowerCase()
  if (what === 'jobs' || what === 'unique jobs') return { name: `show ${what}` }
  return { name: 'refused', answer: 'ERR UNKNOWN_SHOW_ARGUMENTS\r\n' }
}

function parseCancel(args: readonly string[], command: string): AdminCommand {
  const [what, handle] = args
  if (what === undefined || handle === undefined) return unknownCommand(command)
  if (what.toLowerCase() !== 'job' || args.length !== 2) return { name: 'refused', answer: 'ERR UNKNOWN_ERROR\r\n' }
  return { name: 'cancel job', handle }
}

function parseCreate(args: readonly string[], command: string): AdminCommand {
  const [what, name] = args
  if (what?.toLowerCase() !== 'function' || name === undefined || args.length !== 2) return incomplete(command)
  return { name: 'create function', function: name }
}

function parseDrop(args: readonly string[], command: string): AdminCommand {
  const [what, name] = args
  if (what?.toLowerCase() !== 'function' || name === undefined || args.length !== 2) return incomplete(command)
  return { name: 'drop function', function: name }
}

/** `maxqueue f`: no limits. One number: for all priorities. Two or three: high, normal, low. */
function parseMaxqueue(args: readonly string[], command: string): AdminCommand {
  const [name, ...sizes] = args
  if (name === undefined) return incomplete(command)
  const [first = 0, second = 0, third = 0] = sizes.map(parseLimit)
  const limits =
    sizes.length === 1 ? { high: first, normal: first, low: first } : { high: first, normal: second, low: third }
  return { name: 'maxqueue', function: name, limits }
}

/** As C's atoi reads it; what is negative or no number is no limit. */
function parseLimit(word: string): number {
  const value = Number.parseInt(word, 10)
  return value > 0 ? value : 0
}

function unknownCommand(command: string): AdminCommand {
  return { name: 'refused', answer: `ERR UNKNOWN_COMMAND Unknown+server+command${command}\r\n` }
}

function incomplete(command: string): AdminCommand {
  const text = `An+incomplete+set+of+arguments+was+sent+to+this+command+${command}`
  return { name: 'refused', answer: `ERR INVALID_ARGUMENTS ${text}\r\n` }
}
