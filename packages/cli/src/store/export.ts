import { createWriteStream, existsSync, rmSync, statSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { renameDurably, type StoredJob, salvageJobs } from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'
import { count } from '../numbers.ts'
import { goOnWithoutReader } from '../output.ts'
import { Progress } from '../progress.ts'
import { LineError, writeHeader, writeJob } from './job-line.ts'
import { openSnapshot, storeFault, writingFault } from './place.ts'

/** Lines are written together until they are so long. */
const chunkChars = 64 * 1024

export interface ExportFlags {
  readonly isForced: boolean
  /** Leave out what can't be read. */
  readonly isSalvage: boolean
}

/** Writes the jobs of a store as lines into a file; `-` is stdout. Resolves with the exit code. */
export async function exportJobs(path: string, file: string, { isForced, isSalvage }: ExportFlags): Promise<number> {
  using snapshot = openSnapshot(path)
  const progress = new Progress()
  try {
    let lost = 0
    const jobs = isSalvage
      ? salvageJobs(snapshot, (number) => {
          lost++
          progress.clear()
          process.stderr.write(`job ${number} can't be read\n`)
        })
      : snapshot.jobs()
    // How many can be read is only known in the end.
    const lines = new Lines(jobs, isSalvage ? 0 : snapshot.jobCount, progress)
    if (file === '-') {
      goOnWithoutReader()
      await lines.write(process.stdout)
    } else await writeFile(lines, file, isForced)
    progress.clear()
    process.stderr.write(`exported ${count(lines.done, 'job')}${lost === 0 ? '' : `, ${lost} can't be read`}\n`)
    return lost === 0 ? 0 : exitCodes.failed
  } catch (error) {
    if (isClosedPipe(error)) throw new Fault('whoever read the export has gone', exitCodes.failed, { cause: error })
    if (error instanceof LineError) {
      const advice = 'geartrain store backup takes it along'
      throw new Fault(`${error.message}; ${advice}`, exitCodes.failed, { cause: error })
    }
    throw writingFault('stdout', storeFault(error))
  } finally {
    progress.clear()
  }
}

/** A plain file has its name when it is whole and on disk; into a pipe or a device is written as it is. */
async function writeFile(lines: Lines, file: string, isForced: boolean): Promise<void> {
  const isThere = existsSync(file)
  const isPlain = !isThere || statSync(file).isFile()
  if (isThere && isPlain && !isForced) {
    const sentence = `${file} is there already; name another file, or say --force to replace it`
    throw new Fault(sentence, exitCodes.failed)
  }
  const partial = isPlain ? `${file}.part` : file
  try {
    // Payloads are nobody else's.
    const stream = createWriteStream(partial, { mode: 0o600 })
    await lines.write(stream)
    stream.end()
    await finished(stream)
    if (isPlain) renameDurably(partial, file)
  } catch (error) {
    if (isPlain) rmSync(partial, { force: true })
    throw writingFault(file, error)
  }
}

/** Jobs on their way out. */
class Lines {
  done = 0
  readonly #jobs: Iterable<StoredJob>
  readonly #total: number
  readonly #progress: Progress

  /** `total` of 0: nobody knows. */
  constructor(jobs: Iterable<StoredJob>, total: number, progress: Progress) {
    this.#jobs = jobs
    this.#total = total
    this.#progress = progress
  }

  /** Reads no faster than the stream takes it. */
  async write(stream: Writable): Promise<void> {
    // The call back has it as well; without a listener it would end the process.
    stream.on('error', () => {})
    const put = (text: string) =>
      new Promise<void>((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(error) : resolve()))
      })
    let text = `${writeHeader({ jobs: this.#total }, new Date())}\n`
    for (const job of this.#jobs) {
      text += `${writeJob(job)}\n`
      this.done++
      if (text.length < chunkChars) continue
      await put(text)
      this.#progress.show('exporting job', this.done, this.#total)
      text = ''
    }
    await put(text)
  }
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}
