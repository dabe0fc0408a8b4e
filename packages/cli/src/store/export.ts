import { createWriteStream, existsSync, rmSync, statSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { renameDurably, type StoreSnapshot } from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'
import { LineError, writeHeader, writeJob } from './job-line.ts'
import { count } from './numbers.ts'
import { openSnapshot, storeFault, writingFault } from './place.ts'
import { Progress } from './progress.ts'

/** Lines are written together until they are so long. */
const chunkChars = 64 * 1024

/** Writes the jobs of a store as lines into a file; `-` is stdout. */
export async function exportJobs(path: string, file: string, { force }: { force: boolean }): Promise<void> {
  using snapshot = openSnapshot(path)
  const progress = new Progress()
  try {
    const jobs =
      file === '-' ? await write(snapshot, process.stdout, progress) : await writeFile(snapshot, file, force, progress)
    progress.clear()
    process.stderr.write(`exported ${count(jobs, 'job')}\n`)
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
async function writeFile(
  snapshot: StoreSnapshot,
  file: string,
  isForced: boolean,
  progress: Progress,
): Promise<number> {
  const isThere = existsSync(file)
  const isPlain = !isThere || statSync(file).isFile()
  if (isThere && isPlain && !isForced) {
    const sentence = `${file} is there already; name another file, or say --force to replace it`
    throw new Fault(sentence, exitCodes.failed)
  }
  const partial = isPlain ? `${file}.part` : file
  try {
    const stream = createWriteStream(partial)
    const jobs = await write(snapshot, stream, progress)
    stream.end()
    await finished(stream)
    if (isPlain) renameDurably(partial, file)
    return jobs
  } catch (error) {
    if (isPlain) rmSync(partial, { force: true })
    throw writingFault(file, error)
  }
}

/** Reads no faster than the stream takes it. */
async function write(snapshot: StoreSnapshot, stream: Writable, progress: Progress): Promise<number> {
  const total = snapshot.jobCount
  // The call back has it as well; without a listener it would end the process.
  stream.on('error', () => {})
  const put = (text: string) =>
    new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()))
    })
  let text = `${writeHeader({ jobs: total }, new Date())}\n`
  let done = 0
  for (const job of snapshot.jobs()) {
    text += `${writeJob(job)}\n`
    done++
    if (text.length < chunkChars) continue
    await put(text)
    progress.show('exporting job', done, total)
    text = ''
  }
  await put(text)
  return done
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}
