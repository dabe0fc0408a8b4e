import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { reason } from '@geartrain/server'

const run = promisify(execFile)
/** Node has no datagrams for Unix sockets; this is systemd's own way for scripts. */
const command = 'systemd-notify'
const patienceMs = 5000

interface Notes {
  warn(sentence: string): void
}

/**
 * Tells systemd how the server is, as a unit with `Type=notify` and `NotifyAccess=all` wants it. What is told arrives in
 * its order, and whoever tells it does not wait.
 */
export class Systemd {
  readonly #env: NodeJS.ProcessEnv
  readonly #log: Notes
  #last: Promise<void> = Promise.resolve()
  #watchdog: NodeJS.Timeout | undefined
  #hasFailed = false

  private constructor(env: NodeJS.ProcessEnv, log: Notes) {
    this.#env = env
    this.#log = log
  }

  /** Undefined: nobody wants to hear. */
  static of(env: NodeJS.ProcessEnv, log: Notes): Systemd | undefined {
    return (env['NOTIFY_SOCKET'] ?? '') === '' ? undefined : new Systemd(env, log)
  }

  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`)
    const intervalMs = watchdogMs(this.#env) / 2
    // A server whose event loop stands still says nothing, and is started again.
    if (intervalMs > 0) this.#watchdog ??= setInterval(() => this.#tell('WATCHDOG=1'), intervalMs).unref()
  }

  /** What is read anew at SIGHUP is read at once: when the second line is sent it is done. */
  reloaded(): void {
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
    this.#tell('READY=1')
  }

  stopping(): void {
    this.#tell('STOPPING=1', 'STATUS=finishing the running jobs')
  }

  /** Resolves when all of it has arrived, or could not. */
  async told(): Promise<void> {
    clearInterval(this.#watchdog)
    await this.#last
  }

  #tell(...lines: readonly string[]): void {
    this.#last = this.#last.then(() => this.#send(lines))
  }

  async #send(lines: readonly string[]): Promise<void> {
    try {
      await run(command, [...lines], { env: this.#env, timeout: patienceMs })
    } catch (error) {
      if (this.#hasFailed) return
      this.#hasFailed = true
      this.#log.warn(`systemd is not told how the server is: ${command} does not work: ${reason(error)}`)
    }
  }
}

/** The time in which systemd wants a sign of life; 0: it does not. */
function watchdogMs(env: NodeJS.ProcessEnv): number {
  const isOurs = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(process.pid)
  const usec = Number(env['WATCHDOG_USEC'] ?? 0)
  return isOurs && usec > 0 ? usec / 1000 : 0
}
