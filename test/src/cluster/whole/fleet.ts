import { after } from 'node:test'
import { Command, type Ended, geartrain } from '../../cli/command.ts'
import { eventually } from '../../support/postgres/eventually.ts'
import { PostgresProcess } from '../../support/postgres/postgres-process.ts'
import { type SharedPostgres, sharedPostgres } from '../../support/postgres/shared-postgres.ts'

// Servers of a cluster as users start them, each a process of its own, all on one database.

export interface StartOptions {
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** `geartrain serve` that is ready. */
export class Member implements AsyncDisposable {
  readonly name: string
  readonly command: Command
  readonly port: number
  readonly #httpPort: number

  private constructor(name: string, command: Command, port: number, httpPort: number) {
    this.name = name
    this.command = command
    this.port = port
    this.#httpPort = httpPort
  }

  static async start(name: string, store: string, { flags = [], env = {} }: StartOptions = {}): Promise<Member> {
    const command = new Command(
      ['serve', '--port', '0', '--http', '127.0.0.1:0', '--log-format', 'json', '--store', store]
        .concat('--server-name', name)
        .concat(flags),
      { env },
    )
    try {
      // What the log says is ours, and has these fields by its documentation.
      const ready = JSON.parse(await command.line(/"msg":"ready/)) as { readonly port: number; readonly http: string }
      const member = new Member(name, command, ready.port, Number(ready.http.split(':').at(-1)))
      // On a machine with much to do, a short lease may be over before there is an end to the start.
      await eventually(`${name} is ready`, async () => (await member.http('/readyz')).status === 200 || undefined)
      return member
    } catch (error) {
      await command[Symbol.asyncDispose]()
      throw error
    }
  }

  /** As clients name it. */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async http(path: string, { token, ...init }: RequestInit & { readonly token?: string } = {}): Promise<Answer> {
    const headers = { connection: 'close', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
    const answer = await fetch(`http://127.0.0.1:${this.#httpPort}${path}`, {
      ...init,
      headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
      signal: AbortSignal.timeout(20_000),
    })
    return { status: answer.status, text: await answer.text() }
  }

  /** The answer of the HTTP side, which is what its documentation says. */
  async json<T>(path: string, init?: RequestInit): Promise<T> {
    const { status, text } = await this.http(path, init)
    if (status >= 300) throw new Error(`${path} of ${this.name}: ${status} ${text}`)
    return JSON.parse(text) as T
  }

  /** `geartrain ...args` with this server. What it says is part of the error if it ends with another code than `code`. */
  async tell(args: readonly string[], code = 0): Promise<string> {
    const ended = await geartrain(args, { env: { GEARMAN_SERVERS: this.address } })
    if (ended.code !== code) throw new Error(`geartrain ${args.join(' ')} at ${this.name}: ${shown(ended)}`)
    return ended.stdout
  }

  /** Ends at once, as with its machine. */
  async kill(): Promise<void> {
    await this.command[Symbol.asyncDispose]()
  }

  /** All of its processes, of which there is one, stand still. */
  pause(): void {
    this.command.kill('SIGSTOP')
  }

  resume(): void {
    this.command.kill('SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}

export interface Answer {
  readonly status: number
  readonly text: string
}

function shown({ code, signal, stdout, stderr }: Ended): string {
  return `ended with ${code ?? signal}; stdout: ${stdout}; stderr: ${stderr}`
}

/** Servers on one database, started when the first test of a file asks. */
export class Fleet {
  readonly postgres: SharedPostgres
  readonly #names: readonly string[]
  readonly #options: StartOptions
  #members: Promise<readonly Member[]> | undefined
  #url = ''

  constructor(postgres: SharedPostgres, names: readonly string[], options: StartOptions) {
    this.postgres = postgres
    this.#names = names
    this.#options = options
  }

  get skip(): string | false {
    return this.postgres.skip
  }

  /** Of the database that the servers share. */
  get url(): string {
    return this.#url
  }

  members(): Promise<readonly Member[]> {
    this.#members ??= this.#start()
    return this.#members
  }

  async pair(): Promise<{ readonly a: Member; readonly b: Member }> {
    const [a, b] = await this.members()
    if (a === undefined || b === undefined) throw new Error('the fleet has no two servers')
    return { a, b }
  }

  async stop(): Promise<void> {
    const members = (await this.#members?.catch(() => undefined)) ?? []
    await Promise.all(members.map((member) => member.kill()))
  }

  async #start(): Promise<readonly Member[]> {
    this.#url = (await this.postgres.createDatabase()).url
    return Promise.all(this.#names.map((name) => Member.start(name, this.#url, this.#options)))
  }
}

/** At the top of a test file. */
export function sharedFleet(names: readonly string[] = ['one', 'two'], options: StartOptions = {}): Fleet {
  let fleet: Fleet | undefined
  after(() => fleet?.stop())
  fleet = new Fleet(sharedPostgres(), names, options)
  return fleet
}

/** Two servers for one test, on a database of their own. */
export async function startPair(
  postgres: SharedPostgres | PostgresProcess,
  options: StartOptions = {},
): Promise<{ readonly a: Member; readonly b: Member; readonly url: string } & AsyncDisposable> {
  const { url } = await postgres.createDatabase()
  const [a, b] = await Promise.all([Member.start('one', url, options), Member.start('two', url, options)])
  return {
    a,
    b,
    url,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([a.kill(), b.kill()])
    },
  }
}
