import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'

/** PostgreSQL 14 is the oldest that is known to work. */
const versionMin = 140_000
const slowTripMs = 5
const slowCommitMs = 50
const largeSkewMs = 1000
/** Two a server, and some for people. */
const connectionsLeftMin = 10

/** Where the database is, what it is and how quickly it answers. */
export function setting(facts: Facts): Finding[] {
  return [...connection(facts), version(facts), ...schema(facts), ...servers(facts), ...latency(facts), clock(facts)]
}

function connection({ isTls, isPooled, settings, connectionCount }: Facts): Finding[] {
  const findings: Finding[] = [
    { topic: 'connection', level: 'fine', text: `The database answers${isTls ? ', over TLS' : ', without TLS'}.` },
  ]
  if (isPooled) {
    findings.push({
      topic: 'connection',
      level: 'warning',
      text: 'A pooler gives each transaction another connection: wake-ups do not come, and jobs of other servers are found by asking, once a second.',
      advice: 'let servers connect to the database itself, or to a pooler in session mode',
    })
  }
  const max = Number(settings.get('max_connections') ?? 0)
  if (max > 0 && max - connectionCount < connectionsLeftMin) {
    findings.push({
      topic: 'connection',
      level: 'warning',
      text: `${connectionCount} of ${max} connections are in use. Each server takes two.`,
      advice:
        'raise max_connections, or see who holds them: SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1;',
    })
  }
  for (const name of ['statement_timeout', 'transaction_timeout', 'lock_timeout']) {
    const value = settings.get(name) ?? '0'
    if (value === '0') continue
    findings.push({
      topic: 'connection',
      level: 'note',
      text: `${name} is ${value} ms for this user: a batch that takes longer is done again.`,
    })
  }
  return findings
}

function version(facts: Facts): Finding {
  const isKnown = facts.versionNumber >= versionMin
  return {
    topic: 'version',
    level: isKnown ? 'fine' : 'problem',
    text: `PostgreSQL ${facts.version}.`,
    ...(isKnown ? {} : { advice: 'use PostgreSQL 14 or a later one' }),
  }
}

function schema({ schema: found }: Facts): Finding[] {
  if (found === undefined) {
    return [{ topic: 'schema', level: 'note', text: 'There is no schema geartrain yet: the first server makes it.' }]
  }
  const findings: Finding[] = []
  const { missingIndexes, invalidIndexes, closedTables } = found
  if (missingIndexes.length > 0) {
    findings.push({
      topic: 'schema',
      level: 'problem',
      text: `Indexes are missing: ${missingIndexes.join(', ')}. Without them jobs are looked for in the whole table, or a unique is there twice.`,
      advice: 'CREATE them as docs/cluster.md shows, or restore the schema from a backup',
    })
  }
  if (invalidIndexes.length > 0) {
    findings.push({
      topic: 'schema',
      level: 'problem',
      text: `Indexes are there and not in use, since they could not be built: ${invalidIndexes.join(', ')}.`,
      advice: invalidIndexes.map((name) => `REINDEX INDEX CONCURRENTLY geartrain.${name};`).join(' '),
    })
  }
  if (closedTables.length > 0) {
    findings.push({
      topic: 'schema',
      level: 'problem',
      text: `This user may not read and write ${closedTables.join(', ')}.`,
      advice:
        'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA geartrain TO the user; GRANT USAGE ON ALL SEQUENCES IN SCHEMA geartrain TO the user',
    })
  }
  if (findings.length > 0) return findings
  return [
    {
      topic: 'schema',
      level: 'fine',
      text: `The schema geartrain has version ${found.version}, with all its indexes.`,
    },
  ]
}

function servers({ servers: all, schema: found }: Facts): Finding[] {
  if (found === undefined) return []
  const alive = all.filter(({ leaseMs }) => leaseMs > 0)
  if (alive.length === 0) {
    return [{ topic: 'servers', level: 'note', text: 'No server uses it at this moment.' }]
  }
  const names = alive.map(({ name, isLeader }) => (isLeader ? `${name} (leads)` : name)).join(', ')
  return [
    {
      topic: 'servers',
      level: alive.length === 1 ? 'note' : 'fine',
      text:
        alive.length === 1
          ? `One server uses it: ${names}. If it stops, jobs wait until it or another one is there.`
          : `${alive.length} servers use it: ${names}. If one stops, its jobs go to the others when its lease is over.`,
    },
  ]
}

function latency({ roundTripMs, commitMs }: Facts): Finding[] {
  const commit = `a commit ${milliseconds(commitMs.median)}, the slowest of the sample ${milliseconds(commitMs.slowest)}`
  const findings: Finding[] = [
    {
      topic: 'latency',
      level: commitMs.median > slowCommitMs ? 'warning' : 'fine',
      text: `A round trip takes ${milliseconds(roundTripMs)}, ${commit}: every background submission waits for one.`,
      ...(commitMs.median > slowCommitMs
        ? { advice: 'look at the disk of the log (pg_wal) and at how far away the synchronous standby is' }
        : {}),
    },
  ]
  if (roundTripMs > slowTripMs) {
    findings.push({
      topic: 'latency',
      level: 'note',
      text: 'The database is far away: put servers near it, clients and workers may be elsewhere.',
    })
  }
  return findings
}

function clock({ clockAheadMs, clockErrorMs }: Facts): Finding {
  const skew = Math.abs(clockAheadMs)
  const direction = clockAheadMs < 0 ? 'behind' : 'ahead of'
  const isLarge = skew > largeSkewMs
  return {
    topic: 'clock',
    level: isLarge ? 'note' : 'fine',
    text:
      skew <= clockErrorMs
        ? "The database's clock and this machine's agree."
        : `The database's clock is ${milliseconds(skew)} ${direction} this machine's. Servers go by the database's, so jobs are not affected.`,
    ...(isLarge ? { advice: 'let a time service (chrony, systemd-timesyncd) set both' } : {}),
  }
}

function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}
