import { existsSync } from 'node:fs'
import { StoreError, StoreImport, StoreSnapshot } from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'
import { count } from '../numbers.ts'
import { Progress } from '../progress.ts'
import { JobLines, type NumberedJob } from './job-lines.ts'
import { storeFault, withStore } from './place.ts'
import { bringQueueIn, openQueue } from './queue.ts'
import { handled, others, type Tally, tell } from './tally.ts'

export interface ImportFlags {
  readonly isDryRun: boolean
  readonly isJson: boolean
}

/** Brings the lines of a file, `-` is stdin, into a store; those before `fromLine` are passed over. */
export async function importLines(path: string, file: string, fromLine: number, flags: ImportFlags): Promise<void> {
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

function report(tally: Tally, { isDryRun, isJson }: ImportFlags): void {
  const { added, present, joined } = tally
  const text = isJson
    ? JSON.stringify({ added, present, joined, dry_run: isDryRun })
    : isDryRun
      ? `would import ${count(added, 'job')}${others(tally)}`
      : tell(tally)
  process.stdout.write(`${text}\n`)
}
