import { missingPrograms } from './programs.ts'
import { rules } from './rules.ts'
import type { TortureResult } from './torture.ts'

/** A run for the person who has to find out what went wrong in it. */
export function failureReport({ seed, rounds, fault }: TortureResult): string {
  if (fault === undefined) return ''
  const headline = `seed ${seed} fails in round ${rounds}: ${fault.text}`
  return [
    headline,
    `rule ${fault.rule}: ${rules[fault.rule]}`,
    'what happened to the job, the servers and the database:',
    ...fault.history.map((line) => `  ${line}`),
    ...Object.entries(fault.logs).flatMap(([name, log]) => [
      `the last of the ${name}:`,
      ...log.map((line) => `  ${line}`),
    ]),
    headline,
    `again, though not at the same moments: npm run torture:cluster -- --seed ${seed} --rounds ${rounds}`,
  ].join('\n')
}

export function summary({ seed, rounds, durationMs, ticks, recoveryMsMax, seen }: TortureResult): string {
  const count = (what: string) => seen[what] ?? 0
  return [
    `seed ${seed}: ${rounds} rounds in ${(durationMs / 1000).toFixed(1)} s: ` +
      `${count('kill')} servers killed, ${count('quit')} stopped cleanly, ${count('freeze')} paused, ${count('cut')} cut off from the database, ` +
      `${count('reset')} with all connections to it broken, ${count('unlink')} cut off from other servers; ` +
      `${count('fail over')} fail-overs (${count('fail over: vanished')} of a machine that vanished, ${count('fail over: woken')} with an old primary that woke up again), the primary ${count('restart database')} times killed and started again and ${count('pause database')} times paused`,
    `${count('acknowledged')} background jobs acknowledged (${count('acknowledged to the library')} to the library, ${count('acknowledged to PHP')} to PHP, ${count('acknowledged to gearman')} to gearman), ` +
      `${count('joined')} of them joined, ${count('never answered')} never answered, ${count('refused')} refused; ` +
      `${count('foreground jobs')} foreground jobs, ${count('ends told')} ends told; ${count('cancelled')} cancelled`,
    `${count('assigned')} assignments (${count('begun by the library')} to the library, ${count('begun by PHP')} to PHP, ${count('begun by gearman')} to gearman), ${count('assigned again')} not the first, ` +
      `${count('ends kept')} ends known to be kept, ${count('workers lost')} workers lost with a job; ${ticks} times of schedules; ${count('drains')} drains`,
    `well again after ${recoveryMsMax} ms at the latest; ${count('lease lost, says a log')} lines about leases in logs`,
    ...missingPrograms().map((sentence) => `left out: ${sentence}`),
  ].join('\n')
}
