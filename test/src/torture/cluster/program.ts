import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

// A run that dies must not leave them behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Somebody's program, which prints what it does, a line for each thing. */
export class Program {
  /** All that it has printed was heard, too. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess

  constructor([file = '', ...args]: readonly string[], onLine: (line: string) => void = () => {}) {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#child = child
    running.add(child)
    child.stdin.on('error', () => {})
    createInterface({ input: child.stdout }).on('line', onLine)
    this.ended = once(child, 'close').then(() => {
      running.delete(child)
    })
  }

  get name(): string {
    return `process ${this.#child.pid}`
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }
}
