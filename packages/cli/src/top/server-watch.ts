import { setTimeout as delay } from 'node:timers/promises'
import { Admin, formatServer, type ServerAddress } from '@geartrain/client'
import { credentials, reasonNotReached } from '../servers.ts'
import type { Look } from './history.ts'

/** What is asked beside the counts of functions, which cost little. */
export interface Wishes {
  /** Time between two answers of those that cost more. */
  readonly intervalMs: number
  readonly isJobs: boolean
}

/** Counts are asked for so often, to see jobs come and go; of a slow server no more than half of its time. */
const lookMs = 250
/** A server that takes longer is down. */
const answerMs = 5000
/** A list of jobs of a server that has more would be of use to nobody, and costs it much. */
const jobsListedMax = 10_000

/** Looks at one server again and again until it is stopped, and tells what was seen; connects again when it must. */
export class ServerWatch {
  readonly #server: string
  readonly #address: ServerAddress
  readonly #wishes: () => Wishes
  readonly #onLook: (server: string, look: Look) => void
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  #admin: Admin | undefined
  #version = ''
  #askedAt = Number.NEGATIVE_INFINITY
  #hadJobs = false

  constructor(address: ServerAddress, wishes: () => Wishes, onLook: (server: string, look: Look) => void) {
    this.#server = formatServer(address)
    this.#address = address
    this.#wishes = wishes
    this.#onLook = onLook
    this.#ended = this.#watch()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const startedAt = performance.now()
      const look = await this.#look().catch((error: unknown) => this.#fail(error))
      if (signal.aborted) break
      this.#onLook(this.#server, look)
      const tookMs = performance.now() - startedAt
      await delay(Math.max(lookMs - tookMs, tookMs), undefined, { signal }).catch(() => {})
    }
    await this.#admin?.close()
  }

  async #look(): Promise<Look> {
    const options = { signal: this.#stop.signal, timeoutMs: answerMs }
    if (this.#admin === undefined) {
      this.#admin = await Admin.connect(this.#address, {
        ...credentials(),
        signal: options.signal,
        connectTimeoutMs: answerMs,
      })
      this.#version = await this.#admin.version(options)
    }
    const admin = this.#admin
    const { intervalMs, isJobs } = this.#wishes()
    const functions = await admin.status(options)
    const seen = { version: this.#version, functions, connections: undefined, jobs: undefined }
    const isDue = performance.now() - this.#askedAt >= intervalMs - lookMs / 2
    if (!isDue && (!isJobs || this.#hadJobs)) return seen
    this.#askedAt = performance.now()
    this.#hadJobs = isJobs
    const connections = await admin.workers(options)
    if (!isJobs) return { ...seen, connections }
    const count = functions.reduce((sum, { jobs }) => sum + jobs, 0)
    return { ...seen, connections, jobs: count > jobsListedMax ? 'too many' : await admin.jobs(options) }
  }

  /** What was asked may be answered still: the next look is on a connection of its own. */
  #fail(error: unknown): Look {
    if (!(error instanceof Error)) throw error
    const admin = this.#admin
    this.#admin = undefined
    this.#askedAt = Number.NEGATIVE_INFINITY
    void admin?.close()
    return { problem: reasonNotReached(error) }
  }
}
