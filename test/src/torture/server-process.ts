import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { repositoryRoot } from '../support/peers.ts'

/** So long a start may take, whatever was found on disk. */
const readyMsMax = 20_000
const logLinesKept = 60

// A run that dies must not leave a server behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** `geartrain serve` as a process of its own, which can be killed at any moment. */
export class ServerProcess {
  /** How it ended; undefined while it runs. */
  ended: string | undefined
  isKilled = false
  /** Resolves when it has ended. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #log: string[] = []
  readonly #onLine: (line: string) => void
  #port: number | undefined
  #onReady: () => void = () => {}

  /** `store` is what `--store` takes; `more` are other flags; `onLine` sees each line of its log. */
  constructor(store: string, more: readonly string[] = [], onLine: (line: string) => void = () => {}) {
    this.#onLine = onLine
    const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
    const flags = ['serve', '--port', '0', '--http', 'off', '--log-format', 'json', '--store', store, ...more]
    // Detached: the Ctrl-C that ends a run is not for the server.
    const child = spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    this.#child = child
    running.add(child)
    this.exited = new Promise((resolve) => {
      const end = (how: string) => {
        this.ended ??= how
        running.delete(child)
        resolve()
      }
      // Not `exit`: the rest of its log is to be read first.
      child.once('close', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`))
      child.once('error', (error) => end(error.message))
    })
    createInterface({ input: child.stderr }).on('line', (line) => this.#read(line))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The last lines of its log. */
  get log(): readonly string[] {
    return this.#log
  }

  /** Its port once it is ready; or why it is not. */
  async ready(): Promise<number | string> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, readyMsMax)
    })
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve
    })
    if (this.#port === undefined) await Promise.race([ready, late, this.exited])
    clearTimeout(timer)
    if (this.#port !== undefined) return this.#port
    return this.ended === undefined ? `it is not ready after ${readyMsMax} ms` : `it ended: ${this.ended}`
  }

  /** `kill -9`. */
  kill(): void {
    this.isKilled = true
    this.#child.kill('SIGKILL')
  }

  /** SIGTERM: it may end from now on. */
  signal(name: 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): void {
    if (name === 'SIGTERM') this.isKilled = true
    this.#child.kill(name)
  }

  #read(line: string): void {
    this.#onLine(line)
    this.#log.push(line)
    if (this.#log.length > logLinesKept) this.#log.shift()
    const port = readyPort(line)
    if (port === undefined) return
    this.#port = port
    this.#onReady()
  }
}

/** Of the line that says that it is ready. */
function readyPort(line: string): number | undefined {
  if (!line.startsWith('{')) return undefined
  const entry: unknown = JSON.parse(line)
  if (typeof entry !== 'object' || entry === null || !('msg' in entry) || !('port' in entry)) return undefined
  if (typeof entry.msg !== 'string' || !entry.msg.startsWith('ready')) return undefined
  return typeof entry.port === 'number' ? entry.port : undefined
}
