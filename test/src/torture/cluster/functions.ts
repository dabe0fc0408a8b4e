/** Functions, and who uses them how. */
export const functions = {
  /** Background jobs of all kinds; one that fails has ended. */
  work: 'work',
  /** Background jobs with uniques that come again and again. */
  once: 'once',
  /** Background jobs that fail now and then, and are tried again. */
  retry: 'retry',
  /** Background jobs that workers in C take as well. */
  tool: 'tool',
  /** Clients wait for these. */
  wait: 'wait',
} as const

export const backgroundFunctions: readonly string[] = ['work', 'once', 'retry', 'tool']
export const allFunctions: readonly string[] = Object.values(functions)
/** Schedules submit these. */
export const tickFunction = 'tick'
export const tickEveryMs = 1000
/** As often a job of `retry` fails at most. */
export const failuresMax = 2

export function isRetried(functionName: string): boolean {
  return functionName === functions.retry
}

/** The configuration file of every server. Lost workers and servers count as attempts: there are enough of them. */
export const configuration: string = `
[functions.retry]
attempts = 50
backoff-first = "100ms"
backoff-max = "200ms"
`
