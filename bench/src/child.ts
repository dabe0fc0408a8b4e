import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from './error.ts'

/** A server that runs. */
export interface Server {
  readonly pid: number
  readonly port: number
  /** Where it listens for HTTP, if that is what is measured. */
  readonly httpPort?: number
  /** Of another server that has the same queue. */
  readonly port2?: number
  /** Of the database under it. */
  readonly pgPort?: number
  /** From its command to its readiness. */
  readonly startMs: number
  stop(): Promise<void>
}

export type Ports = Pick<Server, 'port' | 'httpPort'>

export type Child = ChildProcessByStdio<null, Readable, Readable>

// gearmand reads millions of jobs that it has on disk before it answers.
const START_MS_MAX = 300_000
const STDERR_CHARS_KEPT = 2_000
const CONNECT_PAUSE_MS = 20

const children = new Set<Child>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Starts a command and waits until `ready` knows its port; one that ends before that, or takes too long, is an error. */
export async function start(
  command: string,
  flags: readonly string[],
  ready: (child: Child) => Promise<number | Ports>,
): Promise<Server> {
  const begin = performance.now()
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
    const found = await Promise.race([ready(child), ended])
    if (Array.isArray(found) || child.pid === undefined) throw new Error('it ended')
    const ports = typeof found === 'number' ? { port: found } : found
    return { pid: child.pid, ...ports, startMs: performance.now() - begin, stop: () => stop(child) }
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
export function firstMatch<Match>(stream: Readable, match: (line: string) => Match | undefined): Promise<Match> {
  const lines = createInterface({ input: stream })
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const found = match(line)
      if (found !== undefined) resolve(found)
    })
  })
}

/** For servers that do not pick a free port themselves. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  listener.close()
  await once(listener, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1')
  return address.port
}

/**
 * For servers that do not say when they are ready: resolves with the port when a line has been answered. gearmand takes
 * connections long before that while it reads its queue.
 */
export async function answering(port: number, line: string, child: Child): Promise<number> {
  while (child.exitCode === null && !child.killed) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      socket.write(line)
      await once(socket, 'data')
      return port
    } catch {
      await pause(CONNECT_PAUSE_MS)
    } finally {
      socket.destroy()
    }
  }
  throw new Error('it ended')
}
