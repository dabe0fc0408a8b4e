import { ProtocolError } from './errors.ts'
import { readWireName } from './wire-name.ts'

export interface FunctionStatus {
  readonly function: string
  /** Waiting and running. */
  readonly jobs: number
  readonly running: number
  readonly workers: number
}

/** Jobs that wait, by priority. */
export interface PriorityStatus {
  readonly function: string
  readonly high: number
  readonly normal: number
  readonly low: number
  readonly workers: number
}

export interface ConnectedWorker {
  /** The connection's number within the server. */
  readonly fd: number
  readonly ip: string
  /** The name it gave itself. */
  readonly clientId: string | undefined
  readonly functions: readonly string[]
}

export interface ListedJob {
  readonly handle: string
  /** How often a worker lost it. */
  readonly retries: number
  /** Nobody waits for it any more: it will not be done. */
  readonly isIgnored: boolean
  readonly isBackground: boolean
}

export function parseStatus(row: string): FunctionStatus {
  const [name, jobs, running, workers] = splitRow(row, 3)
  return { function: name, jobs: count(jobs, row), running: count(running, row), workers: count(workers, row) }
}

export function parsePriorityStatus(row: string): PriorityStatus {
  const [name, high, normal, low, workers] = splitRow(row, 4)
  return {
    function: name,
    high: count(high, row),
    normal: count(normal, row),
    low: count(low, row),
    workers: count(workers, row),
  }
}

/** `fd ip id : function function`. An id may have blanks, if a worker chose it so. */
export function parseWorkers(row: string): ConnectedWorker {
  const match = /^(-?\d+) (\S+) (.*?) :((?: .*)?)$/.exec(row)
  if (match === null) throw new ProtocolError(`not a row of workers: ${JSON.stringify(row)}`)
  const [, fd = '', ip = '', clientId = '', functions = ''] = match
  return {
    fd: Number(fd),
    ip,
    clientId: clientId === '-' || clientId === '' ? undefined : readWireName(clientId),
    functions: functions
      .split(' ')
      .filter((name) => name !== '')
      .map(readWireName),
  }
}

export function parseShowJobs(row: string): ListedJob {
  const [handle, retries, ignored, background] = splitRow(row, 3)
  return {
    handle,
    retries: count(retries, row),
    isIgnored: count(ignored, row) !== 0,
    isBackground: count(background, row) !== 0,
  }
}

/** A name and numbers behind it, with tabs between. A name may have tabs itself. */
function splitRow(row: string, numbers: number): [name: string, ...numbers: string[]] {
  const fields = row.split('\t')
  const name = fields.slice(0, -numbers).join('\t')
  return [readWireName(name), ...fields.slice(-numbers)]
}

function count(field: string | undefined, row: string): number {
  if (field !== undefined && /^\d+$/.test(field)) return Number(field)
  throw new ProtocolError(`not a row of numbers: ${JSON.stringify(row)}`)
}
