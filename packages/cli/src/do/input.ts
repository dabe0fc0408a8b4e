import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Workload } from '@geartrain/client'
import { reason } from '@geartrain/server'
import { exitCodes, Fault } from '../fault.ts'

/** The file, or stdin. */
export function openInput(file: string | undefined): Readable {
  return file === undefined || file === '-' ? process.stdin : createReadStream(file)
}

/** Without argument and file it is stdin, and nothing if that is a terminal. */
export async function readPayload(argument: string | undefined, file: string | undefined): Promise<Workload> {
  if (argument !== undefined && argument !== '-') return argument
  if (argument === undefined && file === undefined && process.stdin.isTTY) return ''
  try {
    return await buffer(openInput(file))
  } catch (error) {
    throw inputFault(error, file)
  }
}

/** What the system says when a file can't be read. Any other error is given back. */
export function inputFault(error: unknown, file: string | undefined): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  const name = file === undefined || file === '-' ? 'stdin' : file
  return new Fault(`cannot read ${name}: ${reason(error)}`, exitCodes.usage, { cause: error })
}
