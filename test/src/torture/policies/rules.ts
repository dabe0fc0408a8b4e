/** What a server promises of functions with policies. A fault names the rule that is broken. */
export const rules = {
  a: 'an acknowledged job is done, or dead, or still there; it is in no two of these places',
  b: 'what is done does not come back, and what a worker says too late has done nothing',
  c: 'a job is not tried more often than its policy says, but for attempts that a kill has made the server forget',
  d: 'a job that has failed is not tried again before its wait is over, also after a restart',
  e: 'no more jobs of a function run at a time than it may, and a job is at one worker at a time',
  f: 'for each result there is the next job of the chain, and one',
  g: 'a schedule has one job for each of its times, also for those at which no server was there',
  h: 'what is set while the server runs is kept when that is acknowledged, and holds',
  i: 'a dead job tells of its attempts; when it is tried again or deleted, and that is acknowledged, that is so',
  j: 'a job that was not begun in its time is dead, and no other',
  k: 'the server always starts again, answers, and says what can be understood',
} as const

export type Rule = keyof typeof rules
