import {
  createServer,
  type ListeningAddress,
  type OpenLog,
  reason,
  type Server,
  type ServerOptions,
  SettingsError,
  StoreError,
  TlsError,
  UnguardedError,
  withoutPassword,
} from '@geartrain/server'
import { exitCodes, Fault, type ListenFlags, listenFault, unguardedFault } from './fault.ts'
import { Systemd } from './systemd.ts'

export interface RunOptions {
  readonly server: Omit<ServerOptions, 'version' | 'log' | 'functions' | 'schedules' | 'access'> & {
    readonly store: string
    readonly functions?: ServerOptions['functions']
    readonly schedules?: ServerOptions['schedules']
    readonly access?: ServerOptions['access']
  }
  readonly openedLog: OpenLog
  readonly graceMs: number
  /** Said in the log before the server is ready. */
  readonly notes: readonly string[]
  /** For SIGHUP: the access rules as they are written now. Rejects if they can't be read. */
  readAccess?(): Promise<ServerOptions['access']>
  /** Where they are not those of `serve`. */
  readonly gearmandHttpFlags?: ListenFlags
  /** Called when connections are accepted, before the log says that the server is ready. */
  onListening?(): void
  onReady?(): Promise<void>
}

/** How long the last commit may take when a second signal ends the server at once. */
const storePatienceMs = 1000

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/** Of a StoreError: what is said of the store is wrong, and not how the store is. */
const badUrlCode = 'POSTGRES_BAD_URL'

/**
 * Runs a server until a signal ends it; resolves with the exit code. SIGTERM and SIGINT stop it, a second one at once;
 * SIGUSR1 lets it work until no job is left; SIGHUP reopens the log and
 * reads the files of TLS and the access rules again, or, where the log is a terminal which is gone now, stops.
 */
export async function run({ server: options, openedLog, graceMs, notes, ...hooks }: RunOptions): Promise<number> {
  const { log, startLog } = openedLog
  process.on('uncaughtExceptionMonitor', (error) =>
    log.error({ err: error }, 'this should never happen: the server ends'),
  )
  const server = makeServer({ ...options, log })
  for (const note of notes) startLog.warn(note)

  const systemd = Systemd.of(process.env, log)
  const listening = server.listen()
  // Before anything is awaited: SIGUSR1 without a handler starts Node's debugger.
  const stopped = untilStopped(server, listening, openedLog, graceMs, systemd, hooks.readAccess)
  const addresses = await listening.catch((error: unknown) => {
    if (error instanceof StoreError && error.code === badUrlCode)
      throw new Fault(error.message, exitCodes.usage, { cause: error })
    if (error instanceof StoreError || error instanceof TlsError)
      throw new Fault(error.message, exitCodes.failed, { cause: error })
    if (error instanceof UnguardedError) throw unguardedFault(error)
    throw listenFault(error, options, hooks.gearmandHttpFlags)
  })
  hooks.onListening?.()
  const shown = addresses.map(showAddress)
  const http = server.httpAddress && showAddress(server.httpAddress)
  const gearmandHttp = server.gearmandHttpAddress && showAddress(server.gearmandHttpAddress)
  const tlsPort = addresses.find(({ isTls }) => isTls)?.port
  const store = withoutPassword(options.store)
  const facts = {
    port: addresses[0]?.port,
    tlsPort,
    addresses: shown,
    http,
    gearmandHttp,
    store,
    pid: process.pid,
  }
  const withHttp = [
    http === undefined ? '' : `, HTTP on ${http}`,
    gearmandHttp === undefined ? '' : `, gearmand's HTTP on ${gearmandHttp}`,
  ].join('')
  if (server.unguarded !== undefined) {
    startLog.warn(`there are no access rules: everyone who can reach ${server.unguarded} may do everything`)
  }
  startLog.info(facts, `ready on ${shown.join(' and ')}${withHttp}, store ${store}`)
  await hooks.onReady?.()
  systemd?.ready(`ready on ${shown.join(' and ')}`)
  const exitCode = await stopped
  await systemd?.told()
  if (server.isStoreBusy) dieAtExit()
  return exitCode
}

function untilStopped(
  server: Server,
  listening: Promise<unknown>,
  openedLog: OpenLog,
  graceMs: number,
  systemd: Systemd | undefined,
  readAccess: RunOptions['readAccess'],
): Promise<number> {
  const { log } = openedLog
  return new Promise((resolve, reject) => {
    let isStopping = false
    const end = (begin: () => Promise<void>, sentence: string) => {
      const beginAndSay = () => {
        const ended = begin()
        // Only now is the port closed: whoever reads the line may count on it.
        log.info(sentence)
        return ended
      }
      // If it can't listen, that is what ends the command.
      listening.then(beginAndSay, () => {}).then(() => resolve(0), reject)
    }
    const stop = (signal: keyof typeof signalNumbers) => {
      if (isStopping) {
        log.warn(`${signal} again: exit at once`)
        return exitNow(server, 128 + signalNumbers[signal])
      }
      isStopping = true
      const patience =
        graceMs === 0 ? 'nobody waits for running jobs' : `running jobs have ${graceMs / 1000} s to finish`
      systemd?.stopping()
      end(() => server.close(graceMs), `${signal}: no more connections and jobs; ${patience}`)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('SIGUSR1', () => {
      end(() => server.finishAll(), 'SIGUSR1: no more connections; the server ends when no job is left')
    })
    process.on('SIGHUP', () => {
      if (openedLog.isTerminal) return stop('SIGHUP')
      try {
        openedLog.reopen()
        log.info('SIGHUP: the log file has been reopened')
      } catch (error) {
        log.error(`SIGHUP: cannot reopen the log file, going on with the old one: ${reason(error)}`)
      }
      try {
        if (server.reloadTls()) log.info('SIGHUP: the files of TLS have been read again')
      } catch (error) {
        log.error(`SIGHUP: going on with TLS as it was: ${reason(error)}`)
      }
      void reloadAccess(server, log, readAccess).then(() => systemd?.reloaded())
    })
  })
}

async function reloadAccess(server: Server, log: OpenLog['log'], read: RunOptions['readAccess']): Promise<void> {
  if (read === undefined) return
  try {
    if (server.changeAccess(await read())) log.info('SIGHUP: the access rules have been read again')
  } catch (error) {
    log.error(`SIGHUP: going on with the access rules as they were: ${reason(error)}`)
  }
}

/** A store that is still at work is given a moment. */
function exitNow(server: Server, exitCode: number): void {
  if (!server.isStoreBusy) process.exit(exitCode)
  void server.whenStoreIdle().then(() => process.exit(exitCode))
  setTimeout(() => {
    dieAtExit()
    process.exit(exitCode)
  }, storePatienceMs)
}

/** Node's own exit waits for the store's thread, which a disk that hangs may hold for ever. What is on it stays whole. */
function dieAtExit(): void {
  process.once('exit', () => process.kill(process.pid, 'SIGKILL'))
}

function showAddress({ address, port, isTls }: ListeningAddress): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}${isTls === true ? ' (TLS)' : ''}`
}

/** A file that a setting names may not be there. */
function makeServer(options: Parameters<typeof createServer>[0]): Server {
  try {
    return createServer(options)
  } catch (error) {
    if (error instanceof SettingsError) throw new Fault(error.message, exitCodes.usage, { cause: error })
    throw error
  }
}
