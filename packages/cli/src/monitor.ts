import { formatServer } from '@geartrain/client'
import {
  createMonitor,
  type ListeningAddress,
  type Monitor,
  type OpenLog,
  readConfigFile,
  reason,
  type SettingName,
  type SettingValues,
  TlsError,
  toServerOptions,
  UnguardedError,
} from '@geartrain/server'
import type { Command } from 'commander'
import { exitCodes, Fault, listenFault, refuseArguments, unguardedFault } from './fault.ts'
import { listServers, serverOption } from './servers.ts'
import { addSettingFlags, openSettingsLog, readSettings } from './settings-flags.ts'

/** Those of serve that make sense without jobs. */
const flags: readonly SettingName[] = [
  'http',
  'http-hosts',
  'insecure',
  'http-tls',
  'tls-cert',
  'tls-key',
  'tls-clients',
  'tls-ca',
  'tls-crl',
  'log-level',
  'log-format',
  'log-file',
]

/** `geartrain monitor`: the dashboard of servers elsewhere. `finish` gets the exit code. */
export function monitorCommand(program: Command, finish: (exitCode: number) => void): Command {
  const command = program
    .createCommand('monitor')
    .copyInheritedSettings(program)
    .description('show job servers in the browser, plain gearmand too')
    .addOption(serverOption())
  addSettingFlags(command, flags)
  return command
    .addHelpText('after', help)
    .allowExcessArguments(true)
    .action(async () => {
      refuseArguments(command, exitCodes.usage)
      finish(await monitor(command))
    })
}

const help = `
Any Gearman server will do. It is asked by its text protocol what every client may ask, over one connection, and only
while somebody looks; nothing is changed there. Each setting is also an environment variable and a key in the configuration
file, as for geartrain serve; servers come from --server, else from the setting watch, else from $GEARMAN_SERVERS.

Where others can reach it, it needs rules of access: tables [access.NAME] in the file, with the role view on all functions.

Examples:
  geartrain monitor --server 10.0.0.1 --server 10.0.0.2:4731     then open http://127.0.0.1:4731
  geartrain monitor -s 10.0.0.1,10.0.0.2 --http 8080
  geartrain monitor --config access.toml --http '*:4731' --http-hosts jobs.example
  GEARMAN_SERVERS=10.0.0.1 geartrain monitor --log-format json`

async function monitor(command: Command): Promise<number> {
  const { values, access, notes, file } = await readSettings(command)
  const { http, ...options } = toServerOptions(values)
  if (http === undefined) throw new Fault('http is off, and a monitor is nothing else', exitCodes.usage)
  const servers = serversOf(command, values)
  const openedLog = await openSettingsLog(values)
  const { log, startLog } = openedLog
  for (const note of notes) startLog.warn(note)
  const made = createMonitor({ ...options, http, servers, access, log })
  const address = await made.listen().catch((error: unknown) => {
    if (error instanceof TlsError) throw new Fault(error.message, exitCodes.failed, { cause: error })
    if (error instanceof UnguardedError) throw unguardedFault(error)
    throw listenFault(error, options)
  })
  const stopped = untilStopped(made, openedLog, file)
  if (made.unguarded !== undefined) {
    startLog.warn(`there are no access rules: everyone who can reach ${made.unguarded} may see everything`)
  }
  const url = urlOf(address, options.httpTls)
  startLog.info({ http: url, servers, pid: process.pid }, `ready on ${url} for ${servers.join(', ')}`)
  return await stopped
}

function serversOf(command: Command, { watch }: SettingValues): readonly string[] {
  // As its parser gives it.
  const given = command.getOptionValue('server') as readonly string[] | undefined
  if (given !== undefined) return given
  return watch.length > 0 ? watch : [...new Set(listServers(undefined).map(formatServer))]
}

/** What to open in a browser. */
function urlOf({ address, port }: ListeningAddress, isTls: boolean): string {
  const host = address === '::' || address === '0.0.0.0' ? 'localhost' : address
  return `${isTls ? 'https' : 'http'}://${formatServer({ host, port })}`
}

/** Resolves with the exit code. SIGTERM and SIGINT stop it; SIGHUP reads again what can be, or stops it with its terminal. */
function untilStopped(made: Monitor, openedLog: OpenLog, file: string | undefined): Promise<number> {
  const { log } = openedLog
  return new Promise((resolve, reject) => {
    const stop = (signal: NodeJS.Signals) => {
      log.info(`${signal}: the monitor ends`)
      made.close().then(() => resolve(0), reject)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGHUP', () => {
      if (openedLog.isTerminal) return stop('SIGHUP')
      void readAgain(made, openedLog, file)
    })
  })
}

/** Each by itself: who is let in no longer is not to stay because a certificate can't be read. */
async function readAgain(made: Monitor, { log, reopen }: OpenLog, file: string | undefined): Promise<void> {
  const parts: readonly (readonly [what: string, read: () => unknown])[] = [
    ['the log file', reopen],
    ['TLS', () => made.reloadTls()],
    ['the access rules', async () => file !== undefined && made.changeAccess((await readConfigFile(file)).access)],
  ]
  let isAllRead = true
  for (const [what, read] of parts) {
    try {
      await read()
    } catch (error) {
      isAllRead = false
      log.error(`SIGHUP: going on with ${what} as before: ${reason(error)}`)
    }
  }
  if (isAllRead) log.info('SIGHUP: log file, access rules and files of TLS have been read again')
}
