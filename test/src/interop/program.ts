import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { missing, type PeerName, repositoryRoot, type Server, type ServerKind, startServer } from '../support/peers.ts'
import { connect } from '../support/raw.ts'

// Running other people's programs against a server, and waiting for what they do.

const endMs = 30_000

export function php(file: string, ...args: readonly (string | number)[]): readonly string[] {
  return ['php', join(repositoryRoot, 'test/programs/php', file), ...args.map(String)]
}

/** Ours; the C gearmand too if GEARTRAIN_TEST_REFERENCE=1: that is how one sees that a program is right. */
function servers(): readonly ServerKind[] {
  if (process.env['GEARTRAIN_TEST_SERVERS'] === 'reference') return ['gearmand']
  return process.env['GEARTRAIN_TEST_REFERENCE'] === '1' ? ['ours', 'gearmand'] : ['ours']
}

/**
 * Every test gets a server of its own and a theatre for programs that ends what is left of them. What a test returns is
 * why it was not run.
 */
export function interop(
  subject: string,
  peers: readonly PeerName[],
  tests: Readonly<Record<string, (theatre: Theatre) => Promise<string | void>>>,
): void {
  for (const kind of servers()) {
    describe(`${subject} with ${kind === 'ours' ? 'geartrain' : 'C gearmand'}`, () => {
      for (const [name, test] of Object.entries(tests)) {
        it(name, async (t) => {
          const needed: readonly PeerName[] = kind === 'gearmand' ? [...peers, 'gearmand'] : peers
          const absent = needed.map(missing).find((sentence) => sentence !== undefined)
          if (absent !== undefined) {
            t.skip(absent)
            return
          }
          await using server = await startServer(kind)
          await using theatre = new Theatre(server)
          const whyNot = await test(theatre)
          if (whyNot !== undefined) t.skip(whyNot)
        })
      }
    })
  }
}

type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export class Theatre {
  readonly server: Server
  readonly #programs: Program[] = []

  constructor(server: Server) {
    this.server = server
  }

  get port(): number {
    return this.server.port
  }

  /** Starts a program and leaves it running. */
  start(command: readonly string[], options: ProgramOptions = {}): Program {
    const program = new Program(command, options)
    this.#programs.push(program)
    return program
  }

  /** Runs a program to its end, with `input` as all of its stdin. */
  async run(command: readonly string[], input = '', options: ProgramOptions = {}): Promise<Outcome> {
    const program = this.start(command, options)
    program.end(input)
    return program.ended()
  }

  /** What stdout of a program is that ends well; what it says on stderr is part of the error if it does not. */
  async output(command: readonly string[], input = '', options: ProgramOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, input, options)
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}${stdout}`)
    return stdout
  }

  /** One text command on a connection of its own, up to the end of a list or of a line. */
  async ask(command: string): Promise<string> {
    await using peer = await connect(this.port, 'admin')
    peer.sendLine(`${command}\r\n`)
    const isList = /^(status|prioritystatus|workers|show)/.test(command)
    return await peer.receiveText(isList ? /(^|\n)\.\n/ : '\n')
  }

  /** Waits until a line of `status` is so: `reverse\t0\t0\t3` for three workers and no job. */
  async untilStatus(row: string): Promise<void> {
    await this.until(`"${row}" in status`, async () => (await this.ask('status')).split('\n').includes(row))
  }

  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + endMs
    while (!(await isSo())) {
      if (Date.now() > deadline) {
        throw new Error(`waited for ${what}, but status is ${await this.ask('status')}; ${this.#said()}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()))
  }

  #said(): string {
    return this.#programs.map((program) => `${program.title} said "${program.stdout}${program.stderr}"`).join('; ')
  }
}

type ProgramOptions = { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string }

export class Program {
  readonly title: string
  readonly #child: ChildProcess
  readonly #end: Promise<number | null>
  #stdout = ''
  #stderr = ''
  #read = 0
  #code: number | null | undefined
  #wake: (() => void) | undefined

  constructor(command: readonly string[], options: ProgramOptions) {
    this.title = command.join(' ')
    const [file = '', ...args] = command
    this.#child = spawn(file, args, {
      stdio: 'pipe',
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, ...options.env },
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString('latin1')
      this.#wake?.()
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString('latin1')
    })
    // A program that has ended need not read what it was sent.
    this.#child.stdin?.on('error', () => {})
    this.#end = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code) => {
        this.#code = code
        this.#wake?.()
        resolve(code)
      })
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  end(input = ''): void {
    this.#child.stdin?.end(input)
  }

  /** The next line of its stdout. */
  async line(): Promise<string> {
    const deadline = Date.now() + endMs
    for (;;) {
      const end = this.#stdout.indexOf('\n', this.#read)
      if (end >= 0) {
        const line = this.#stdout.slice(this.#read, end)
        this.#read = end + 1
        return line
      }
      if (this.#code !== undefined) throw this.#fault(`a line, but it ended with ${this.#code}`)
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(this.#fault(`a line for ${endMs} ms`)), deadline - Date.now())
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async ended(): Promise<Outcome> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#fault(`its end for ${endMs} ms`)), endMs)
    })
    try {
      const code = await Promise.race([this.#end, late])
      return { code, stdout: this.#stdout, stderr: this.#stderr }
    } finally {
      clearTimeout(timer)
    }
  }

  async kill(): Promise<void> {
    if (this.#code === undefined) this.#child.kill('SIGKILL')
    await this.#end.catch(() => {})
  }

  #fault(waitedFor: string): Error {
    return new Error(`${this.title}: waited for ${waitedFor}; it said "${this.#stdout}" and "${this.#stderr}"`)
  }
}
