import { parseAddress, toText } from '../address.ts'
import { Connection, type ConnectionOptions } from '../connection.ts'
import { adviceOn } from '../failure.ts'
import { DatabaseError } from '../link.ts'
import { diagnose } from './doctor.ts'
import type { Finding } from './finding.ts'

/** A host of the URL, as it was found. */
export interface HostReport {
  readonly host: string
  /** `refusing`: PostgreSQL is there, and does not let us into this database. */
  readonly role: 'primary' | 'standby' | 'refusing' | 'unreachable'
  /** Why it could not be looked at. */
  readonly error: string | undefined
}

export interface Examination {
  /** Without a password. */
  readonly database: string
  readonly hosts: readonly HostReport[]
  readonly findings: readonly Finding[]
}

/** An SQLSTATE, and no error of Node's, which begins with E. */
const saysDatabase = /^(?!E)[0-9A-Z]{5}$/

const options: ConnectionOptions = {
  applicationName: 'geartrain doctor',
  idleMsMax: 10_000,
  patienceMs: 30_000,
  onBroken() {},
}

/**
 * Looks at the database that a URL points to, and at each of its hosts. Nothing is changed there. Rejects with a
 * StoreError if the URL is none.
 */
export async function examine(url: string): Promise<Examination> {
  const address = parseAddress(url)
  const hosts: HostReport[] = []
  const findings: Finding[] = []
  let isExamined = false
  for (const host of address.hosts) {
    const name = toText(host)
    try {
      const connection = await Connection.open(address, host, options)
      try {
        const isStandby = await isInRecovery(connection)
        hosts.push({ host: name, role: isStandby ? 'standby' : 'primary', error: undefined })
        if (isStandby || isExamined) continue
        isExamined = true
        findings.push(...(await diagnose(connection, connection.isEncrypted)))
      } finally {
        await connection.close()
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      hosts.push({
        host: name,
        role: saysDatabase.test(error.code) ? 'refusing' : 'unreachable',
        error: `${adviceOn(error.code)} (${error.code}: ${error.message})`,
      })
    }
  }
  return { database: address.name, hosts, findings: [...findingsOf(hosts), ...findings] }
}

async function isInRecovery(connection: Connection): Promise<boolean> {
  const { rows } = await connection.run<[boolean]>({ name: '', text: 'SELECT pg_is_in_recovery()' })
  return rows[0]?.[0] === true
}

/** What follows from where the hosts are. */
function findingsOf(hosts: readonly HostReport[]): Finding[] {
  const findings = hosts.flatMap(({ host, role, error }): Finding[] => {
    if (error === undefined) return []
    const what = role === 'refusing' ? 'does not take the connection' : "can't be reached"
    return [{ topic: 'connection', level: 'problem', text: `${host} ${what}: ${error}.` }]
  })
  const primaries = hosts.filter(({ role }) => role === 'primary')
  if (primaries.length === 0 && hosts.some(({ role }) => role === 'standby')) {
    findings.push({
      topic: 'connection',
      level: 'problem',
      text: 'No host of the URL takes writes: no background job can be submitted.',
      advice: 'promote a standby (SELECT pg_promote()), or name the primary in the URL',
    })
  } else if (primaries.length === 0) {
    findings.push({
      topic: 'connection',
      level: 'problem',
      text: 'No host of the URL can be used: no background job can be submitted.',
    })
  } else if (primaries.length > 1) {
    findings.push({
      topic: 'connection',
      level: 'problem',
      text: `${primaries.map(({ host }) => host).join(' and ')} take writes: these are different databases, and servers may end up with either.`,
      advice: 'shut down the one that was replaced, and make it a standby of the other',
    })
  } else if (hosts.length === 1) {
    findings.push({
      topic: 'connection',
      level: 'note',
      text: 'The URL names one host: after a failover to another machine, servers find it only if the name leads there.',
      advice: 'name all hosts that can be primary: postgres://one,two/database',
    })
  }
  return findings
}
