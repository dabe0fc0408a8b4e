import type { AssignedJob } from '@geartrain/client'
import { count } from '../numbers.ts'

export interface WorkLogOptions {
  /** Lines of JSON instead of text. */
  readonly isJson: boolean
  /** Only what goes wrong. */
  readonly isQuiet: boolean
}

const ownDirectory = new URL('.', import.meta.url).href

type JobNames = Pick<AssignedJob, 'handle' | 'function'>

/** What a worker says on stderr: events, each as a line of text or of JSON. */
export class WorkLog {
  readonly #options: WorkLogOptions

  constructor(options: WorkLogOptions) {
    this.#options = options
  }

  ready(servers: readonly string[], functions: readonly string[], concurrency: number): void {
    const text = `ready on ${servers.join(' and ')}: ${functions.join(', ')} (${count(concurrency, 'job')} at once)`
    this.#tell('ready', text, { servers, functions, concurrency })
  }

  /** Lost, or not reached at the start when another was. */
  lost(server: string, message: string): void {
    this.#warn('lost', `${message}; trying again until it answers`, { server, message })
  }

  connected(server: string): void {
    this.#tell('connected', `connected to ${server}`, { server })
  }

  /** A line that the job's command wrote to stderr. */
  output(job: JobNames, line: string): void {
    this.#tell('output', `${job.handle} | ${line}`, { handle: job.handle, function: job.function, line })
  }

  /** `text` is for a person: of a command's stderr it has no more than was not shown already. */
  failed(job: JobNames, error: unknown): void {
    const { message, text } = describe(error, this.#options.isQuiet)
    const names = { handle: job.handle, function: job.function }
    this.#warn('failed', `${job.handle} of ${job.function} failed: ${text}`, { ...names, message })
  }

  cancelled(job: JobNames): void {
    const names = { handle: job.handle, function: job.function }
    this.#warn('cancelled', `${job.handle} of ${job.function} was cancelled`, names)
  }

  /** What the server did not accept, of no job in particular. */
  refused(error: unknown): void {
    const { message } = describe(error, true)
    this.#warn('refused', message, { message })
  }

  stopping(reason: string, running: number): void {
    const rest =
      running === 0
        ? ''
        : `; ${count(running, 'job')} to be finished, a second signal kills ${running === 1 ? 'it' : 'them'}`
    this.#tell('stopping', `${reason}: no more jobs${rest}`, { reason, running })
  }

  #tell(event: string, text: string, facts: Readonly<Record<string, unknown>>): void {
    if (!this.#options.isQuiet) this.#warn(event, text, facts)
  }

  #warn(event: string, text: string, facts: Readonly<Record<string, unknown>>): void {
    const time = new Date().toISOString()
    process.stderr.write(`${this.#options.isJson ? JSON.stringify({ time, event, ...facts }) : text}\n`)
  }
}

/** What a job's command did that makes the job fail. The message is what the job's client gets. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  /** The message without the stderr that follows it. */
  readonly summary: string

  constructor(summary: string, stderrTail = '') {
    super(stderrTail === '' ? summary : `${summary}\n${stderrTail}`)
    this.summary = summary
  }
}

function describe(error: unknown, isAll: boolean): { message: string; text: string } {
  if (error instanceof CommandFailure) return { message: error.message, text: isAll ? error.message : error.summary }
  if (!(error instanceof Error)) return { message: String(error), text: String(error) }
  return { message: error.message, text: ofUser(error.stack) ?? error.message }
}

/** Where it was in the code of a handler, without what has called that. */
function ofUser(stack: string | undefined): string | undefined {
  const lines = stack?.split('\n')
  const end = lines?.findIndex((line) => line.includes(ownDirectory) || line.includes('(node:')) ?? -1
  return end < 0 ? stack : lines?.slice(0, end).join('\n')
}
