/** What the other servers that use the same store have of a function, as far as they have said. */
export interface Elsewhere {
  readonly workers: number
  readonly running: number
  /** Foreground jobs that wait for a worker there. */
  readonly waiting: number
  /** Jobs of the store that they have and nobody has begun, by priority. */
  readonly claimed: readonly [number, number, number]
}

export const nothingElsewhere: Elsewhere = { workers: 0, running: 0, waiting: 0, claimed: [0, 0, 0] }
