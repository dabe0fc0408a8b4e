import type { Connections } from '../connections.ts'
import { version } from '../version.ts'
import { type Exposition, labels } from './exposition.ts'
import type { Figures } from './figures.ts'
import { batchBounds } from './store-stats.ts'

/** What is told of the server as a whole. */
export function serverFamilies(out: Exposition, figures: Figures): string {
  const { engine, connections, health } = figures
  out.family('geartrain_build_info', 'gauge', 'Always 1: what runs.')
  out.sample('geartrain_build_info', labels({ version, node: process.version }), 1)
  const isReady = health.reasons.length === 0
  gauge(out, 'geartrain_ready', '1 if it takes jobs and gives them out, as /readyz says.', isReady ? 1 : 0)
  gauge(out, 'geartrain_draining', '1 while it is stopping.', health.isStopping ? 1 : 0)
  gauge(out, 'geartrain_functions', 'Functions that it knows.', Array.from(engine.functions()).length)
  gauge(out, 'geartrain_jobs_in_memory', 'Jobs that are in memory.', engine.jobCount)
  const { workers, clients } = countConnections(connections)
  out.family('geartrain_connections', 'gauge', 'Connections; a worker is one that can do a function.')
  out.sample('geartrain_connections', labels({ kind: 'worker' }), workers)
  out.sample('geartrain_connections', labels({ kind: 'client' }), clients)
  const { bytesIn, bytesOut } = connections.traffic
  counter(out, 'geartrain_received_bytes_total', 'Bytes that connections have brought.', bytesIn)
  counter(out, 'geartrain_sent_bytes_total', 'Bytes that connections were sent.', bytesOut)
  if (figures.store !== undefined) writeStore(out, figures.store)
  return out.take()
}

export function countConnections(connections: Connections): { readonly workers: number; readonly clients: number } {
  let workers = 0
  for (const { session } of connections) if (session.abilities.next().done !== true) workers++
  return { workers, clients: connections.size - workers }
}

function writeStore(out: Exposition, { name, stats, journal }: NonNullable<Figures['store']>): void {
  out.family('geartrain_store_info', 'gauge', 'Always 1: where jobs are kept.')
  out.sample('geartrain_store_info', labels({ kind: name.split(':', 1)[0] ?? name }), 1)
  gauge(
    out,
    'geartrain_store_failing',
    '1 while it does not work, and until it has worked for 10 s on end; a database that was lost, until it is found again.',
    journal.trouble === undefined ? 0 : 1,
  )
  gauge(out, 'geartrain_store_committing', '1 while it is at work.', journal.isCommitting ? 1 : 0)
  const { additions, bytes } = journal.unkept
  gauge(out, 'geartrain_store_unkept_jobs', 'New jobs that are not kept yet.', additions)
  gauge(out, 'geartrain_store_unkept_bytes', 'What they and all else that is not kept yet take in memory.', bytes)
  counter(out, 'geartrain_store_commit_failures_total', 'Batches that were not kept.', stats.failures)
  out.family('geartrain_store_commit_seconds', 'histogram', 'How long a batch took to be kept.')
  out.times('geartrain_store_commit_seconds', '', stats.times, 0)
  out.family('geartrain_store_batch_writes', 'histogram', 'Writes in a batch; one without any has only asked.')
  out.sizes('geartrain_store_batch_writes', '', stats.sizes, batchBounds)
}

function gauge(out: Exposition, name: string, help: string, value: number): void {
  out.family(name, 'gauge', help)
  out.sample(name, '', value)
}

function counter(out: Exposition, name: string, help: string, value: number): void {
  out.family(name, 'counter', help)
  out.sample(name, '', value)
}
