import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from '../peers.ts'
import { baseBackup } from './base-backup.ts'
import { type Binaries, binaries } from './binaries.ts'
import { eventually } from './eventually.ts'
import { ownFolder } from './own-folder.ts'
import { freeze, killFrozen, thaw } from './process-tree.ts'
import { asFile, type Settings, usualSettings } from './settings.ts'

const run = promisify(execFile)
const launchesMax = 5
const queryMs = 30_000
// Whoever has the port may never answer.
const greetingMs = 1000
const shutdownMs = 20_000

export type StandbyOptions = {
  /** Its name in `pg_stat_replication` and `synchronous_standby_names`. */
  readonly name: string
  /** Commits then wait for it, or for another synchronous one: any of them. */
  readonly synchronous?: boolean
  /** Over those of the primary. */
  readonly settings?: Settings
  /** Where it finds the primary, if not directly: the port of a proxy. */
  readonly primaryPort?: number
}

export type FreshDatabase = { readonly name: string; readonly url: string }

/** A real PostgreSQL with a data directory of its own, whose user `postgres` anybody on this machine can be. */
export class PostgresProcess implements AsyncDisposable {
  readonly #binaries: Binaries
  readonly #folder: string
  readonly #settings: Settings
  #port: number
  #child: ChildProcess | undefined
  #synchronous: readonly string[] = []

  private constructor(programs: Binaries, folder: string, settings: Settings, port: number) {
    this.#binaries = programs
    this.#folder = folder
    this.#settings = settings
    this.#port = port
  }

  /** One that takes connections. `settings` are as in postgresql.conf, over the usual ones. */
  static async start({ settings = {} }: { readonly settings?: Settings } = {}): Promise<PostgresProcess> {
    const started = await PostgresProcess.#prepare({ ...usualSettings, ...settings })
    const { initdb, owner } = started.#binaries
    const flags = ['--username=postgres', '--auth=trust', '--no-sync', '--locale=C', '--encoding=UTF8']
    await run(initdb, [...flags, `--pgdata=${started.dataDirectory}`], { cwd: '/', env: {}, ...owner })
    return started.#launchOrRemove()
  }

  get port(): number {
    return this.#port
  }

