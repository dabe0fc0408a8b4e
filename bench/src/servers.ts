import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { answering, firstMatch, freePort, type Ports, type Server, start } from './child.ts'
import { compile } from './native.ts'
import { bullmqLoad, libraryVersions, packageVersions, queueLoad, versionOf } from './peers.ts'
import { postgresVersion, startPostgres } from './postgres.ts'
import type { Row } from './rows.ts'

/** Without a second word, what the server is by itself: ours keeps its jobs on disk, gearmand in memory. */
export const serverNames = [
  'geartrain',
  'geartrain memory',
  'geartrain attempts',
  'geartrain limits',
  'geartrain results',
  'gearmand',
  'gearmand sqlite',
  'bullmq',
  'bullmq everysec',
  'floor',
  'geartrain http',
  'geartrain memory http',
  'geartrain http idle',
  'gearmand http',
  'bare http',
  'geartrain postgres',
  'geartrain postgres x2',
  'graphile-worker',
  'pg-boss',
] as const
export type ServerName = (typeof serverNames)[number]

/** The directory is the server's own, and may be one that it has used before; the queue is how many jobs it is to hold. */
export interface Place {
  readonly directory: string
  readonly queued: number
}

interface Kind {
  /** Resolves when it takes jobs. */
  start(place: Place): Promise<Server>
  /** The load generator that speaks its language, as a command. */
  load(row: Row): Promise<readonly string[]>
  /** The versions of what it needs, by name; rejects with a sentence that says what is not here. */
  versions(): Promise<Readonly<Record<string, string>>>
  /** Writes a queue of jobs with distinct uniques before the start, where submitting them would take hours. */
  writeQueue?(place: Place, payloadBytes: number): Promise<void>
}

export const servers: Readonly<Record<ServerName, Kind>> = {
  geartrain: {
    start: ({ directory }) => startGeartrain(`sqlite:${directory}/geartrain.db`),
    load: async (row) => (row.mode === 'queue' ? queueLoad('geartrain') : gearmanLoad()),
    versions: none,
  },
  'geartrain memory': { start: () => startGeartrain('memory'), load: gearmanLoad, versions: none },
  'geartrain attempts': withPolicy('attempts = 5\ntimeout = "1m"'),
  'geartrain limits': withPolicy('concurrency = 1000\nrate = 1_000_000\nrate-burst = 1_000_000'),
  'geartrain results': withPolicy('keep-results = "1h"'),
  gearmand: { start: startGearmand, load: gearmanLoad, versions: gearmandVersions },
  'gearmand sqlite': {
    start: startGearmandSqlite,
    load: gearmanLoad,
    versions: async () => ({ ...(await gearmandVersions()), ...(await sqliteVersions()) }),
    writeQueue: writeGearmandQueue,
  },
  bullmq: { start: (place) => startRedis(place, 'always'), load: bullmqLoader, versions: bullmqVersions },
  'bullmq everysec': {
    start: (place) => startRedis(place, 'everysec'),
    load: bullmqLoader,
    versions: bullmqVersions,
  },
  floor: { start: startFloor, load: gearmanLoad, versions: none },
  'geartrain http': {
    start: ({ directory }) => startGeartrainHttp(`sqlite:${directory}/geartrain.db`),
    load: ourHttpLoad,
    versions: none,
  },
  'geartrain memory http': { start: () => startGeartrainHttp('memory'), load: ourHttpLoad, versions: none },
  'geartrain http idle': {
    start: async () => {
      const { httpPort: _, ...server } = await startGeartrainHttp('memory')
      return server
    },
    load: gearmanLoad,
    versions: none,
  },
  'gearmand http': {
    start: startGearmandHttp,
    load: async ({ mode }) => {
      const header = mode === 'background' ? ['header=X-Gearman-Background: true'] : []
      return [...httpLoad, 'path=/bench', 'keepAlive=0', ...header]
    },
    versions: gearmandVersions,
  },
  'bare http': { start: startBareHttp, load: ourHttpLoad, versions: none },
  'geartrain postgres': {
    start: () => startOnPostgres(1),
    load: async () => queueLoad('geartrain'),
    versions: postgresVersions,
  },
  'geartrain postgres x2': {
    start: () => startOnPostgres(2),
    load: async () => queueLoad('geartrain'),
    versions: postgresVersions,
  },
  'graphile-worker': onPostgres('graphile-worker'),
  'pg-boss': onPostgres('pg-boss'),
}

