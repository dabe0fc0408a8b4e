import { rules } from './rules.ts'
import type { TortureResult } from './torture.ts'

/** A run for the person who has to find out what went wrong in it. */
export function failureReport({ seed, rounds, fault }: TortureResult): string {
  if (fault === undefined) return ''
  const headline = `seed ${seed} fails in round ${rounds}: ${fault.text}`
  return [
    headline,
    `rule ${fault.rule}: ${rules[fault.rule]}`,
    'history of the job:',
    ...fault.history.map((line) => `  ${line}`),
    'the last that the server logged:',
    ...fault.log.slice(-15).map((line) => `  ${line}`),
    `its database: ${fault.directory}`,
    `again, though not at the same moments: npm run torture:policies -- --seed ${seed} --rounds ${rounds}`,
  ].join('\n')
}

export function summary({ seed, rounds, durationMs, ticks, seen }: TortureResult): string {
  const counts = Object.entries(seen).map(([what, count]) => `${what} ${count}`)
  return `seed ${seed}: ${rounds} rounds in ${(durationMs / 1000).toFixed(1)} s, ${ticks} times of the schedule\n${counts.join(', ')}`
}
