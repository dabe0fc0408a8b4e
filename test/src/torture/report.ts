import { rules } from './rules.ts'
import type { TortureResult } from './torture.ts'

/** A run for the person who has to find out what went wrong in it. */
export function failureReport({ seed, rounds, fault }: TortureResult): string {
  if (fault === undefined) return ''
  const headline = `seed ${seed} fails in round ${rounds}: ${fault.text}`
  return [
    headline,
    `rule ${fault.rule}: ${rules[fault.rule]}`,
    'history, in milliseconds since the run began:',
    ...fault.history.map((line) => `  ${line}`),
    'the last that the server logged:',
    ...fault.log.slice(-15).map((line) => `  ${line}`),
    ...(fault.directory === undefined ? [] : [`its database: ${fault.directory}`]),
    headline,
    `again, though not at the same moments: npm run torture -- --seed ${seed} --rounds ${rounds}`,
  ].join('\n')
}

export function summary(result: TortureResult): string {
  const { seed, rounds, kills, durationMs, readyMsMax, foundMax, seen } = result
  const count = (what: string) => seen[what] ?? 0
  return [
    `seed ${seed}: ${rounds} rounds in ${(durationMs / 1000).toFixed(1)} s, ${kills} kills (${count('killed at start')} of them at start)`,
    `${count('jobs')} jobs, ${count('acknowledged')} acknowledgements, ${count('joined')} joins (${count('joined after a restart')} after a restart), ` +
      `${count('cancelled')} cancelled, ${count('discovered')} taken up without an answer`,
    `${count('assigned')} assignments, ${count('jobs that ran again')} jobs ran again, ${count('told')} ends told to clients, ` +
      `${count('inspections')} inspections, ${count('drains')} drains`,
    `at most ${foundMax} jobs found at a start, ready after ${readyMsMax} ms at the latest`,
  ].join('\n')
}
