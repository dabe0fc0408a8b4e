import { types } from 'node:util'
import { InvalidArgumentError } from './errors.ts'

/** What a job carries: bytes, or text that is sent as UTF-8. Bytes must not be changed before they are on their way. */
export type Workload = Uint8Array | string

export function workloadBytes(workload: Workload): Uint8Array {
  return typeof workload === 'string' ? Buffer.from(workload, 'utf8') : checkedBytes(workload, 'a workload')
}

const decoder = new TextDecoder()

/** Bytes as text. What is no UTF-8 comes out as replacement characters. */
export function workloadText(workload: Uint8Array): string {
  return decoder.decode(workload)
}

/** Not everybody's compiler knows: another view, or none, would be sent as something else. */
export function checkedBytes(value: unknown, what: string): Uint8Array {
  if (types.isUint8Array(value)) return value
  throw new InvalidArgumentError(`${what} is a Uint8Array or text, not ${nameOf(value)}; json() sends other values`)
}

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return `an object of ${value.constructor?.name ?? 'no class'}`
}
