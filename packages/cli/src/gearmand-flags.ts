import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { asCTool } from './c-tool.ts'
import { Fault } from './fault.ts'

/** Every failure of gearmand ends with this. */
export const gearmandExitCode = 1
const defaultConfigFile = '/etc/gearmand.conf'

interface GearmandFlag {
  readonly short?: string
  /** What follows the flag; none: it is a switch. */
  readonly value?: 'n' | 'text' | 'file' | 'name'
  /** As gearmand has it. A flag that is not given stays undefined: some defaults are ours to choose. */
  readonly default?: string
  readonly group: 'General' | 'Gear' | 'HTTP' | 'Queues'
  readonly help: string
  /** It is accepted and does nothing; why, for the log. */
  readonly note?: string
  readonly isHidden?: true
}

const ofQueue = 'it belongs to a queue type that this version does not have'
const ofThreads = 'one thread does all the work here'
const ofKernel = 'Node.js leaves it to the system: see net.ipv4.tcp_keepalive_* of sysctl'

/** The flags of C gearmand, 1.1 and 2.0. The manual's table is made of this one. */
export const gearmandFlags = {
  backlog: {
    short: 'b',
    value: 'n',
    default: '32',
    group: 'General',
    help: 'connections that may wait to be accepted',
  },
  daemon: { short: 'd', group: 'General', help: 'go to the background when ready' },
  exceptions: { group: 'General', help: 'give WORK_EXCEPTION to every client, asked for or not' },
  'file-descriptors': {
    short: 'f',
    value: 'n',
    group: 'General',
    help: 'open files needed; the log says if the limit is lower',
  },
  help: { short: 'h', group: 'General', help: 'print this help' },
  'job-retries': {
    short: 'j',
    value: 'n',
    default: '-1',
    group: 'General',
    help: 'attempts of a job whose worker goes away before it fails; 0 is one, -1 as many as it takes',
  },
  'job-handle-prefix': {
    value: 'text',
    default: 'H:host',
    group: 'General',
    help: 'what job handles begin with; 46 characters of it are used',
  },
  'hashtable-buckets': {
    value: 'n',
    default: '991',
    group: 'General',
    help: 'no effect',
    note: 'tables grow by themselves here',
  },
  keepalive: { group: 'General', help: 'have the system probe silent connections; always on, as in gearmand' },
  'keepalive-idle': { value: 'n', default: '-1', group: 'General', help: 'seconds of silence before the first probe' },
  'keepalive-interval': { value: 'n', default: '-1', group: 'General', help: 'no effect', note: ofKernel },
  'keepalive-count': { value: 'n', default: '-1', group: 'General', help: 'no effect', note: ofKernel },
  'log-file': {
    short: 'l',
    value: 'file',
    default: '/var/log/gearmand.log',
    group: 'General',
    help: 'file that the log is added to, "stderr" or "none"',
  },
  listen: {
    short: 'L',
    value: 'name',
    group: 'General',
    help: 'address or name to listen on; every address if not given',
  },
  'pid-file': {
    short: 'P',
    value: 'file',
    default: '/var/gearmand.pid',
    group: 'General',
    help: 'file that holds the process id while the server runs',
  },
  protocol: { short: 'r', value: 'name', group: 'General', help: 'a second protocol: http' },
  'round-robin': {
    short: 'R',
    group: 'General',
    help: 'no effect',
    note: "a worker's functions always take turns here",
  },
  'queue-type': {
    short: 'q',
    value: 'name',
    default: 'builtin',
    group: 'General',
    help: 'where background jobs are kept: builtin is memory, libsqlite3 a file',
  },
  'config-file': {
    value: 'file',
    default: defaultConfigFile,
    group: 'General',
    help: 'file with more flags; these here win',
  },
  syslog: {
    group: 'General',
    help: 'no effect',
    note: 'with -l stderr the lines go to journald under systemd, and elsewhere into a pipe to logger',
  },
  coredump: { group: 'General', help: 'no effect', note: 'set the limit with ulimit -c before the start' },
  threads: { short: 't', value: 'n', default: '4', group: 'General', help: 'no effect', note: ofThreads },
  user: { short: 'u', value: 'name', group: 'General', help: 'user to become after listening; for root only' },
  verbose: {
    value: 'name',
    default: 'ERROR',
    group: 'General',
    help: 'the least important lines that are logged: FATAL, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG',
  },
  version: { short: 'V', group: 'General', help: 'print the version' },
  'worker-wakeup': {
    short: 'w',
    value: 'n',
    group: 'General',
    help: 'sleeping workers woken for a job; 0 is all of them, and one if not given',
  },
  'check-args': {
    group: 'General',
    isHidden: true,
    help: 'check the flags and the configuration file, and do no more',
  },

  port: { short: 'p', value: 'n', default: '4730', group: 'Gear', help: 'port to listen on; 0 picks a free one' },
  ssl: { group: 'Gear', help: 'speak TLS on the port, and nothing else' },
  'ssl-ca-file': {
    value: 'file',
    default: '/etc/ssl/certs/gearmand-ca.pem',
    group: 'Gear',
    help: 'authorities that vouch for clients, where GEARTRAIN_TLS_CLIENTS asks these for certificates',
  },
  'ssl-certificate': {
    value: 'file',
    default: '/etc/ssl/certs/gearmand.pem',
    group: 'Gear',
    help: 'certificate of the server, in PEM',
  },
  'ssl-key': { value: 'file', default: '/etc/ssl/certs/gearmand.key', group: 'Gear', help: 'its key, in PEM' },

  'http-port': { value: 'n', default: '8080', group: 'HTTP', help: 'port for -r http; 0 picks a free one' },

  'libsqlite3-db': {
    value: 'file',
    group: 'Queues',
    help: 'file that -q libsqlite3 keeps jobs in; if C gearmand has made it, its jobs are imported into one beside it, FILE.geartrain',
  },
  'libsqlite3-table': {
    value: 'name',
    default: 'gearman_queue',
    group: 'Queues',
    help: "C gearmand's table in that file",
  },
  'store-queue-on-shutdown': {
    group: 'Queues',
    help: 'no effect: with -q libsqlite3 each job is stored before it is acknowledged',
  },
  'libmemcached-servers': queueFlag('text'),
  'libmemcached-prefix': queueFlag('text'),
  'redis-server': queueFlag('name'),
  'redis-port': queueFlag('text'),
  'redis-password': queueFlag('text'),
  'redis-prefix': queueFlag('text'),
  'libpq-conninfo': queueFlag('text'),
  'libpq-table': queueFlag('name'),
  'mysql-host': queueFlag('name'),
  'mysql-port': queueFlag('text'),
  'mysql-user': queueFlag('name'),
  'mysql-password': queueFlag('text'),
  'mysql-db': queueFlag('name'),
  'mysql-table': queueFlag('name'),
  'libtokyocabinet-file': queueFlag('file'),
  'libtokyocabinet-optimize': { group: 'Queues', help: 'no effect', note: ofQueue },
  'libdrizzle-host': queueFlag('name'),
  'libdrizzle-port': queueFlag('text'),
  'libdrizzle-uds': queueFlag('file'),
  'libdrizzle-user': queueFlag('name'),
  'libdrizzle-password': queueFlag('text'),
  'libdrizzle-db': queueFlag('name'),
  'libdrizzle-table': queueFlag('name'),
  'libdrizzle-mysql': { group: 'Queues', help: 'no effect', note: ofQueue },
} as const satisfies Record<string, GearmandFlag>

