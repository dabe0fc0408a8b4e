import { type ReadonlySignal, signal } from '@preact/signals'
import { ApiError, apiUrl, get, path } from '../../api/api.ts'
import { isUnauthorized, noticeSignedOut } from '../../session/session.ts'
import { exactNow } from '../../text/use-now.ts'
import { isEnded, type JobEvent, type JobEvents, type JobSnapshot, type Told, withEvent, withSnapshot } from './told.ts'

const retryMs = { first: 1000, max: 10_000 }
/** A snapshot has what these do not say: who, when and why. */
const turns: ReadonlySet<string> = new Set(['started', 'retried', 'ended'])
const kinds = ['started', 'progress', 'data', 'warning', 'retried', 'ended'] as const satisfies (keyof JobEvents)[]

/** What becomes of one job, from when it is listened to until its end. */
export class JobFeed {
  readonly #handle: string
  readonly #told = signal<Told | undefined>(undefined)
  readonly #error = signal<Error | undefined>(undefined)
  #latest: Told | undefined
  #source: EventSource | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isDrawing = false
  /** Whatever was begun in another one is of no interest any more. */
  #listening = 0
  #waitMs = retryMs.first
  #isAsking = false
  /** Something has happened since the last snapshot was asked for. */
  #isStale = false

  constructor(handle: string) {
    this.#handle = handle
  }

  /** Undefined until there is an answer. */
  get told(): ReadonlySignal<Told | undefined> {
    return this.#told
  }

  /** Why nothing more is known. */
  get error(): ReadonlySignal<Error | undefined> {
    return this.#error
  }

  /** Gives the way to stop. */
  listen(): () => void {
    if (this.#latest?.isGone !== true) this.#open()
    return () => this.#close()
  }

  /** What was done to it may have given it a new life, or none. */
  restart(): void {
    this.#close()
    this.#open()
  }

  #open(): void {
    const source = new EventSource(eventsOf(this.#handle))
    this.#source = source
    source.addEventListener('snapshot', ({ data }: MessageEvent<string>) => {
      this.#waitMs = retryMs.first
      this.#takeSnapshot(JSON.parse(data) as JobSnapshot)
    })
    for (const kind of kinds) {
      source.addEventListener(kind, ({ data }: MessageEvent<string>) => {
        // The server sends of each kind what JobEvents has of it.
        this.#take({ kind, data: JSON.parse(data) } as JobEvent)
      })
    }
    source.addEventListener('error', () => {
      this.#close()
      void this.#findWhy()
    })
  }

  #close(): void {
    this.#listening++
    this.#source?.close()
    clearTimeout(this.#timer)
    this.#source = undefined
  }

  #take(event: JobEvent): void {
    if (this.#latest === undefined) return
    const wasEnded = isEnded(this.#latest.job)
    this.#show(withEvent(this.#latest, event, exactNow()))
    if (event.kind === 'ended') this.#close()
    // Of one that had ended before, the snapshot has said all.
    if (turns.has(event.kind) && !wasEnded) void this.#askAgain()
  }

  #takeSnapshot(snapshot: JobSnapshot): void {
    this.#error.value = undefined
    this.#show(withSnapshot(this.#latest, snapshot))
  }

  /** A job can send more than a page can show: what comes between two pictures is drawn once. */
  #show(told: Told): void {
    this.#latest = told
    if (this.#isDrawing) return
    this.#isDrawing = true
    requestAnimationFrame(() => {
      this.#isDrawing = false
      this.#told.value = this.#latest
    })
  }

  /** One at a time. A job that has ended meanwhile may be known no longer. */
  async #askAgain(): Promise<void> {
    this.#isStale = true
    if (this.#isAsking) return
    this.#isAsking = true
    while (this.#isStale) {
      this.#isStale = false
      const snapshot = await readSnapshot(this.#handle)
      const { job } = this.#latest ?? {}
      if (snapshot === undefined) {
        if (this.#latest !== undefined && job !== undefined && isEnded(job))
          this.#show({ ...this.#latest, isGone: true })
      } else if (job === undefined || !isEnded(job) || isEnded(snapshot)) this.#takeSnapshot(snapshot)
    }
    this.#isAsking = false
  }

  /** An EventSource does not say why it fails. */
  async #findWhy(): Promise<void> {
    const listening = this.#listening
    try {
      await get(path`jobs/${this.#handle}`)
    } catch (error) {
      if (!(error instanceof Error) || listening !== this.#listening) return
      if (isUnauthorized(error)) noticeSignedOut()
      this.#error.value = error
      if (isFinal(error)) {
        if (this.#latest !== undefined) this.#show({ ...this.#latest, isGone: true })
        return
      }
    }
    if (listening !== this.#listening) return
    this.#timer = setTimeout(() => this.#open(), this.#waitMs)
    this.#waitMs = Math.min(this.#waitMs * 2, retryMs.max)
  }
}

/** To ask again would give the same. */
export function isFinal(error: Error): boolean {
  return error instanceof ApiError && [400, 401, 403, 404].includes(error.status)
}

/** The job as it is now, without its workload; undefined: it is not known, or the server is away. */
function readSnapshot(handle: string): Promise<JobSnapshot | undefined> {
  return new Promise((resolve) => {
    const source = new EventSource(eventsOf(handle))
    const end = (snapshot: JobSnapshot | undefined) => {
      source.close()
      resolve(snapshot)
    }
    source.addEventListener('snapshot', ({ data }: MessageEvent<string>) => end(JSON.parse(data) as JobSnapshot))
    source.addEventListener('error', () => end(undefined))
  })
}

function eventsOf(handle: string): string {
  return apiUrl(path`jobs/${handle}/events`)
}
