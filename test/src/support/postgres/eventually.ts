import { setTimeout } from 'node:timers/promises'

const waitMs = 30_000

/** Waits for what other processes do in their own time: until `find` gives something. What it throws, is thrown. */
export async function eventually<T>(what: string, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + waitMs
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`it never happened that ${what}`)
    await setTimeout(5)
  }
}
