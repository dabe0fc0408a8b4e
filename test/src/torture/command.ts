import { parseArgs } from 'node:util'

/** When a run ends, by what was asked for. */
export interface RunBounds {
  readonly seed: number
  readonly rounds?: number
  readonly untilMs?: number
  readonly isStopped: () => boolean
}

interface Outcome {
  readonly fault?: unknown
}

/** What every command that tortures takes and prints: a seed, so many rounds or minutes, and the result as text or JSON. */
export class TortureCommand<const Option extends string> {
  readonly bounds: RunBounds
  readonly #usage: string
  readonly #values: Readonly<Record<string, string | boolean | undefined>>

  /** Ends the process with a sentence if the arguments are wrong. `more`: options of its own, each with a value. */
  constructor(usage: string, more: readonly Option[] = []) {
    this.#usage = usage
    this.#values = this.#read(more)
    const seed = this.#number('seed') ?? Date.now() % 1_000_000_000
    const rounds = this.#number('rounds')
    const minutes = this.#number('minutes')
    let isStopped = false
    process.once('SIGINT', () => {
      isStopped = true
    })
    this.bounds = {
      seed,
      ...(rounds === undefined ? {} : { rounds }),
      ...(rounds !== undefined && minutes === undefined ? {} : { untilMs: Date.now() + (minutes ?? 1) * 60_000 }),
      isStopped: () => isStopped,
    }
  }

  option(name: Option): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** To stderr: stdout is the result's. */
  say(line: string): void {
    process.stderr.write(`${line}\n`)
  }

  refuse(why: string): never {
    process.stderr.write(`${why}\n\n${this.#usage}`)
    process.exit(2)
  }

  /** The exit code is 1 if there was a fault. */
  tell<Result extends Outcome>(result: Result, summary: (of: Result) => string, report: (of: Result) => string): void {
    const isJson = this.#values['json'] === true
    process.stdout.write(`${isJson ? JSON.stringify(result, undefined, 2) : summary(result)}\n`)
    if (result.fault === undefined) return
    process.exitCode = 1
    if (!isJson) process.stdout.write(`${report(result)}\n`)
  }

  #number(name: string): number | undefined {
    const value = this.#values[name]
    if (typeof value !== 'string') return undefined
    if (/^\d{1,9}$/.test(value)) return Number(value)
    return this.refuse(`--${name} takes a whole number of at most 9 digits, not ${value}`)
  }

  #read(more: readonly string[]): Readonly<Record<string, string | boolean | undefined>> {
    const names = ['seed', 'minutes', 'rounds', ...more]
    try {
      const { values } = parseArgs({
        options: {
          ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
          json: { type: 'boolean', default: false },
          help: { type: 'boolean', default: false },
        },
      })
      if (!values.help) return values
      process.stdout.write(this.#usage)
      process.exit(0)
    } catch (error) {
      return this.refuse(error instanceof Error ? error.message : String(error))
    }
  }
}
