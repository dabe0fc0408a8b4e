import { shellWord } from '../../text/shell.ts'
import type { JobSnapshot } from './told.ts'

/** What of a job's workload can be on a command line; undefined: it is too long for one, or not text. */
export function lineOf(workload: string | undefined): string | undefined {
  if (workload === undefined || workload.length > lineLengthMax || /[^\P{C}\n\t]/u.test(workload)) return undefined
  // A dash alone stands for stdin.
  return workload === '-' ? undefined : workload
}

const lineLengthMax = 2000
/** Where a payload is that was downloaded. */
export const payloadFile = 'payload.bin'

/** The same job once more; undefined: its names can't be typed. */
export function doCommand(job: JobSnapshot, line: string | undefined): string | undefined {
  const { function: name, unique, priority, background, then = '', options = {} } = job
  const flags = background ? ['--background'] : []
  const add = (flag: string, value: string) =>
    flags.push(value.startsWith('-') ? `--${flag}=${shellWord(value)}` : `--${flag} ${shellWord(value)}`)
  if (unique !== '') add('unique', unique)
  if (priority !== 'normal') add('priority', priority)
  if (isAhead(job)) add('at', new Date(job.runAt).toISOString())
  for (const [key, value] of Object.entries(options)) {
    if (key === 'retry-foreground') flags.push(...(value === 'true' ? ['--retry-foreground'] : []))
    else if (!withoutFlag.has(key)) add(key === 'timeout' ? 'job-timeout' : key, String(value))
  }
  if (then !== '') add('then', then)
  if (line === undefined) add('file', payloadFile)
  const isDashed = name.startsWith('-') || line?.startsWith('-') === true
  const names = [name, ...(line === undefined ? [] : [line])].map(shellWord)
  return typed([name, unique, then], ['geartrain do', ...flags, ...(isDashed ? ['--'] : []), ...names])
}

const withoutFlag: ReadonlySet<string> = new Set(['dead-max', 'dead-for'])

/** The same over HTTP, at the address of the API. `hasRules`: who asks needs a token. */
export function curlCommand(job: JobSnapshot, line: string | undefined, api: URL, hasRules: boolean): string {
  const { function: name, background } = job
  const address = new URL(`${api.href.replace(/\/$/, '')}/functions/${encodeURIComponent(name)}/jobs`)
  for (const [key, value] of Object.entries(submitQuery(job))) address.searchParams.set(key, value)
  if (!background) address.searchParams.set('wait', 'true')
  const token = hasRules ? ['-H "Authorization: Bearer $GEARTRAIN_TOKEN"'] : []
  const data = line === undefined ? `--data-binary @${payloadFile}` : `--data-raw ${shellWord(line)}`
  return ['curl', ...token, data, shellWord(address.href)].join(' ')
}

/** What a submission of the same job says beside function and workload. */
export function submitQuery(job: JobSnapshot): Record<string, string> {
  const { unique, priority, then, reducer, options = {} } = job
  return {
    ...(unique === '' ? {} : { unique }),
    ...(priority === 'normal' ? {} : { priority }),
    ...(isAhead(job) ? { 'run-at': String(job.runAt) } : {}),
    ...(then === undefined ? {} : { then }),
    ...(reducer === undefined ? {} : { reducer }),
    ...Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)])),
  }
}

/** It was submitted for a time, and not put off after a failure. */
function isAhead(job: JobSnapshot): job is JobSnapshot & { readonly runAt: number } {
  return job.state === 'delayed' && job.attempts === 0 && job.runAt !== undefined
}

/** No shell is given names that a terminal would not show. */
function typed(names: readonly string[], words: readonly string[]): string | undefined {
  return names.some((name) => /\p{C}/u.test(name)) ? undefined : words.join(' ')
}
