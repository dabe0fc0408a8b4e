import type { Bytes, JobDescription } from '@geartrain/protocol'

/** A payload, or how long it is: it is too long to be told, or hidden. */
export type ToldBytes = Bytes | { readonly bytes: number }

/** The event `snapshot` of a job. */
export type JobSnapshot = Omit<JobDescription, 'workload' | 'result'> & { readonly result?: ToldBytes }

/** The other events, by their names. */
export interface JobEvents {
  started: { readonly attempt: number }
  progress: { readonly numerator: number; readonly denominator: number }
  data: ToldBytes
  warning: ToldBytes
  retried: { readonly reason: string; readonly attempts: number; readonly waitMs: number }
  ended: { readonly outcome: string; readonly dead: boolean; readonly result?: ToldBytes }
}

export type JobEvent = {
  readonly [Kind in keyof JobEvents]: { readonly kind: Kind; readonly data: JobEvents[Kind] }
}[keyof JobEvents]

/** When an attempt began, and by whom. */
export interface Attempt {
  readonly startedAt: number
  readonly worker: string
}

export interface Chunk {
  readonly id: number
  readonly kind: 'data' | 'warning'
  readonly at: number
  readonly data: ToldBytes
}

/** All that the page knows of a job. */
export interface Told {
  readonly job: JobSnapshot
  /** By number, the first is 1. */
  readonly attempts: ReadonlyMap<number, Attempt>
  /** The latest that its worker has sent. */
  readonly chunks: readonly Chunk[]
  /** How many there were in all. */
  readonly chunkCount: number
  /** How it ended, if that was seen; also `cancelled` or `expired`, for which there is no state. */
  readonly outcome?: string
  /** The server knows it no longer. */
  readonly isGone?: boolean
}

const chunksMax = 200
const chunkBytesMax = 256 * 1024

export function isEnded({ state }: JobSnapshot): boolean {
  return state === 'dead' || state === 'complete' || state === 'failed' || state === 'exception'
}

/** `before`: what was known of the same job. */
export function withSnapshot(before: Told | undefined, job: JobSnapshot): Told {
  const attempts = new Map(before?.attempts)
  const { startedAt, worker = '' } = job
  if (startedAt !== undefined) attempts.set(job.attempts + 1, { startedAt, worker })
  const { chunks = [], chunkCount = 0, outcome } = before ?? {}
  // A dead job that was put in line again has not ended.
  const ended = outcome === undefined || !isEnded(job) ? {} : { outcome }
  return { job, attempts, chunks, chunkCount, ...ended }
}

/** At the server's time `at`. When an attempt began and who does it is not told here: a snapshot says that. */
export function withEvent(before: Told, event: JobEvent, at: number): Told {
  const { job } = before
  switch (event.kind) {
    case 'started': {
      const { numerator: _n, denominator: _d, runAt: _r, worker: _w, startedAt: _s, ...rest } = job
      return { ...before, job: { ...rest, state: 'running', attempts: event.data.attempt - 1 } }
    }
    case 'progress':
      return { ...before, job: { ...job, ...event.data } }
    case 'retried': {
      const { worker: _w, connection: _c, startedAt: _s, ...rest } = job
      return { ...before, job: { ...rest, state: 'ready', attempts: event.data.attempts } }
    }
    case 'data':
    case 'warning':
      return withChunk(before, { id: before.chunkCount, kind: event.kind, at, data: event.data })
    case 'ended':
      return withEnd(before, event.data, at)
  }
}

function withEnd(before: Told, { outcome, dead, result }: JobEvents['ended'], at: number): Told {
  const { runAt: _, ...job } = before.job
  const state = dead ? 'dead' : outcome === 'complete' || outcome === 'exception' ? outcome : 'failed'
  return {
    ...before,
    job: { ...job, state, endedAt: job.endedAt ?? at, ...(result === undefined ? {} : { result }) },
    outcome,
  }
}

function withChunk(before: Told, chunk: Chunk): Told {
  const chunks = [...before.chunks.slice(1 - chunksMax), chunk]
  let bytes = chunks.reduce((sum, each) => sum + sizeOf(each.data), 0)
  while (bytes > chunkBytesMax && chunks.length > 1) bytes -= sizeOf(chunks.shift()?.data ?? { bytes: 0 })
  return { ...before, chunks, chunkCount: before.chunkCount + 1 }
}

/** What it takes here, near enough. */
function sizeOf(data: ToldBytes): number {
  if ('text' in data) return data.text.length
  return 'base64' in data ? data.base64.length : 0
}
