import { type CountRow, parseCountRow, parseWorkerRow } from '@geartrain/protocol'
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
  const { name, counts } = countRow(row, 3)
  const [jobs = 0, running = 0, workers = 0] = counts
  return { function: name, jobs, running, workers }
}

export function parsePriorityStatus(row: string): PriorityStatus {
  const { name, counts } = countRow(row, 4)
  const [high = 0, normal = 0, low = 0, workers = 0] = counts
  return { function: name, high, normal, low, workers }
}

export function parseWorkers(row: string): ConnectedWorker {
  const parsed = parseWorkerRow(row)
  if (parsed === undefined) throw new ProtocolError(`not a row of workers: ${JSON.stringify(row)}`)
  const { number, address, clientId, functions } = parsed
  return {
    fd: number,
    ip: address,
    clientId: clientId === '-' || clientId === '' ? undefined : readWireName(clientId),
    functions: functions.map(readWireName),
  }
}

export function parseShowJobs(row: string): ListedJob {
  const { name, counts } = countRow(row, 3)
  const [retries = 0, ignored, background] = counts
  return { handle: name, retries, isIgnored: ignored !== 0, isBackground: background !== 0 }
}

function countRow(row: string, numbers: number): CountRow {
  const parsed = parseCountRow(row, numbers)
  if (parsed === undefined) throw new ProtocolError(`not a row of numbers: ${JSON.stringify(row)}`)
  return { ...parsed, name: readWireName(parsed.name) }
}