async function none(): Promise<Record<string, string>> {
  return {}
}

async function gearmanLoad(): Promise<readonly string[]> {
  return [await compile('load')]
}

// ---- geartrain ----

/** Every function has it. */
function withPolicy(toml: string): Kind {
  return {
    start: async ({ directory }) => {
      const config = `${directory}/geartrain.toml`
      await writeFile(config, `[functions."*"]\n${toml}\n`)
      return startGeartrain(`sqlite:${directory}/geartrain.db`, '--config', config)
    },
    load: gearmanLoad,
    versions: none,
  }
}

const command = fileURLToPath(new URL('../../packages/cli/bin/geartrain.js', import.meta.url))

async function startGeartrain(store: string, ...more: readonly string[]): Promise<Server> {
  const flags = ['serve', '--port', '0', '--http', 'off', '--store', store, '--log-format', 'json', ...more]
  // Ten million jobs, the default, and those that come while they are queued.
  flags.push('--jobs-per-function-max', '16000000')
  return start(process.execPath, [command, ...flags], (child) => firstMatch(child.stderr, portOfReadyLine))
}

function portOfReadyLine(line: string): number | undefined {
  if (!line.startsWith('{')) return undefined
  const { msg, port } = JSON.parse(line) as { msg?: unknown; port?: unknown }
  return typeof msg === 'string' && msg.startsWith('ready') && typeof port === 'number' ? port : undefined
}

/** With its HTTP side. */
async function startGeartrainHttp(store: string): Promise<Server> {
  const flags = ['serve', '--port', '0', '--http', '0', '--store', store, '--log-format', 'json']
  return start(process.execPath, [command, ...flags], (child) => firstMatch(child.stderr, portsOfReadyLine))
}

function portsOfReadyLine(line: string): Ports | undefined {
  const port = portOfReadyLine(line)
  if (port === undefined) return undefined
  const { http } = JSON.parse(line) as { http?: unknown }
  return { port, httpPort: Number(String(http).split(':').at(-1)) }
}

async function ourHttpLoad({ mode }: Row): Promise<readonly string[]> {
  return [...httpLoad, `path=/api/functions/bench/jobs${mode === 'foreground' ? '?wait' : ''}`]
}

const httpLoad = [process.execPath, fileURLToPath(new URL('http-load.js', import.meta.url))]

// ---- a handler that does nothing ----

async function startBareHttp(): Promise<Server> {
  const program = fileURLToPath(new URL('bare-http.js', import.meta.url))
  return start(process.execPath, [program], async (child) => {
    const port = await firstMatch(child.stdout, Number)
    return { port, httpPort: port }
  })
}

// ---- gearmand ----

async function startGearmandHttp(place: Place): Promise<Server> {
  const httpPort = await freePort()
  const server = await startGearmand(place, '--protocol', 'http', '--http-port', `${httpPort}`)
  return { ...server, httpPort }
}

async function gearmandVersions(): Promise<Record<string, string>> {
  const gearmand = await versionOf('gearmand', '--version', /^\s*gearmand (\S+)/m)
  if (gearmand === undefined) throw new Error('gearmand is not installed: apt-get install gearman-job-server')
  return { gearmand }
}

async function startGearmand({ directory }: Place, ...more: readonly string[]): Promise<Server> {
  const port = await freePort()
  // As it comes (four threads), but for a listen backlog in which 5,000 workers are not lost, and away from the files
  // of a gearmand that this machine may be running in earnest.
  const flags = ['--listen', '127.0.0.1', '--port', `${port}`, '--backlog', '4096', '--log-file', 'none']
  return start('gearmand', [...flags, '--pid-file', `${directory}/pid`, ...more], (child) =>
    answering(port, 'version\n', child),
  )
}

function gearmandQueue(directory: string): string {
  return `${directory}/gearmand.db`
}

