import { closeSync, fchownSync, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Logger } from 'pino'

/** `gearmand` is the line of the C server, for what reads its log files. */
export type LogFormat = 'pretty' | 'json' | 'gearmand'

export interface LogOptions {
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'
  readonly format: LogFormat
  /** Undefined: stderr. */
  readonly file: string | undefined
}

export interface OpenLog {
  readonly log: Logger
  /** For what is said whatever the level: that the server is ready and what it makes of its options. */
  readonly startLog: Logger
  readonly isTerminal: boolean
  /** Opens the file anew, so that the old one can be moved away; throws if it can't, and goes on with the old one. */
  reopen(): void
  /** Gives the file to the user that the server will run as, who must be able to reopen it. */
  chown(uid: number, gid: number): void
}

/** Lines are written before the call that logs returns, so that none is lost when the process ends. Throws if the file can't be opened. */
export async function openLog({ level, format, file }: LogOptions): Promise<OpenLog> {
  const target = new LogTarget(file)
  const [{ default: pino }, render] = await Promise.all([import('pino'), renderer(format, target)])
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => target.write(render(line)) },
  )
  return {
    log,
    startLog: level === 'silent' ? log : log.child({}, { level: log.isLevelEnabled('info') ? level : 'info' }),
    isTerminal: target.isTerminal,
    reopen: () => target.reopen(),
    chown: (uid, gid) => target.chown(uid, gid),
  }
}

/** For programs that read the log; people find them in the text of the line that says the server is ready. */
const readyFields = ['port', 'addresses', 'http', 'servers', 'store', 'pid']

type Render = (line: string) => string

async function renderer(format: LogFormat, target: LogTarget): Promise<Render> {
  switch (format) {
    case 'json':
      return (line) => line
    case 'gearmand':
      return renderAsGearmand
    case 'pretty': {
      const { prettyFactory } = await import('pino-pretty')
      return prettyFactory({
        colorize: target.isTerminal && process.env['NO_COLOR'] === undefined,
        translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
        ignore: readyFields.join(','),
        singleLine: true,
      })
    }
  }
}

const gearmandLevels = new Map([
  ['fatal', 'FATAL'],
  ['error', 'ERROR'],
  ['warn', 'WARNING'],
  ['info', 'INFO'],
  ['debug', 'DEBUG'],
])

function renderAsGearmand(line: string): string {
  const entry: unknown = JSON.parse(line)
  if (typeof entry !== 'object' || entry === null) return line
  const { level = '', time = '', msg = '', ...rest } = { ...entry } as Record<string, unknown>
  const name = gearmandLevels.get(String(level)) ?? ''
  const facts = Object.entries(rest).filter(([field]) => !readyFields.includes(field))
  const more = facts.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(facts))}`
  return `${name.padStart(7)} ${localTime(new Date(String(time)))} [  main ] ${String(msg)}${more}\n`
}

/** `2026-11-21 20:00:24.456000` */
function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}000`
}

const stderr = 2

/** Where lines go: stderr, or a file that can be reopened. */
class LogTarget {
  readonly #file: string | undefined
  #fd: number

  constructor(file: string | undefined) {
    this.#file = file
    this.#fd = file === undefined ? stderr : openSync(file, 'a')
  }

  get isTerminal(): boolean {
    return isatty(this.#fd)
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written)
    } catch {
      // A full disk, or a reader that has gone, costs the line: the server's work goes on without a log.
    }
  }

  reopen(): void {
    if (this.#file === undefined) return
    const fd = openSync(this.#file, 'a')
    closeSync(this.#fd)
    this.#fd = fd
  }

  chown(uid: number, gid: number): void {
    if (this.#file !== undefined) fchownSync(this.#fd, uid, gid)
  }
}
