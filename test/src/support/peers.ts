import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect } from './raw.ts'

// The programs of other people that tests talk to, and the two servers that tests start.

export const repositoryRoot: string = fileURLToPath(new URL('../../../', import.meta.url))
const startMs = 20_000
const stopMs = 15_000

export type ServerKind = 'ours' | 'gearmand'

export type Server = {
  readonly kind: ServerKind
  readonly port: number
  readonly pid: number
  /** How the process ended, while it still runs undefined. */
  readonly ended: () => string | undefined
  /** What it has written to stderr. */
  readonly log: () => string
  readonly stop: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** A peer with the command that shows it is there and the words for when it is not. */
const probes = {
  php: [['php', '-r', 'exit(extension_loaded("gearman") ? 0 : 1);'], 'php-cli php-gearman'],
  gearman: [['gearman', '-H'], 'gearman-tools'],
  gearadmin: [['gearadmin', '--help'], 'gearman-tools'],
  gearmand: [['gearmand', '--version'], 'gearman-job-server'],
  libgearman: [['pkg-config', '--exists', 'gearmand'], 'gcc pkg-config libgearman-dev'],
} as const satisfies Record<string, readonly [readonly string[], string]>

export type PeerName = keyof typeof probes

const outcomes = new Map<PeerName, string | undefined>()

/** Undefined if the peer is installed, else the sentence to skip with. */
export function missing(peer: PeerName): string | undefined {
  if (!outcomes.has(peer)) {
    const [[command, ...args], debianPackages] = probes[peer]
    try {
      execFileSync(command, args, { stdio: 'ignore' })
      outcomes.set(peer, undefined)
    } catch {
      outcomes.set(peer, `${peer} is not installed: apt-get install ${debianPackages}`)
    }
  }
  return outcomes.get(peer)
}

/** Version of the installed gearmand, `1.1.20+ds`; undefined when there is none. */
export function gearmandVersion(): string | undefined {
  if (missing('gearmand') !== undefined) return undefined
  return /gearmand (\S+)/.exec(execFileSync('gearmand', ['--version'], { encoding: 'utf8' }))?.[1]
}

/** `geartrain serve` on a port of its own choice; `args` come after the usual ones and so win over them. */
async function startGeartrain(args: readonly string[] = [], command = 'serve'): Promise<Server> {
  const script = join(repositoryRoot, 'packages/cli/bin/geartrain.js')
  const flags = command === 'serve' ? ['--port', '0', '--http', 'off', '--log-format', 'json'] : []
  // Where its store is, unless `args` say where.
  const cwd = mkdtempSync(join(tmpdir(), 'geartrain-'))
  const stdio = ['ignore', 'ignore', 'pipe'] as const
  const child = spawn(process.execPath, [script, command, ...flags, ...args], { cwd, stdio: [...stdio] })
  const server = watch(child, 'ours', () => rmSync(cwd, { recursive: true, force: true }))
  try {
    const port = await server.firstLine((line) => {
      if (!line.startsWith('{')) return undefined
      const entry: unknown = JSON.parse(line)
      if (typeof entry !== 'object' || entry === null || !('msg' in entry) || !('port' in entry)) return undefined
      if (typeof entry.msg !== 'string' || !entry.msg.startsWith('ready')) return undefined
      return typeof entry.port === 'number' ? entry.port : undefined
    })
    return server.ready(port)
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** C gearmand, on a free port unless one is given. */
export async function startGearmand(args: readonly string[] = [], givenPort?: number): Promise<Server> {
  const port = givenPort ?? (await freePort())
  const directory = mkdtempSync(join(tmpdir(), 'gearmand-'))
  const own = ['--listen=127.0.0.1', `--port=${port}`, '--log-file=stderr', `--pid-file=${directory}/pid`]
  const child = spawn('gearmand', [...own, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  const server = watch(child, 'gearmand', () => rmSync(directory, { recursive: true, force: true }))
  try {
    await untilItAnswers(port, child, server.ended, server.log)
    return server.ready(port)
  } catch (error) {
    await server.stop()
    throw error
  }
}

export function startServer(kind: ServerKind, args: readonly string[] = []): Promise<Server> {
  return kind === 'ours' ? startGeartrain(args) : startGearmand(args)
}

/**
 * A port that nobody listens on, for programs that cannot pick one themselves. Below the range from which systems take
 * the local ports of outgoing connections (32768 on Linux): one of those could take it before the program does, and
 * gearmand then tries for 20 seconds.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    const probe = net.createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}

// A test run that dies must not leave servers behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

function watch(child: ChildProcess, kind: ServerKind, afterwards: () => void = () => {}) {
  running.add(child)
  let log = ''
  let ended: string | undefined
  const seeLine = new Set<(line: string) => void>()
  const exited = new Promise<void>((resolve) => {
    const end = (how: string) => {
      ended ??= how
      running.delete(child)
      resolve()
    }
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`))
    child.once('error', (error) => end(error.message))
  })
  if (child.stderr === null) throw new Error('a server is started with its stderr as a pipe')
  createInterface({ input: child.stderr }).on('line', (line) => {
    log += `${line}\n`
    for (const see of seeLine) see(line)
  })

  const stop = async () => {
    const deadline = Date.now() + stopMs
    // The first signal is polite; one a second later means now, for jobs that a test left running.
    while (ended === undefined) {
      child.kill(Date.now() < deadline ? 'SIGTERM' : 'SIGKILL')
      await Promise.race([exited, delay(1000)])
    }
    afterwards()
  }

  return {
    ended: () => ended,
    log: () => log,
    stop,
    /** The first line of stderr in which `find` finds something. */
    async firstLine<T>(find: (line: string) => T | undefined): Promise<T> {
      let see: ((line: string) => void) | undefined
      const found = new Promise<T>((resolve, reject) => {
        see = (line) => {
          try {
            const value = find(line)
            if (value !== undefined) resolve(value)
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        }
        seeLine.add(see)
        setTimeout(() => reject(new Error(`${kind} was not ready in ${startMs} ms; its log:\n${log}`)), startMs).unref()
        void exited.then(() => reject(new Error(`${kind} ended at start (${ended}); its log:\n${log}`)))
      })
      return found.finally(() => {
        if (see !== undefined) seeLine.delete(see)
      })
    },
    ready(port: number): Server {
      if (child.pid === undefined) throw new Error(`${kind} has no process id`)
      return {
        kind,
        port,
        pid: child.pid,
        ended: () => ended,
        log: () => log,
        stop,
        [Symbol.asyncDispose]: stop,
      }
    },
  }
}

/** Waits until the server on `port` answers and is the child, not somebody who took the port in between. */
async function untilItAnswers(
  port: number,
  child: ChildProcess,
  ended: () => string | undefined,
  log: () => string,
): Promise<void> {
  const deadline = Date.now() + startMs
  for (;;) {
    if (ended() !== undefined) throw new Error(`gearmand ended at start (${ended()}); its log:\n${log()}`)
    try {
      await using peer = await connect(port)
      peer.sendLine('getpid\n')
      const answer = await peer.receiveText('\n')
      if (answer === `OK ${child.pid}\n`) return
      throw new Error(`somebody else answers on port ${port}: ${answer}`)
    } catch (error) {
      if (Date.now() > deadline) throw error
      await delay(10)
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
