import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { repositoryRoot } from '../support/peers.ts'

// The real command, as a user or a service manager starts it.

const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
const waitMs = 20_000

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export type CommandOptions = {
  /** All of the environment: nothing of the test's own gets in. */
  readonly env?: Readonly<Record<string, string>>
  /** Without, a directory of its own. */
  readonly cwd?: string
  /** What is on its stdin; without, it has none. */
  readonly input?: string | Uint8Array | Readable
}

/** Runs `geartrain ...args` to its end. */
export async function geartrain(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  await using command = new Command(args, options)
  return await command.ended()
}

/** Starts `geartrain ...args` and waits until it says that it is ready. */
export async function startCommand(args: readonly string[], options: CommandOptions = {}): Promise<Started> {
  const command = new Command(args, options)
  try {
    const line = await command.line(/ready on /)
    return { command, port: portOf(line), readyLine: line, [Symbol.asyncDispose]: () => command[Symbol.asyncDispose]() }
  } catch (error) {
    await command[Symbol.asyncDispose]()
    throw error
  }
}

/** The same for one whose log is a file. */
export async function startLogging(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Started> {
  const command = new Command(args, options)
  try {
    const ready = () =>
      readIfThere(file)
        ?.split('\n')
        .find((line) => line.includes('ready on '))
    const line = await until('the log says that the server is ready', () => {
      if (command.hasEnded) throw new Error(`the command ended at its start:\n${command.stderr}`)
      return ready()
    })
    return { command, port: portOf(line), readyLine: line, [Symbol.asyncDispose]: () => command[Symbol.asyncDispose]() }
  } catch (error) {
    await command[Symbol.asyncDispose]()
    throw error
  }
}

export type Started = AsyncDisposable & {
  readonly command: Command
  readonly port: number
  readonly readyLine: string
}

export function portOf(readyLine: string): number {
  const [, port] = /ready on \S*:(\d+)/.exec(readyLine) ?? []
  if (port === undefined) throw new Error(`no port in: ${readyLine}`)
  return Number(port)
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Command {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #ended: Promise<Ended>
  #stdout = ''
  #stderr = ''
  #hasEnded = false
  #wake: () => void = () => {}

  constructor(args: readonly string[], { env = {}, cwd, input }: CommandOptions = {}) {
    // By default a server's store is in the directory where it runs.
    const own = cwd === undefined ? mkdtempSync(join(tmpdir(), 'geartrain-')) : undefined
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env },
      cwd: cwd ?? own,
    })
    if (child.pid === undefined) throw new Error('the command could not be started')
    this.pid = child.pid
    this.#child = child
    running.add(child)
    // It may end before it has read all.
    child.stdin.on('error', () => {})
    if (input instanceof Readable) input.pipe(child.stdin)
    else child.stdin.end(input)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#wake()
    })
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child)
        if (own !== undefined) rmSync(own, { recursive: true, force: true })
        this.#hasEnded = true
        this.#wake()
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  ended(): Promise<Ended> {
    return inTime(this.#ended, 'the command did not end')
  }

  /** The first line of stderr that matches. */
  async line(pattern: RegExp): Promise<string> {
    const found = () =>
      this.#stderr
        .split('\n')
        .slice(0, -1)
        .find((line) => pattern.test(line))
    const seen = new Promise<string>((resolve, reject) => {
      this.#wake = () => {
        const line = found()
        if (line !== undefined) resolve(line)
        else if (this.#hasEnded) reject(new Error(`the command ended without ${pattern}:\n${this.#stderr}`))
      }
      this.#wake()
    })
    return inTime(seen, `no line matches ${pattern}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill('SIGKILL')
    await this.#ended
  }
}

/** Waits for what a process does in its own time and no event tells. */
export async function until<T>(what: string, find: () => T | undefined): Promise<T> {
  const deadline = Date.now() + waitMs
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`it never happened that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The same for what a server has to be asked. */
export async function untilTrue(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + waitMs
  while (!(await isSo())) if (Date.now() > deadline) throw new Error(`it never happened that ${what}`)
}

/** Undefined while there is no such file, or it is empty. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8') || undefined
  } catch {
    return undefined
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // What has ended and nobody has waited for, as in a container without an init, is not alive.
    return !/^State:\tZ/m.test(readIfThere(`/proc/${pid}/status`) ?? '')
  } catch {
    return false
  }
}

/** A directory that is gone with all in it when the test is over. */
export function scratch(): { readonly path: (name: string) => string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'geartrain-'))
  return {
    path: (name) => join(directory, name),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function inTime<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} in ${waitMs} ms`)), waitMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
