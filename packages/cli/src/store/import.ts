import { accessSync, constants, createReadStream, existsSync, statSync } from 'node:fs'
import {
  GearmandQueue,
  gearmandTable,
  reason,
  type SqliteStore,
  StoreError,
  StoreImport,
  StoreSnapshot,
  type StoreState,
} from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'
import { LineError, type LineJob, readLine } from './job-line.ts'
import { readLines } from './lines.ts'
import { count } from './numbers.ts'
import { storeFault, withNewStore, withStore } from './place.ts'
import { Progress } from './progress.ts'

export interface ImportFlags {
  readonly isDryRun: boolean
  readonly isJson: boolean
}

type NumberedJob = LineJob & { readonly line: number }

/** Brings the lines of a file, `-` is stdin, into a store; those before `fromLine` are passed over. */
export async function importLines(path: string, file: string, fromLine: number, flags: ImportFlags): Promise<void> {
  assertReadable(file)
  const lines = new JobLines(file, fromLine)
  const progress = new Progress()
  try {
    const tally = flags.isDryRun ? await rehearse(path, lines, progress) : await bringIn(path, lines, progress)
    progress.clear()
    report(tally, flags)
  } finally {
    progress.clear()
  }
}

/** Brings the queue of a C gearmand into a store. */
export async function importQueue(
  path: string,
  file: string,
  table: string | undefined,
  flags: ImportFlags,
): Promise<void> {
  using queue = openQueue(file, table)
  if (flags.isDryRun) return report({ added: queue.count, present: 0, joined: 0 }, flags)
  const progress = new Progress()
  try {
    const tally = await bringQueueIn(path, queue, (done) => progress.show('importing job', done, queue.count))
    progress.clear()
    report(tally, flags)
  } finally {
    progress.clear()
  }
}

export function openQueue(file: string, table: string | undefined): GearmandQueue {
  try {
    return new GearmandQueue(file, table ?? gearmandTable)
  } catch (error) {
    throw storeFault(error)
  }
}

/** If the store is made for it, all of the queue is imported or nothing. */
export async function bringQueueIn(
  path: string,
  queue: GearmandQueue,
  onProgress: (done: number) => void,
): Promise<Tally> {
  const act = async (store: SqliteStore, state: StoreState) => {
    const into = new StoreImport(store, state, Date.now())
    try {
      for (const job of queue.jobs(Date.now())) {
        into.add(job)
        if (!into.isFull) continue
        await into.flush()
        onProgress(handled(into))
      }
      await into.end()
      return into
    } catch (error) {
      if (isNew || !(error instanceof StoreError)) throw error
      const advice = 'those with a unique are not doubled when it is imported again'
      throw new Fault(`${error.message}; ${tell(into)}; ${advice}`, exitCodes.failed, { cause: error })
    }
  }
  const isNew = !existsSync(path)
  return isNew ? withNewStore(path, act) : withStore(path, act)
}

/** Before a store is made for it. */
function assertReadable(file: string): void {
  if (file === '-') return
  try {
    accessSync(file, constants.R_OK)
  } catch (error) {
    throw new Fault(`cannot read ${file}: ${reason(error)}`, exitCodes.failed, { cause: error })
  }
  if (statSync(file).isDirectory()) throw new Fault(`cannot read ${file}: it is a directory`, exitCodes.failed)
}

/** What has become of the jobs. */
export interface Tally {
  readonly added: number
  readonly present: number
  readonly joined: number
}

async function bringIn(path: string, lines: JobLines, progress: Progress): Promise<Tally> {
  return withStore(path, async (store, state) => {
    const into = new StoreImport<NumberedJob>(store, state, Date.now())
    try {
      for await (const jobs of lines.jobs()) {
        for (const job of jobs) {
          into.add(job)
          if (into.isFull) await into.flush()
        }
        progress.show('importing job', handled(into), lines.total)
      }
      await into.end()
      return into
    } catch (error) {
      if (error instanceof StoreError) throw whereToGoOn(error, into, (into.last?.line ?? lines.fromLine - 1) + 1)
      if (!(error instanceof Fault)) throw error
      // What came before the line that is wrong is imported, so that it is clear where to go on.
      await into.end()
      if (!lines.isCutOff) throw whereToGoOn(error, into, lines.line)
      throw new Fault(`${error.message}; ${tell(into)}`, exitCodes.failed, { cause: error })
    }
  })
}

function whereToGoOn(error: Error, into: Tally, line: number): Fault {
  return new Fault(`${error.message}; ${tell(into)}; go on with --from-line ${line}`, exitCodes.failed, {
    cause: error,
  })
}

/** Reads and compares, and writes nothing. A server may have the store. */
async function rehearse(path: string, lines: JobLines, progress: Progress): Promise<Tally> {
  try {
    using snapshot = existsSync(path) ? new StoreSnapshot(path) : undefined
    let [added, present] = [0, 0]
    for await (const jobs of lines.jobs()) {
      for (const { number } of jobs) {
        if (number !== undefined && snapshot?.has(number) === true) present++
        else added++
      }
      progress.show('reading job', added + present, lines.total)
    }
    return { added, present, joined: 0 }
  } catch (error) {
    throw storeFault(error)
  }
}

/** The jobs in a file of lines. */
class JobLines {
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

  constructor(file: string, fromLine: number) {
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

function handled({ added, present, joined }: Tally): number {
  return added + present + joined
}

function report(tally: Tally, { isDryRun, isJson }: ImportFlags): void {
  const { added, present, joined } = tally
  const text = isJson
    ? JSON.stringify({ added, present, joined, dry_run: isDryRun })
    : isDryRun
      ? `would import ${count(added, 'job')}${others(tally)}`
      : tell(tally)
  process.stdout.write(`${text}\n`)
}

/** `3 jobs imported, 1 was there already`. */
export function tell(tally: Tally): string {
  return `${count(tally.added, 'job')} imported${others(tally)}`
}

function others({ present, joined }: Tally): string {
  const there = present === 0 ? '' : `, ${present} there already`
  return joined === 0 ? there : `${there}, ${joined} joined to a job with the same unique`
}
