import type { ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'

/**
 * Resolves when a command has ended and its output is read: undefined for success, else how it ended. Rejects with the
 * system's error if it could not be run.
 */
export function howItEnds(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined)
      else resolve(signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`)
    })
  })
}

/** A command need not read its stdin, or not all of it. */
export function feed(stdin: Writable, workload: Uint8Array): void {
  stdin.on('error', () => {})
  stdin.end(workload)
}
