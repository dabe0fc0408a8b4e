import { tmpdir } from 'node:os'
import { PostgresProcess } from '../../test/dist/support/postgres/postgres-process.js'
import type { Server } from './child.ts'
import { refuseMemory } from './disk.ts'

/** As it comes, where tests have less: on the disk before it is answered. */
const settings = {
  fsync: 'on',
  shared_buffers: '128MB',
  wal_keep_size: '0',
  // How many there are.
  shared_preload_libraries: 'pg_stat_statements',
}

/** An empty database of a server of its own, in the folder for temporary files: PostgreSQL does not run as root. */
export async function startPostgres(): Promise<Server> {
  await refuseMemory(tmpdir(), 'TMPDIR')
  const begin = performance.now()
  const database = await PostgresProcess.start({ settings })
  await database.query('CREATE EXTENSION pg_stat_statements')
  return {
    pid: database.pid ?? 0,
    port: database.port,
    startMs: performance.now() - begin,
    stop: () => database.remove(),
  }
}

export async function postgresVersion(): Promise<string> {
  await using database = await PostgresProcess.start()
  const [row] = await database.query<{ version: string }>("SELECT current_setting('server_version') AS version")
  return row?.version ?? 'of an unknown version'
}
