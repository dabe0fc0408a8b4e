import type { Note } from './job-record.ts'

/** What a server promises. A fault names the rule that is broken. */
export const rules = {
  a: 'an acknowledged background job is run to its end as it was submitted, or cancelled, or still there',
  b: 'what was acknowledged as finished or cancelled never comes back',
  c: 'no handle is given to two jobs',
  d: 'submissions of one function and unique are one job while it lives, and a new one afterwards',
  e: 'no job runs before its time, and one whose time has come runs at once',
  f: 'the server always starts again, in time, and its tables count what is there',
  g: 'a job runs again only if its worker was lost, or the server before the end of it was on disk',
  h: 'a server answers what it is asked, in order, and only what is true',
} as const

export type Rule = keyof typeof rules

/** The first rule that was broken, and how. */
export interface Fault {
  readonly rule: Rule
  readonly text: string
  /** Of the job that it is about, with the starts and ends of servers. */
  readonly history: readonly Note[]
}
