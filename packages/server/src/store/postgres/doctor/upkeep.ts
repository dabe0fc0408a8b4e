import type { Facts, TableFacts } from './facts.ts'
import type { Finding } from './finding.ts'

const minuteMs = 60_000
/** A transaction that has been open for so long keeps vacuum from its work. */
const longTransactionMs = 5 * minuteMs
const deadRowsMax = 100_000
const slotBytesMax = 1024 ** 3

/** Whether rows of jobs that have gone are cleared away. */
export function upkeep(facts: Facts): Finding[] {
  const findings: Finding[] = []
  if (facts.settings.get('autovacuum') === 'off') {
    findings.push({
      topic: 'vacuum',
      level: 'problem',
      text: 'autovacuum is off: the tables grow with every job that was ever there, and get slower.',
      advice: 'ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();',
    })
  }
  if (facts.oldestTransactionMs > longTransactionMs) {
    findings.push({
      topic: 'vacuum',
      level: 'warning',
      text: `A transaction has been open for ${minutes(facts.oldestTransactionMs)}: until it ends, no row of a finished job can be cleared away.`,
      advice:
        'SELECT pid, state, xact_start, query FROM pg_stat_activity ORDER BY xact_start LIMIT 5; and end it with pg_terminate_backend(pid)',
    })
  }
  if (facts.preparedTransactions > 0) {
    findings.push({
      topic: 'vacuum',
      level: 'warning',
      text: `${facts.preparedTransactions} prepared transactions are open: until they end, no row can be cleared away.`,
      advice: 'SELECT * FROM pg_prepared_xacts; and COMMIT PREPARED or ROLLBACK PREPARED each',
    })
  }
  for (const { name, bytes } of facts.idleSlots) {
    if (bytes < slotBytesMax) continue
    findings.push({
      topic: 'vacuum',
      level: 'warning',
      text: `The replication slot ${name} is read by nobody and keeps ${gibibytes(bytes)} of the log: it fills the disk.`,
      advice: `bring its standby back, or SELECT pg_drop_replication_slot('${name}');`,
    })
  }
  for (const table of facts.tables) findings.push(...rowsOf(table))
  if (findings.every(({ level }) => level === 'fine' || level === 'note')) {
    const jobs = facts.tables.find(({ name }) => name === 'jobs')
    const size =
      jobs === undefined
        ? ''
        : `: jobs has ${jobs.liveRows} rows, ${jobs.deadRows} to be cleared away, ${megabytes(jobs.bytes)} and ${megabytes(jobs.indexBytes)} of indexes`
    findings.push({ topic: 'vacuum', level: 'fine', text: `Tables are cleared up${size}.` })
  }
  return findings
}

function rowsOf({ name, liveRows, deadRows, vacuumedMsAgo }: TableFacts): Finding[] {
  if (deadRows <= deadRowsMax || deadRows <= liveRows) return []
  const last = vacuumedMsAgo === undefined ? 'never was there' : `was there ${minutes(vacuumedMsAgo)} ago`
  return [
    {
      topic: 'vacuum',
      level: 'warning',
      text: `The table ${name} has ${deadRows} rows of jobs that have gone, and ${liveRows} of others: autovacuum ${last} and does not keep up.`,
      advice: 'raise autovacuum_max_workers or autovacuum_vacuum_cost_limit; VACUUM geartrain.jobs; helps at once',
    },
  ]
}

function minutes(ms: number): string {
  return ms < 2 * minuteMs ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / minuteMs)} min`
}

function gibibytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}
