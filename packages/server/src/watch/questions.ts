import { parseCountRow, parseWorkerRow, type WatchedFunction, type WatchedWorker } from '@geartrain/protocol'
import { textOfName } from '../http/names.ts'
import { LookError } from './look-error.ts'
import type { TextLink } from './text-link.ts'

/** A function or a worker may have a line end in its name: so many lines beyond those that are rows can be none. */
const strangeLinesMax = 10
/** Functions or workers of a server: more of them are no server's, and each is asked for again and again by browsers. */
const rowsMax = 100_000
/** Of what is shown of a line that is none. */
const shownMax = 120

/** Undefined: it does not say. Rejects with a LookError, as those below. */
export async function askVersion(link: TextLink): Promise<string | undefined> {
  let version: string | undefined
  await link.ask('version', (line) => {
    if (line.startsWith('ERR ')) return true
    // Old ones say it without OK.
    const [, told, old] = /^(?:OK (.+)|(\d[\w.+~-]*))$/.exec(line) ?? []
    version = told ?? old
    if (version === undefined) throw strange('version', line)
    return true
  })
  return version === undefined ? undefined : shown(version)
}

export function askFunctions(link: TextLink): Promise<WatchedFunction[]> {
  return askRows(link, 'status', (line) => {
    const row = parseCountRow(line, 3)
    if (row === undefined) return undefined
    const [jobs = 0, running = 0, workers = 0] = row.counts
    // gearmand can count more running jobs than there are.
    return { name: textOfName(row.name), queued: Math.max(0, jobs - running), running, workers }
  })
}

/** Those who can do a function: all other connections are clients. */
export async function askWorkers(link: TextLink): Promise<WatchedWorker[]> {
  // The same few names come again and again.
  const texts = new Map<string, string>()
  const rows = await askRows(link, 'workers', (line) => {
    const row = parseWorkerRow(line)
    if (row === undefined) return undefined
    const functions = row.functions.map((name) => {
      const known = texts.get(name) ?? textOfName(name)
      texts.set(name, known)
      return known
    })
    return { number: row.number, address: row.address, clientId: textOfName(row.clientId) || '-', functions }
  })
  return rows.filter(({ functions }) => functions.length > 0)
}

/** Up to a line with a dot alone. */
async function askRows<Row>(link: TextLink, command: string, read: (line: string) => Row | undefined): Promise<Row[]> {
  const rows: Row[] = []
  let strangeLines = 0
  let firstStrange = ''
  await link.ask(command, (line) => {
    if (line === '.') return true
    const row = read(line)
    if (row !== undefined) {
      if (rows.push(row) > rowsMax) throw new LookError(`its answer to "${command}" has more than ${rowsMax} rows`)
      return false
    }
    if (rows.length === 0 && line.startsWith('ERR ')) throw refused(command, line)
    if (strangeLines++ === 0) firstStrange = line
    if (strangeLines > rows.length + strangeLinesMax) throw strange(command, firstStrange)
    return false
  })
  if (strangeLines > 0 && rows.length === 0) throw strange(command, firstStrange)
  return rows
}

/** `ERR CODE some+text`. */
function refused(command: string, line: string): LookError {
  return new LookError(`it refuses "${command}": ${shown(line.slice('ERR '.length).replaceAll('+', ' '))}`)
}

function strange(command: string, line: string): LookError {
  return new LookError(`it answers "${command}" with "${shown(line)}": it is no Gearman server`)
}

function shown(line: string): string {
  // What is a letter to nobody would not be seen.
  const text = textOfName(line.slice(0, shownMax)).replaceAll(/[\p{Cc}\p{Cf}\p{Co}]/gu, '?')
  return line.length > shownMax ? `${text}...` : text
}
