import { formatServerAddress, type ServerAddress, type WatchedServer } from '@geartrain/protocol'
import type { Clock } from '../clock.ts'
import { LookError } from './look-error.ts'
import { askFunctions, askVersion, askWorkers } from './questions.ts'
import { TextLink } from './text-link.ts'

/** From the begin of one look to that of the next; a slow server is asked no more than half of the time. */
const lookEveryMs = 2000
/** Looks go on for so long after somebody has wanted to know. */
const interestMs = 15_000
/** The first one who wants to know waits for a look, but no longer than this. */
const firstLookMs = 2000
/** All of a look, with the connection that it may take. */
const lookMs = 5000
/** From a look that has failed to the next one: twice as long each time. */
const retryMinMs = 1000
const retryMaxMs = 15_000

/**
 * Looks at another job server as long as somebody wants to know how it is, over one connection that stays. While nobody
 * does, it says nothing.
 */
export class ServerWatch {
  readonly #address: ServerAddress
  readonly #clock: Clock
  readonly #answerBytesMax: number
  #seen: WatchedServer
  #askedAt = 0
  /** The first look since somebody wants to know; undefined: nobody does. */
  #firstLook: Promise<void> | undefined
  #callOffNext: () => void = () => {}
  #link: TextLink | undefined
  /** As the server behind the link has told. */
  #version: string | undefined
  /** Looks that have failed, one after the other. */
  #failures = 0
  #isClosed = false

  constructor(address: ServerAddress, clock: Clock, answerBytesMax: number) {
    this.#address = address
    this.#clock = clock
    this.#answerBytesMax = answerBytesMax
    this.#seen = { address: formatServerAddress(address), isThis: false, functions: [], workers: [] }
  }

  /** What is known of it. Never rejects. */
  async ask(): Promise<WatchedServer> {
    this.#askedAt = this.#clock.now()
    if (!this.#isClosed) await (this.#firstLook ??= this.#begin())
    return this.#seen
  }

  close(): void {
    this.#isClosed = true
    this.#callOffNext()
    this.#link?.close('it is not looked at any more')
  }

  async #begin(): Promise<void> {
    this.#failures = 0
    await new Promise<void>((resolve) => {
      const callOff = this.#clock.after(firstLookMs, resolve)
      void this.#look().then(() => {
        callOff()
        resolve()
      })
    })
  }

  /** Looks now and, unless nobody wants to know by then, again. */
  async #look(): Promise<void> {
    const startedAt = this.#clock.now()
    const delayMs = (await this.#looked(startedAt)) ? this.#delayMs(startedAt) : this.#retryMs
    if (this.#isClosed) return
    this.#callOffNext = this.#clock.after(delayMs, () => {
      if (this.#clock.now() - this.#askedAt < interestMs) void this.#look()
      else this.#firstLook = undefined
    })
  }

  /** False: it has failed. */
  async #looked(startedAt: number): Promise<boolean> {
    const open = this.#link?.isOpen === true ? this.#link : undefined
    const link = open ?? new TextLink(this.#address, this.#answerBytesMax)
    this.#link = link
    const callOff = this.#clock.after(lookMs, () => link.giveUp(lookMs))
    try {
      if (open === undefined) this.#version = await askVersion(link)
      const functions = await askFunctions(link)
      const workers = await askWorkers(link)
      this.#failures = 0
      this.#seen = {
        address: this.#seen.address,
        isThis: false,
        lookedAt: this.#clock.wallNow(),
        tookMs: this.#clock.now() - startedAt,
        ...(this.#version === undefined ? {} : { version: this.#version }),
        functions,
        workers,
      }
      return true
    } catch (error) {
      if (!(error instanceof LookError)) throw error
      link.close(error.message)
      this.#failures++
      this.#seen = {
        ...this.#seen,
        failure: error.message,
        failingSince: this.#seen.failingSince ?? this.#clock.wallNow(),
      }
      return false
    } finally {
      callOff()
    }
  }

  #delayMs(startedAt: number): number {
    const tookMs = this.#clock.now() - startedAt
    return Math.max(lookEveryMs - tookMs, tookMs)
  }

  get #retryMs(): number {
    return Math.min(retryMaxMs, retryMinMs * 2 ** (this.#failures - 1))
  }
}
