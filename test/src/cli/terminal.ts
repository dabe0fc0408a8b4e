import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { repositoryRoot } from '../support/peers.ts'
import { readIfThere, scratch, until } from './command.ts'

// A pseudo-terminal, which `script` of util-linux makes.

const script = 'script'
const endOfFrame = '\x1b[J'
const startOfFrame = '\x1b[H'

/** Undefined if there is `script`, else the sentence to skip with. */
export function missingTerminal(): string | undefined {
  try {
    const version = execFileSync(script, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    if (version.includes('util-linux')) return undefined
  } catch {
    // Said below.
  }
  return 'script is not installed, or is not that of util-linux: apt-get install bsdutils'
}

export interface TerminalOptions {
  readonly columns: number
  readonly rows: number
  readonly env?: Readonly<Record<string, string>>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A Node program that runs on a terminal of its own. */
export class Terminal implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #directory = scratch()
  readonly #ended: Promise<number | null>
  /** All that was written to it. */
  output = ''

  constructor(args: readonly string[], { columns, rows, env = {} }: TerminalOptions) {
    const [tty, pid] = [this.#directory.path('tty'), this.#directory.path('pid')]
    const command = [process.execPath, ...args].map((word) => `'${word}'`).join(' ')
    const shell = `stty cols ${columns} rows ${rows}; tty > ${tty}; echo $$ > ${pid}; exec ${command}`
    this.#child = spawn(script, ['-qefc', shell, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env['PATH'] ?? '', SHELL: '/bin/sh', TERM: 'xterm', ...env },
    })
    running.add(this.#child)
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
    })
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        running.delete(this.#child)
        resolve(code)
      })
    })
  }

  /** The program's process id, once it has been started. */
  async pid(): Promise<number> {
    return Number(await until('the program runs', () => readIfThere(this.#directory.path('pid'))))
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys)
  }

  resize(columns: number, rows: number): void {
    const tty = readIfThere(this.#directory.path('tty'))?.trim()
    if (tty === undefined) throw new Error('the terminal is not there yet')
    execFileSync('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)])
  }

  /** The first frame from now on, or the one that is shown, for which it is so; as lines of text. */
  async screen(what: string, isSo: (text: string, lines: readonly string[]) => boolean): Promise<readonly string[]> {
    return until(`the screen shows ${what}; it is:\n${this.#lines().join('\n')}\n`, () => {
      const lines = this.#lines()
      return isSo(lines.join('\n'), lines) ? lines : undefined
    })
  }

  /** Exit code; 128 and the signal's number if a signal has ended it. */
  ended(): Promise<number | null> {
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) process.kill(await this.pid(), 'SIGKILL')
    await this.#ended
    this.#directory[Symbol.dispose]()
  }

  /** Of the last frame that is whole. */
  #lines(): string[] {
    const end = this.output.lastIndexOf(endOfFrame)
    const start = this.output.lastIndexOf(startOfFrame, end)
    if (end < 0 || start < 0) return []
    return stripVTControlCharacters(this.output.slice(start, end)).split(/\r+\n/)
  }
}

export const geartrainScript: string = `${repositoryRoot}packages/cli/bin/geartrain.js`