export type GearmandFlagName = keyof typeof gearmandFlags
/** What was given: the text after the flag, or true for a switch. */
export type GivenGearmandFlags = { readonly [Name in GearmandFlagName]?: string | true }

// The keys of a literal are the names of its type; TypeScript can't say so because other objects may have more.
export const gearmandFlagNames: readonly GearmandFlagName[] = Object.keys(gearmandFlags) as GearmandFlagName[]

function queueFlag(value: 'text' | 'file' | 'name') {
  return { value, group: 'Queues', help: 'no effect', note: ofQueue } as const
}

/** The command with gearmand's flags and habits: no abbreviations, nothing twice, and 1 for all that is wrong. */
export function gearmandParser(): Command {
  const command = asCTool(new Command('gearmand'), gearmandExitCode, noSuchFlag).description(
    'run a job server with the flags of C gearmand',
  )
  for (const name of gearmandFlagNames) {
    const flag: GearmandFlag = gearmandFlags[name]
    const long = flag.value === undefined ? `--${name}` : `--${name} <${flag.value}>`
    const text = flag.default === undefined ? flag.help : `${flag.help} (default: ${flag.default})`
    const option = new Option(flag.short === undefined ? long : `-${flag.short}, ${long}`, text)
    command.addOption(option.helpGroup(`${flag.group}:`).hideHelp(flag.isHidden === true))
    let isGiven = false
    command.on(`option:${name}`, () => {
      if (isGiven) throw new Fault(`--${name} may be given only once`, gearmandExitCode)
      isGiven = true
    })
  }
  return command
}