  /** Of the postmaster; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  get dataDirectory(): string {
    return join(this.#folder, 'data')
  }

  url(database = 'postgres', port: number = this.#port): string {
    return `postgres://postgres@127.0.0.1:${port}/${database}`
  }

  /** What it has logged since it was made. */
  log(): Promise<string> {
    return readFile(join(this.#folder, 'log'), 'utf8')
  }

  /** A session, for the caller to end. One that breaks while nobody waits for it is no error. */
  async connect(database = 'postgres', waitMs: number = queryMs): Promise<pg.Client> {
    const connectionString = this.url(database)
    const client = new pg.Client({ connectionString, connectionTimeoutMillis: waitMs, query_timeout: waitMs })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  /** The rows, by a session of its own. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = [], database?: string): Promise<Row[]> {
    const session = await this.connect(database)
    try {
      return (await session.query<Row>(sql, values)).rows
    } finally {
      await session.end()
    }
  }

  /** An empty one, with a name that no other has. */
  async createDatabase(): Promise<FreshDatabase> {
    const name = `fresh_${randomBytes(6).toString('hex')}`
    await this.query(`CREATE DATABASE ${name} TEMPLATE template0`)
    return { name, url: this.url(name) }
  }

  /** With all sessions in it. */
  async dropDatabase(name: string): Promise<void> {
    await this.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`)
  }

  /** Ends all sessions and writes everything to disk. */
  async stop(): Promise<void> {
    await this.#end('SIGINT')
  }

  /** Kills the postmaster and all backends at one instant. What a machine that dies does not do: the sessions hear of it. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    const ended = eventually('PostgreSQL has ended', () => this.#child === undefined || undefined)
    if (process.platform === 'linux') await killFrozen(await freeze(child.pid))
    else child.kill('SIGKILL')
    await ended
    // A machine that dies leaves no shared memory either. Its id is the last number of the seventh line.
    const lines = (await readFile(join(this.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')
    const memory = lines[6]?.trim().split(/\s+/)[1]
    if (memory !== undefined) await run('ipcrm', ['-m', memory]).catch(() => {})
  }

  /** After `stop` or `kill`: on the same data and the same port. */
  async startAgain(): Promise<void> {
    if (this.#child !== undefined) throw new Error('this PostgreSQL runs: stop or kill it first')
    await this.#launch(false)
  }

  /** All of its processes stand still, with locks, connections and all. */
  async pause(): Promise<void> {
    if (this.pid === undefined) throw new Error('this PostgreSQL does not run')
    await freeze(this.pid)
  }

  resume(): void {
    if (this.pid !== undefined && process.platform === 'linux') thaw(this.pid)
  }

  /** Stops it, whatever it does, and removes its data. */
  async remove(): Promise<void> {
    await this.#end('SIGQUIT')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove()
  }

  /** Another one that follows this one, as soon as it is in step. Removed by the caller. */
  async addStandby(options: StandbyOptions): Promise<PostgresProcess> {
    const { name, synchronous = false, settings = {}, primaryPort = this.#port } = options
    const primary_conninfo = `host=127.0.0.1 port=${primaryPort} user=postgres application_name=${name}`
    const standby = await PostgresProcess.#prepare({ ...this.#settings, ...settings, primary_conninfo })
    await baseBackup(this, standby.dataDirectory, this.#binaries.owner)
    await standby.#write('data/standby.signal', '')
    await standby.#launchOrRemove()
    try {
      await this.#untilStreaming([name], ['async', 'potential', 'quorum', 'sync'])
      if (synchronous) await this.setSynchronousStandbys([...this.#synchronous, name])
      return standby
    } catch (error) {
      await standby.remove()
      throw error
    }
  }

  /** From now on commits wait for any one of these; for none if there are no names. Until that is so. */
  async setSynchronousStandbys(names: readonly string[]): Promise<void> {
    const list = names.length === 0 ? '' : `ANY 1 (${names.map((name) => pg.escapeIdentifier(name)).join(', ')})`
    await this.query(`ALTER SYSTEM SET synchronous_standby_names = ${pg.escapeLiteral(list)}`)
    await this.query('SELECT pg_reload_conf()')
    this.#synchronous = names
    await this.#untilStreaming(names, ['quorum', 'sync'])
  }

  /** Makes a standby a primary of its own, whose commits wait for nobody. The one it followed is not told. */
  async promote(): Promise<void> {
    await this.query('SELECT pg_promote()')
    if (await this.isInRecovery()) throw new Error(`PostgreSQL was not promoted:\n${await this.#lastOfLog()}`)
  }

  async isInRecovery(): Promise<boolean> {
    const [row] = await this.query<{ readonly is: boolean }>('SELECT pg_is_in_recovery() AS is')
    return row?.is === true
  }

  static async #prepare(settings: Settings): Promise<PostgresProcess> {
    const programs = await binaries()
    const folder = await ownFolder()
    if (programs.owner !== undefined) await chown(folder, programs.owner.uid, programs.owner.gid)
    return new PostgresProcess(programs, folder, settings, await freePort())
  }

  async #launchOrRemove(): Promise<this> {
    try {
      await this.#launch(true)
      return this
    } catch (error) {
      await this.remove()
      throw error
    }
  }

  async #launch(mayMove: boolean): Promise<void> {
    await this.#write('data/postgresql.conf', asFile({ ...this.#settings, unix_socket_directories: this.#folder }))
    for (let launches = 1; ; launches++) {
      await this.#spawn()
      const problem = await eventually('PostgreSQL takes connections', () => this.#answers())
      if (problem === 'none') return
      // Somebody else took the port meanwhile; or those who were killed are not quite gone.
      const isPortTaken = /could not bind/.test(problem)
      const mayPass = isPortTaken ? mayMove : /shared memory block/.test(problem)
      if (!mayPass || launches === launchesMax) throw new Error(`PostgreSQL did not start:\n${problem}`)
      if (isPortTaken) this.#port = await freePort()
    }
  }

  async #spawn(): Promise<void> {
    const { postgres, owner } = this.#binaries
    const log = await open(join(this.#folder, 'log'), 'a')
    const stdio = ['ignore' as const, log.fd, log.fd]
    const args = ['-D', this.dataDirectory, '-p', String(this.#port)]
    const child = spawn(postgres, args, { cwd: '/', env: { LC_ALL: 'C' }, stdio, ...owner })
    this.#child = child
    child.once('exit', () => {
      this.#child = undefined
    })
    await log.close()
  }

  /** 'none' if it takes connections; the end of its log if it has ended; undefined while neither is so. */
  async #answers(): Promise<string | undefined> {
    if (this.#child === undefined) return this.#lastOfLog()
    try {
      const session = await this.connect('postgres', greetingMs)
      try {
        // Another PostgreSQL may have the port.
        const sql = `SELECT current_setting('data_directory') AS data`
        const { rows } = await session.query<{ readonly data: string }>(sql)
        return rows[0]?.data === this.dataDirectory ? 'none' : undefined
      } finally {
        await session.end()
      }
    } catch {
      return undefined
    }
  }

  async #lastOfLog(): Promise<string> {
    return (await this.log()).split('\n').slice(-20).join('\n')
  }

  async #untilStreaming(names: readonly string[], states: readonly string[]): Promise<void> {
    const sql = `SELECT 1 FROM pg_stat_replication
      WHERE state = 'streaming' AND application_name = ANY($1) AND sync_state = ANY($2)`
    await eventually(`${names.join(', ')} follow as ${states.join(' or ')}`, async () => {
      return (await this.query(sql, [names, states])).length >= names.length || undefined
    })
  }

  async #end(name: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.resume()
    child.kill(name)
    // A primary that shuts down waits for standbys to have everything, which those that are paused never have.
    const impatience = setTimeout(() => child.kill('SIGQUIT'), shutdownMs)
    await eventually('PostgreSQL has ended', () => this.#child === undefined || undefined).finally(() =>
      clearTimeout(impatience),
    )
  }

  async #write(path: string, text: string): Promise<void> {
    const file = join(this.#folder, path)
    await writeFile(file, text, { mode: 0o600 })
    const { owner } = this.#binaries
    if (owner !== undefined) await chown(file, owner.uid, owner.gid)
  }
}
