import { isUtf8 } from 'node:buffer'
import type { Bytes } from '@geartrain/protocol'

/** As text if it is some that a person can read, else in base64. */
export function toBytes(data: Uint8Array): Bytes {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.length)
  if (isUtf8(buffer) && !buffer.includes(0)) return { text: buffer.toString('utf8') }
  return { base64: buffer.toString('base64') }
}

export function fromBytes(bytes: Bytes): Uint8Array {
  return 'text' in bytes ? Buffer.from(bytes.text, 'utf8') : Buffer.from(bytes.base64, 'base64')
}

export function isBytes(value: unknown): value is Bytes {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return false
  // Half of a surrogate pair is no character, and would be written as another one.
  if ('text' in value) return typeof value.text === 'string' && !/\p{Surrogate}/u.test(value.text)
  if (!('base64' in value) || typeof value.base64 !== 'string') return false
  return Buffer.from(value.base64, 'base64').toString('base64') === value.base64
}
