import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from './error.ts'

// Numbers of statfs(2).
const inMemory = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
])

const SYNCS = 101

/** Where servers keep their jobs. It must be a real one, or a figure about jobs that are safe would be about nothing. */
export class Disk {
  readonly #path: string
  readonly #directories = new Set<string>()

  private constructor(path: string) {
    this.#path = path
    process.once('exit', () => {
      for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
    })
  }

  static async open(path: string): Promise<Disk> {
    await mkdir(path, { recursive: true })
    await refuseMemory(path, '--directory')
    return new Disk(path)
  }

  /** Empty, and gone at the end of the bench at the latest. */
  async makeDirectory(): Promise<string> {
    const directory = await mkdtemp(join(this.#path, 'queue-'))
    this.#directories.add(directory)
    return directory
  }

  async remove(directory: string): Promise<void> {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
    this.#directories.delete(directory)
  }

  /** The median time of a write at a file's end and its fsync: no server that keeps its word can do with less than one. */
  async syncMs(): Promise<number> {
    const directory = await this.makeDirectory()
    const file = await open(join(directory, 'sync'), 'w')
    const page = Buffer.alloc(4096, 'x')
    const times: number[] = []
    for (let count = 0; count < SYNCS; count++) {
      const begin = performance.now()
      await file.write(page)
      await file.sync()
      times.push(performance.now() - begin)
    }
    await file.close()
    await this.remove(directory)
    return times.sort((a, b) => a - b)[(SYNCS - 1) / 2] ?? 0
  }
}

/** Rejects if it is in memory: `what` says who names a folder on a disk. */
export async function refuseMemory(path: string, what: string): Promise<void> {
  const name = inMemory.get((await statfs(path)).type)
  if (name !== undefined) throw new UsageError(`${path} is in memory (${name}): ${what} is one on a disk`)
}
