import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from './error.ts'
import { compile } from './native.ts'

export const serverNames = ['geartrain', 'gearmand', 'floor'] as const
export type ServerName = (typeof serverNames)[number]

/** A running server, for one row only: what an earlier row left in its memory must not slow a later one down. */
export interface Server {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** How each server is started; resolves when it takes connections. */
export const starters: Readonly<Record<ServerName, () => Promise<Server>>> = {
  geartrain: startGeartrain,
  gearmand: startGearmand,
  floor: startFloor,
}

const START_MS_MAX = 30_000
const STDERR_CHARS_KEPT = 2_000
const CONNECT_PAUSE_MS = 20

const children = new Set<Child>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** What `gearmand --version` calls itself, or undefined where it is not installed. */
export async function gearmandVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('gearmand', ['--version'])
    return /^\s*gearmand (\S+)/m.exec(stdout)?.[1] ?? 'of an unknown version'
  } catch {
    return undefined
  }
}

async function startGeartrain(): Promise<Server> {
  const command = fileURLToPath(new URL('../../packages/cli/bin/geartrain.js', import.meta.url))
  const flags = ['serve', '--port', '0', '--store', 'memory', '--log-format', 'json']
  return start(process.execPath, [command, ...flags], (child) => firstMatch(child.stderr, portOfReadyLine))
}

async function startGearmand(): Promise<Server> {
  const port = await freePort()
  const directory = await mkdtemp(`${tmpdir()}/geartrain-bench-`)
  // As it comes (four threads), but for a listen backlog in which 5,000 workers are not lost, and away from the files
  // of a gearmand that this machine may be running in earnest.
  const flags = ['--listen', '127.0.0.1', '--port', `${port}`, '--backlog', '4096', '--log-file', 'none']
  const server = await start('gearmand', [...flags, '--pid-file', `${directory}/pid`], (child) =>
    connectable(port, child),
  )
  const stop = async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
  return { ...server, stop }
}

async function startFloor(): Promise<Server> {
  return start(await compile('floor'), [], (child) => firstMatch(child.stdout, (line) => Number(line)))
}

type Child = ChildProcessByStdio<null, Readable, Readable>

/** Starts a command and waits until `ready` knows its port; one that ends before that, or takes too long, is an error. */
async function start(command: string, flags: string[], ready: (child: Child) => Promise<number>): Promise<Server> {
  const child = spawn(command, flags, { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString()}`.slice(-STDERR_CHARS_KEPT)
  })
  child.stdout.resume()
  try {
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(START_MS_MAX) })
    const port = await Promise.race([ready(child), ended])
    if (typeof port !== 'number' || child.pid === undefined) throw new Error('it ended')
    return { pid: child.pid, port, stop: () => stop(child) }
  } catch (error) {
    child.kill('SIGKILL')
    const why = complaint.trim() || messageOf(error)
    throw new Error(`${[command, ...flags].join(' ')} did not start: ${why}`, { cause: error })
  }
}

/** Killed and not asked: nobody needs what is in it, and a million jobs take their time to be freed one by one. */
async function stop(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  // A process that it started itself, and that lives on, would hold these open and the bench with them.
  child.stdout.destroy()
  child.stderr.destroy()
}

/** Goes on reading after the match: a server whose pipe is full would stand still. */
function firstMatch(stream: Readable, match: (line: string) => number | undefined): Promise<number> {
  const lines = createInterface({ input: stream })
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const port = match(line)
      if (port !== undefined) resolve(port)
    })
  })
}

function portOfReadyLine(line: string): number | undefined {
  if (!line.startsWith('{')) return undefined
  const { msg, port } = JSON.parse(line) as { msg?: unknown; port?: unknown }
  return typeof msg === 'string' && msg.startsWith('ready') && typeof port === 'number' ? port : undefined
}

/** gearmand neither picks a free port itself nor says when it listens. */
async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  listener.close()
  await once(listener, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}

async function connectable(port: number, child: Child): Promise<number> {
  while (child.exitCode === null && !child.killed) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return port
    } catch {
      await pause(CONNECT_PAUSE_MS)
    } finally {
      socket.destroy()
    }
  }
  throw new Error('it ended')
}
