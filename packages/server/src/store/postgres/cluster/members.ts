import type { ClusterServer, ServerReport } from '../../cluster.ts'
import { Lease } from '../lease.ts'
import type { Link, Statement } from '../link.ts'
import { LeaseLost } from './lease-lost.ts'

/** Those that are in the middle of a batch hold their rows, and are alive. */
const markEnded: Statement = {
  name: 'members_mark_ended',
  text: `
    UPDATE geartrain.servers SET ended = true WHERE id IN (
      SELECT id FROM geartrain.servers WHERE NOT ended AND lease_until < clock_timestamp() AND id <> $1
      ORDER BY id FOR UPDATE SKIP LOCKED)`,
}

const read: Statement = {
  name: 'members_read',
  text: `
    SELECT s.id, s.name, (extract(epoch FROM s.lease_until) * 1000)::float8, l.server_id IS NOT NULL, r.body::text
    FROM geartrain.servers s
    LEFT JOIN geartrain.reports r ON r.server_id = s.id AND $1
    LEFT JOIN geartrain.roles l ON l.server_id = s.id AND l.role = 'leader'
    WHERE NOT s.ended ORDER BY s.id`,
}

/** Of the table that does not survive a crash of the database. */
const say: Statement = {
  name: 'members_say',
  text: `
    INSERT INTO geartrain.reports (server_id, body) VALUES ($1, $2::jsonb)
    ON CONFLICT (server_id) DO UPDATE SET body = excluded.body WHERE reports.body <> excluded.body`,
}

const lead: Statement = {
  name: 'members_lead',
  text: `
    INSERT INTO geartrain.roles AS held (role, server_id)
    SELECT 'leader', id FROM geartrain.servers WHERE id = $1 AND NOT ended
    ON CONFLICT (role) DO UPDATE SET server_id = excluded.server_id
    WHERE NOT EXISTS (SELECT FROM geartrain.servers s WHERE s.id = held.server_id AND NOT s.ended)`,
}

/** The servers of the cluster: their leases, what they say of themselves, and which of them leads. */
export class Members {
  /** Whose leases have ended and whose jobs may still bear their ids. */
  ended: readonly number[] = []
  servers: readonly ClusterServer[] = []
  readonly #serverId: number
  readonly #leaseMs: number
  /** As they were read last. */
  #reports = new Map<number, ServerReport>()

  constructor(serverId: number, leaseMs: number) {
    this.#serverId = serverId
    this.#leaseMs = leaseMs
  }

  get isLeader(): boolean {
    return this.servers.some((server) => server.isSelf && server.isLeader)
  }

  /** Throws LeaseLost. */
  async renew(link: Link): Promise<void> {
    if (!(await Lease.renew(link, this.#serverId, this.#leaseMs))) throw new LeaseLost()
  }

  async say(link: Link, report: ServerReport): Promise<void> {
    await link.run(say, this.#serverId, JSON.stringify(report))
  }

  /**
   * Leases that are over are ended, and if nobody leads this server does. What servers say is read only on request. True:
   * some have come or gone, or another one leads.
   */
  async look(link: Link, withReports: boolean): Promise<boolean> {
    const marked = link.run(markEnded, this.#serverId)
    const [{ rows }, ended] = await Promise.all([
      link.run<[number, string, number, boolean, string | null]>(read, withReports),
      Lease.readEnded(link),
      marked,
    ])
    this.ended = ended
    // Servers wrote it, of this version or another.
    if (withReports)
      this.#reports = new Map(
        rows.flatMap(([id, , , , body]) => (body === null ? [] : [[id, JSON.parse(body) as ServerReport]])),
      )
    const isLed = rows.some(([, , , isLeader]) => isLeader)
    const leads = !isLed && (await link.run(lead, this.#serverId)).count > 0
    const before = this.servers.map(toPlace).join()
    this.servers = rows.map(([id, name, leaseUntil, isLeader]) => {
      const isSelf = id === this.#serverId
      // All have leases of one length.
      const seenAt = leaseUntil - this.#leaseMs
      return { id, name, isSelf, isLeader: isLeader || (isSelf && leads), seenAt, report: this.#reports.get(id) }
    })
    return this.servers.map(toPlace).join() !== before
  }
}

function toPlace({ id, isLeader }: ClusterServer): string {
  return `${id}${isLeader ? ' leads' : ''}`
}
