/** What is to be seen at one time: all that is known of all servers. */
export interface Frame {
  /** Wall time. */
  readonly atMs: number
  readonly servers: readonly ServerState[]
  readonly functions: readonly FunctionState[]
  readonly workers: readonly WorkerState[]
  /** Undefined until somebody wants to see them. */
  readonly jobs: readonly JobState[] | undefined
}

export interface ServerState {
  readonly server: string
  /** Undefined until it has answered once. */
  readonly version: string | undefined
  readonly connections: number | undefined
  /** Why it does not answer. */
  readonly problem: string | undefined
  /** It has more jobs than are listed. */
  readonly isListTooLong: boolean
}

/** A function of all servers together. */
export interface FunctionState {
  readonly function: string
  readonly queued: number
  readonly running: number
  readonly workers: number
  /** At least so many, see `History`; undefined where there is nothing to compare with yet. */
  readonly arrivedPerSecond: number | undefined
  readonly endedPerSecond: number | undefined
  /** How many were queued, frame by frame, this one last. */
  readonly queue: readonly number[]
  readonly stuck: Stuck | undefined
  /** Since when jobs wait and none has ended. */
  readonly stillMs: number
}

/** Jobs wait, and nobody can do them; or somebody could, and for a while none has ended. */
export type Stuck = 'no workers' | 'not moving'

export interface WorkerState {
  readonly server: string
  readonly fd: number
  readonly ip: string
  readonly clientId: string | undefined
  readonly functions: readonly string[]
}

export interface JobState {
  readonly server: string
  readonly handle: string
  readonly retries: number
  readonly isBackground: boolean
  readonly isIgnored: boolean
  /** How long it has been in the list, as far as that was looked at. */
  readonly seenMs: number
}
