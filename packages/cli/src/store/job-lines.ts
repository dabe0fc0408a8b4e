import { accessSync, constants, createReadStream, statSync } from 'node:fs'
import { reason } from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'
import { readLines } from '../lines.ts'
import { count } from '../numbers.ts'
import { LineError, type LineJob, readLine } from './job-line.ts'

export type NumberedJob = LineJob & { readonly line: number }

/** The jobs in a file of lines; `-` is stdin. */
export class JobLines {
  readonly fromLine: number
  /** The one that was read last. */
  line = 0
  /** Jobs, as the header says; 0 if nobody knows. */
  total = 0
  isCutOff = false
  readonly #file: string
  // Since the last header, and as many as that one has promised.
  #seen = 0
  #promised = 0

  /** Those before `fromLine` are passed over. */
  constructor(file: string, fromLine: number) {
    assertReadable(file)
    this.#file = file
    this.fromLine = fromLine
  }

  /** As many at a time as have come. Throws a Fault that names the line, when those before it were given. */
  async *jobs(): AsyncGenerator<readonly NumberedJob[]> {
    try {
      for await (const lines of readLines(this.#chunks())) {
        const jobs: NumberedJob[] = []
        try {
          for (const line of lines) this.#read(line, jobs)
        } catch (error) {
          yield jobs
          throw error
        }
        yield jobs
      }
      this.#assertWhole()
    } catch (error) {
      throw this.#fault(error)
    }
  }

  #read(bytes: Uint8Array, jobs: NumberedJob[]): void {
    this.line++
    if (this.line < this.fromLine || isBlank(bytes)) return
    const read = readLine(bytes)
    if ('job' in read) {
      this.#seen++
      jobs.push({ ...read.job, line: this.line })
      return
    }
    this.#assertWhole()
    this.#seen = 0
    this.#promised = read.header.jobs
    this.total += this.#promised
  }

  #assertWhole(): void {
    if (this.#seen >= this.#promised) return
    this.isCutOff = true
    const promised = count(this.#promised, 'job')
    throw new LineError(`the export is cut off here: its header promises ${promised}, and it has ${this.#seen}`)
  }

  #chunks(): AsyncIterable<Uint8Array> {
    return this.#file === '-' ? process.stdin : createReadStream(this.#file, { highWaterMark: 1024 * 1024 })
  }

  #fault(error: unknown): unknown {
    const name = this.#file === '-' ? 'stdin' : this.#file
    if (error instanceof LineError || error instanceof RangeError) {
      return new Fault(`${name}, line ${this.line}: ${error.message}`, exitCodes.failed, { cause: error })
    }
    if (!(error instanceof Error && 'syscall' in error)) return error
    return new Fault(`cannot read ${name}: ${reason(error)}`, exitCodes.failed, { cause: error })
  }
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)
}

/** Before anything is done because of it. */
function assertReadable(file: string): void {
  if (file === '-') return
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    throw new Fault(`cannot read ${file}: ${reason(error)}`, exitCodes.failed, { cause: error })
  }
  if (statSync(file).isDirectory()) throw new Fault(`cannot read ${file}: it is a directory`, exitCodes.failed)
}
