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
