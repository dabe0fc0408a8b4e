import { fileURLToPath } from 'node:url'
import type { Server } from './child.ts'
import type { Disk } from './disk.ts'
import { runLoad } from './load.ts'
import type { Sample } from './metrics.ts'
import { libraryLoad } from './peers.ts'
import { residentOf } from './proc.ts'
import type { Row } from './rows.ts'
import { type Place, servers } from './servers.ts'
import type { Column } from './sets.ts'

const MEGABYTE = 1e6
const delayedLoad = programOf('delayed-load.js')
const dashboardLoad = programOf('dashboard-load.js')
// What the load generator remembers of each job stays small, and there is something to say now and then.
const FILL_JOBS_MAX = 500_000

/** A column's server with its directory and its queue: for one row, or for several that ask for the same queue. */
export class Stand {
  readonly #column: Column
  readonly #place: Place
  readonly #disk: Disk
  #server: Server
  /** The jobs in the queue have numbers below this one. */
  #before = 0

  private constructor(column: Column, place: Place, disk: Disk, server: Server) {
    this.#column = column
    this.#place = place
    this.#disk = disk
    this.#server = server
  }

  /** Starts the server and fills its queue as the row wants it. */
  static async open(column: Column, row: Row, disk: Disk): Promise<Stand> {
    const { start, writeQueue } = servers[column.server]
    const place = { directory: await disk.makeDirectory(), queued: row.queued * (column.queueShare ?? 1) }
    const isWritten = place.queued > 0 && writeQueue !== undefined
    if (isWritten) {
      console.error(`${column.title}: writing ${place.queued.toLocaleString('en-US')} jobs and starting`)
      await writeQueue(place, row.payloadBytes)
    }
    const stand = new Stand(column, place, disk, await start(place))
    if (!isWritten) await stand.#fill(row)
    return stand
  }

  /** Does the row's work once. */
  async run(row: Row): Promise<Sample> {
    if (row.mode === 'start') {
      await this.#server.stop()
      this.#server = await servers[this.#column.server].start(this.#place)
    }
    const bytesBefore = (await residentOf(this.#server.pid)).bytes
    const sample: Sample = row.mode === 'start' ? { startMs: this.#server.startMs } : await this.#load(row)
    const { bytes, bytesPeak } = await residentOf(this.#server.pid)
    if (this.#place.queued > 0) {
      sample.residentMb = bytes / MEGABYTE
      sample.residentPeakMb = bytesPeak / MEGABYTE
    } else if (row.mode === 'fill') {
      // Growth and not size: an empty server's megabytes are not the jobs'.
      sample.bytesPerJob = (bytes - bytesBefore) / row.jobs
    }
    return sample
  }

  async close(): Promise<void> {
    await this.#server.stop()
    await this.#disk.remove(this.#place.directory)
  }

  async #load(row: Row): Promise<Sample> {
    const sample = await runLoad(await this.#generator(row), row, this.#server, this.#before)
    if (this.#place.queued > 0) this.#before += row.jobs * row.rounds
    return sample
  }

  async #generator(row: Row): Promise<readonly string[]> {
    const { library, server, page } = this.#column
    if (row.mode === 'delayed') return delayedLoad
    if (row.mode === 'watched') return [...dashboardLoad, `page=${page ?? ''}`]
    return library === undefined ? await servers[server].load(row) : libraryLoad(library)
  }

  async #fill(row: Row): Promise<void> {
    const { queued } = this.#place
    while (this.#before < queued) {
      const jobs = Math.min(FILL_JOBS_MAX, queued - this.#before)
      await this.#load({ ...row, mode: 'fill', clients: 8, window: 64, jobs, timeMs: 0, rounds: 1 })
      console.error(
        `${this.#column.title}: ${this.#before.toLocaleString('en-US')} of ${queued.toLocaleString('en-US')} jobs queued`,
      )
    }
  }
}

function programOf(file: string): readonly string[] {
  return [process.execPath, fileURLToPath(new URL(file, import.meta.url))]
}
