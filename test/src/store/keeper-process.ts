import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./keeper.js', import.meta.url))

interface Outcome {
  /** Of the StoreError; undefined: it has the store. */
  readonly code?: string
  readonly message?: string
}

/** Another process that has, or would have, a store. */
export class KeeperProcess {
  readonly outcome: Outcome
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, outcome: Outcome) {
    this.#child = child
    this.outcome = outcome
  }

  static async start(path: string, options: { batches?: number; uid?: number } = {}): Promise<KeeperProcess> {
    const { batches = 0, uid } = options
    const user = uid === undefined ? {} : { uid, gid: uid }
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    const child = spawn(process.execPath, [program, path, String(batches)], { ...user, stdio: [...stdio] })
    for await (const line of createInterface(child.stdout)) return new KeeperProcess(child, JSON.parse(line))
    throw new Error('the keeper has ended without a word')
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Lets go of the store, and ends. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.stdin?.end()
      await ended
    }
  }

  /** As if the power had failed, for the process. */
  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}
