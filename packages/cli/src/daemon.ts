import { type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Fault } from './fault.ts'

/** Tells a process that it is the daemon which its parent waits for. */
const marker = 'GEARTRAIN_DAEMON'

/** What a daemon tells its parent: that it is ready, or why it ends. */
type Report = { readonly fault?: string }

/** In the process that a daemon's parent started; removes the mark, so that no child of ours takes itself for one. */
export function takeDaemonMark(): boolean {
  const isDaemon = process.env[marker] !== undefined && process.connected
  delete process.env[marker]
  return isDaemon
}

/**
 * Node.js can't fork, so the command is started once more, in a session of its own, and its parent waits until it is
 * ready. `errors` is where the daemon's stderr goes: a file if it can be opened, the parent's, or nowhere.
 */
export async function startDaemon(
  errors: { file: string } | 'inherit' | 'ignore',
  failureCode: number,
): Promise<number> {
  const [script, ...args] = process.argv.slice(1)
  if (script === undefined) throw new Error('the process has no script')
  const fd = typeof errors === 'object' ? openIfPossible(errors.file) : undefined
  const stdio: StdioOptions = ['ignore', 'ignore', fd ?? (errors === 'ignore' ? 'ignore' : 'inherit'), 'ipc']
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    detached: true,
    stdio,
    env: { ...process.env, [marker]: '1' },
  })
  if (fd !== undefined) closeSync(fd)
  const report = await new Promise<Report>((resolve, reject) => {
    let fault: string | undefined
    child.once('message', (message) => {
      const report = toReport(message)
      fault = report.fault
      // One that fails still has to tidy up before it ends.
      if (fault === undefined) resolve(report)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve({ fault: fault ?? `the daemon ended at its start (${signal ?? `exit code ${code}`})` })
    })
  })
  if (report.fault !== undefined) throw new Fault(report.fault, failureCode)
  if (child.connected) child.disconnect()
  child.unref()
  return 0
}

/** For the daemon: ends its parent's wait. */
export function reportReady(): Promise<void> {
  return report({})
}

export function reportFault(fault: string): Promise<void> {
  return report({ fault })
}

function report(message: Report): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve()
    // A parent that has gone has nobody to tell.
    process.send(message, undefined, undefined, () => {
      if (process.connected) process.disconnect()
      resolve()
    })
  })
}

function openIfPossible(file: string): number | undefined {
  try {
    return openSync(file, 'a')
  } catch {
    // The daemon will find the same, and say so on its stderr, which then is the parent's.
    return undefined
  }
}

function toReport(message: unknown): Report {
  const isFault = typeof message === 'object' && message !== null && 'fault' in message
  return isFault ? { fault: String(message.fault) } : {}
}
