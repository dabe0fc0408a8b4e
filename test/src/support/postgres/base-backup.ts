import { chown, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { copyTree, type Owner } from './copy-tree.ts'
import type { PostgresProcess } from './postgres-process.ts'

/** What a copy must not have, or what every start makes anew, by PostgreSQL's chapter on low-level base backups. */
const leftOut = new Set(['postmaster.pid', 'postmaster.opts', 'postgresql.auto.conf', 'backup_label'])
const leftEmpty = new Set(
  'pg_wal pg_replslot pg_dynshmem pg_notify pg_serial pg_snapshots pg_stat_tmp pg_subtrans'.split(' '),
)

/** Copies the data of a server that runs, as npm's binaries have no pg_basebackup. What it wrote meanwhile a standby asks for. */
export async function baseBackup(primary: PostgresProcess, to: string, owner: Owner | undefined): Promise<void> {
  const session = await primary.connect()
  try {
    const { rows: versions } = await session.query<{ readonly is: number }>(
      `SELECT current_setting('server_version_num')::int AS is`,
    )
    const isBefore15 = (versions[0]?.is ?? 0) < 150_000
    await session.query(isBefore15 ? `SELECT pg_start_backup('x', true, false)` : `SELECT pg_backup_start('x', true)`)
    await copyTree(
      primary.dataDirectory,
      to,
      owner,
      (path) => leftOut.has(path) || leftEmpty.has(dirname(path)) || path.endsWith('/pg_internal.init'),
    )
    const { rows: labels } = await session.query<{ readonly labelfile: string }>(
      `SELECT labelfile FROM ${isBefore15 ? 'pg_stop_backup(false, false)' : 'pg_backup_stop(false)'}`,
    )
    const file = join(to, 'backup_label')
    await writeFile(file, labels[0]?.labelfile ?? '', { mode: 0o600 })
    if (owner !== undefined) await chown(file, owner.uid, owner.gid)
  } finally {
    await session.end()
  }
}