/** What the command line gave, and the configuration file where the command line is silent. */
export function readGearmandFlags(command: Command): { given: GivenGearmandFlags; notes: string[] } {
  const fromLine = givenFlags(command)
  const notes: string[] = []
  const file = textOf(fromLine, 'config-file') ?? defaultConfigFile
  const words = file === '' ? [] : readWords(file)
  const parser = gearmandParser()
  try {
    parser.parse(words, { from: 'user' })
  } catch (error) {
    if (error instanceof Fault) throw new Fault(`${file}: ${error.message}`, error.exitCode, { cause: error })
    throw error
  }
  if (parser.args.length > 0) {
    notes.push(`${file}: words that belong to no flag are ignored: ${parser.args.join(' ')}`)
  }
  const given = { ...givenFlags(parser), ...fromLine }
  for (const name of gearmandFlagNames) {
    const flag: GearmandFlag = gearmandFlags[name]
    if (flag.note !== undefined && given[name] !== undefined) notes.push(`--${name} has no effect: ${flag.note}`)
  }
  return { given, notes }
}

export function textOf(given: GivenGearmandFlags, name: GearmandFlagName): string | undefined {
  const value = given[name]
  return value === true ? undefined : value
}

/** Undefined if it is not given; refuses what is no whole number from `min` to `max`. */
export function numberOf(
  given: GivenGearmandFlags,
  name: GearmandFlagName,
  min = -(2 ** 31),
  max = 2 ** 32 - 1,
): number | undefined {
  const text = textOf(given, name)
  if (text === undefined) return undefined
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Fault(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`, gearmandExitCode)
}

/** Split at blanks and line ends, without quotes or comments: gearmand's way. */
function readWords(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(/\s+/)
      .filter((word) => word !== '')
  } catch (error) {
    if (file === defaultConfigFile) return []
    throw new Fault(`cannot read the configuration file ${file}`, gearmandExitCode, { cause: error })
  }
}

function givenFlags(command: Command): GivenGearmandFlags {
  const given: { [Name in GearmandFlagName]?: string | true } = {}
  for (const name of gearmandFlagNames) {
    const option = command.options.find((each) => each.long === `--${name}`)
    const value: unknown = option === undefined ? undefined : command.getOptionValue(option.attributeName())
    if (typeof value === 'string' || value === true) given[name] = value
  }
  return given
}

function noSuchFlag(flag: string): string {
  if (flag.startsWith('-v')) {
    return '-v is no flag of gearmand any more: say --verbose and a level, such as --verbose INFO'
  }
  return `there is no flag ${flag}; -h shows all of them`
}
