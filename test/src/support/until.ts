import { setImmediate } from 'node:timers/promises'
import { waitMs } from './raw.ts'

/** Waits for what this process or a peer does in its own time. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + waitMs
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`it never happened that ${what}`)
    await setImmediate()
  }
}
