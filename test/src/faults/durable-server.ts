import assert from 'node:assert/strict'
import { Command, type Ended, isAlive, portOf, until } from '../cli/command.ts'

/** `geartrain serve` with its store in a file: the real process. */
export class DurableServer implements AsyncDisposable {
  readonly port: number
  readonly #command: Command

  private constructor(command: Command, port: number) {
    this.#command = command
    this.port = port
  }

  static async start(path: string): Promise<DurableServer> {
    const started = await DurableServer.tryToStart(path)
    if (typeof started === 'string') throw new Error(`the server did not start: ${started}`)
    return started
  }

  /** It runs, or it has ended with exit code 1 and one sentence, which is given: nothing else may come of it. */
  static async tryToStart(path: string): Promise<DurableServer | string> {
    const command = new Command([
      'serve',
      '--port',
      '0',
      '--http',
      'off',
      '--log-format',
      'json',
      '--store',
      `sqlite:${path}`,
    ])
    const line = await command.line(/"ready on /).catch(() => undefined)
    if (line !== undefined) return new DurableServer(command, portOf(line))
    await using ending = command
    return assertRefusal(await ending.ended())
  }

  /** It does not start: the sentence that says why. */
  static async refused(path: string): Promise<string> {
    const started = await DurableServer.tryToStart(path)
    if (typeof started === 'string') return started
    await started.kill()
    throw new Error('the server has started')
  }

  get pid(): number {
    return this.#command.pid
  }

  get hasEnded(): boolean {
    return this.#command.hasEnded
  }

  /** `kill -9`, and it is gone when this is over. */
  async kill(): Promise<void> {
    this.#command.kill('SIGKILL')
    await this.#command.ended()
  }

  /** As a service manager stops it; the exit code. */
  async stop(): Promise<number | null> {
    this.#command.kill('SIGTERM')
    return (await this.#command.ended()).code
  }

  /** It has ended, though who traces it may still hold what is left of it. */
  async isGone(): Promise<void> {
    await until('the server has ended', () => (isAlive(this.pid) ? undefined : true))
  }

  /** How it came to its end. */
  async ended(): Promise<Pick<Ended, 'code' | 'signal'>> {
    const { code, signal } = await this.#command.ended()
    return { code, signal }
  }

  /** What its log says on these levels. */
  said(...levels: readonly string[]): string[] {
    const lines = this.#command.stderr.split('\n').slice(0, -1)
    return lines.flatMap((line) => {
      const entry: unknown = JSON.parse(line)
      if (typeof entry !== 'object' || entry === null || !('level' in entry) || !('msg' in entry)) return []
      return levels.includes(String(entry.level)) ? [String(entry.msg)] : []
    })
  }

  get complaints(): string[] {
    return this.said('warn', 'error', 'fatal')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#command[Symbol.asyncDispose]()
  }
}

/** Beside the sentence there may be lines of the log, and nothing else: no stack. */
function assertRefusal({ code, signal, stdout, stderr }: Ended): string {
  assert.deepEqual({ code, signal, stdout }, { code: 1, signal: null, stdout: '' }, stderr)
  const [sentence = '', ...more] = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":'))
  assert.deepEqual(more, [], `more than a sentence: ${stderr}`)
  assert.doesNotMatch(stderr, /"stack"/)
  assert.match(sentence, /^geartrain serve: /)
  return sentence
}
