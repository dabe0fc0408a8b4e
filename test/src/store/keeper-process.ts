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

export interface KeeperOptions {
  /** It commits so many before it says that it has the store. */
  readonly batches?: number
  /** The user that it runs as. */
  readonly uid?: number | undefined
}

/** Another process that has, or would have, a store. */
export class KeeperProcess {
  readonly outcome: Outcome
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  private constructor(child: ChildProcess, ended: Promise<unknown>, outcome: Outcome) {
    this.#child = child
    this.#ended = ended
    this.outcome = outcome
  }

  static async start(path: string, options: KeeperOptions): Promise<KeeperProcess> {
    const { batches = 0, uid } = options
    const user = uid === undefined ? {} : { uid, gid: uid }
    const stdio = ['pipe', 'pipe', 'inherit'] as const
    const child = spawn(process.execPath, [program, path, String(batches)], { ...user, stdio: [...stdio] })
    const ended = once(child, 'exit')
    for await (const line of createInterface(child.stdout)) return new KeeperProcess(child, ended, JSON.parse(line))
    throw new Error('the keeper has ended without a word')
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Lets go of the store, and ends. */
  async stop(): Promise<void> {
    this.#child.stdin?.end()
    await this.#ended
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
