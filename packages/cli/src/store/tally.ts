import { count } from '../numbers.ts'

/** What has become of the jobs. */
export interface Tally {
  readonly added: number
  readonly present: number
  readonly joined: number
}

export function handled({ added, present, joined }: Tally): number {
  return added + present + joined
}

/** `3 jobs imported, 1 was there already`. */
export function tell(tally: Tally): string {
  return `${count(tally.added, 'job')} imported${others(tally)}`
}

export function others({ present, joined }: Tally): string {
  const there = present === 0 ? '' : `, ${present} there already`
  return joined === 0 ? there : `${there}, ${joined} joined to a job with the same unique`
}
