import { isUtf8 } from 'node:buffer'
import type { Bytes } from '@geartrain/client'
import { showBytes } from './numbers.ts'
import { printable } from './text.ts'

/** Of what is longer a person sees the beginning. */
const shownCharsMax = 4096

/** A payload or a result for a person, under its head: indented, without what a terminal would obey. */
export function payloadLines(head: string, bytes: Bytes): string[] {
  if ('base64' in bytes) {
    const size = showBytes(toBuffer(bytes).length)
    return [`${head}, ${size}, in base64`, ...textLines(bytes.base64)]
  }
  return [`${head}, ${showBytes(toBuffer(bytes).length)}`, ...(bytes.text === '' ? [] : textLines(bytes.text))]
}

export function textLines(text: string): string[] {
  const shown = text.slice(0, shownCharsMax).replace(/\r?\n$/, '')
  const lines = shown.split(/\r?\n/).map((line) => `  ${line.replace(/[^\t]+/g, (part) => printable(part))}`)
  return text.length > shownCharsMax ? [...lines, '  … (--json has all of it)'] : lines
}

/** Text where it is UTF-8 without NUL, which JSON would make six times as long. */
export function toBytes(data: string | Uint8Array): Bytes {
  if (typeof data === 'string') return { text: data }
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return isUtf8(data) && !data.includes(0) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') }
}

/** On one line, for a table. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, ' ').trim())
}

export function toBuffer(bytes: Bytes): Buffer {
  return 'text' in bytes ? Buffer.from(bytes.text, 'utf8') : Buffer.from(bytes.base64, 'base64')
}
