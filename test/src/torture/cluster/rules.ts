/** What several servers on one database promise. A fault names the rule that is broken. */
export const rules = {
  a: 'an acknowledged background job is done, or cancelled, or still there, whichever servers die',
  b: 'what was acknowledged as finished or cancelled is never begun again, at any server',
  c: 'a handle is one job, and a submission that is answered once is one job',
  d: 'submissions of one function and unique are one job while it waits or runs, at whichever servers they come',
  e: 'no job is begun before its time, and one whose time has come is begun soon',
  f: 'a client that waits hears one end of each of its jobs, and only one that a worker has said',
  g: 'a job is at one worker at a time, and comes again only if its worker was lost or has failed, or its server may have lost its lease',
  h: 'a schedule has one job for each of its times, whichever server fires it',
  i: 'a server starts, comes back by itself from whatever happened to it, answers, and counts what is there',
} as const

export type Rule = keyof typeof rules