async function startGearmandSqlite(place: Place): Promise<Server> {
  const flags = ['--queue-type', 'libsqlite3', '--libsqlite3-db', gearmandQueue(place.directory)]
  // With the 991 buckets that it has by itself it would search for half an hour while it reads five million jobs.
  if (place.queued > 0) flags.push('--hashtable-buckets', `${place.queued}`)
  return startGearmand(place, ...flags)
}

async function sqliteVersions(): Promise<Record<string, string>> {
  if ((await versionOf('sqlite3', '--version', /^(\S+)/)) === undefined) {
    throw new Error('sqlite3, which writes its long queues, is not installed: apt-get install sqlite3')
  }
  return {}
}

/** gearmand would take an hour and more for five million jobs. */
async function writeGearmandQueue({ directory, queued }: Place, payloadBytes: number): Promise<void> {
  const part = (bytes: number) => `hex(randomblob(${bytes}))`
  const uuid = `lower(printf('%s-%s-%s-%s-%s', ${part(4)}, ${part(2)}, ${part(2)}, ${part(2)}, ${part(6)}))`
  // In the order of the uniques, in which their index is written fastest.
  const script = `
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE gearman_queue (unique_key TEXT, function_name TEXT, priority INTEGER, data BLOB, when_to_run INTEGER,
      PRIMARY KEY (unique_key, function_name));
    INSERT INTO gearman_queue
      WITH RECURSIVE uniques (name) AS (SELECT ${uuid} UNION ALL SELECT ${uuid} FROM uniques LIMIT ${queued})
      SELECT name, 'bench', 1, CAST(printf('%.*c', ${payloadBytes}, 'x') AS BLOB), 0 FROM uniques ORDER BY name;`
  await promisify(execFile)('sqlite3', ['-bail', gearmandQueue(directory), script])
}

// ---- BullMQ ----

async function bullmqVersions(): Promise<Record<string, string>> {
  const redis = await versionOf('redis-server', '--version', /v=(\S+)/)
  if (redis === undefined) throw new Error('redis-server is not installed: apt-get install redis-server')
  return { redis, ...(await libraryVersions('bullmq')) }
}

async function bullmqLoader({ mode }: Row): Promise<readonly string[]> {
  return mode === 'queue' ? queueLoad('bullmq') : [process.execPath, bullmqLoad]
}

/** `always`: every command is on disk before it is answered. `everysec`: within the next second or two. */
async function startRedis({ directory }: Place, fsync: 'always' | 'everysec'): Promise<Server> {
  const port = await freePort()
  // The snapshots that it takes by itself would only slow it down.
  const flags = ['--appendonly', 'yes', '--appendfsync', fsync, '--save', '']
  return start('redis-server', ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', directory, ...flags], (child) =>
    answering(port, 'PING\r\n', child),
  )
}

// ---- PostgreSQL ----

async function postgresVersions(): Promise<Record<string, string>> {
  return { postgres: await postgresVersion() }
}

/** So many of our servers on one database. */
async function startOnPostgres(count: number): Promise<Server> {
  const database = await startPostgres()
  const store = `postgres://postgres@127.0.0.1:${database.port}/postgres`
  const [first, second] = await Promise.all(
    Array.from({ length: count }, (_, index) => startGeartrain(store, '--server-name', `bench-${index}`)),
  )
  if (first === undefined) throw new Error('no server was started')
  return {
    ...first,
    ...(second === undefined ? {} : { port2: second.port }),
    pgPort: database.port,
    stop: async () => {
      await Promise.all([first.stop(), second?.stop()])
      await database.stop()
    },
  }
}

/** A library whose jobs are in tables of its own. */
function onPostgres(library: 'graphile-worker' | 'pg-boss'): Kind {
  return {
    start: async () => {
      const database = await startPostgres()
      return { ...database, pgPort: database.port }
    },
    load: async () => queueLoad(library),
    versions: async () => ({ ...(await postgresVersions()), ...(await packageVersions(library)) }),
  }
}

// ---- floor ----

async function startFloor(): Promise<Server> {
  return start(await compile('floor'), [], (child) => firstMatch(child.stdout, (line) => Number(line)))
}
