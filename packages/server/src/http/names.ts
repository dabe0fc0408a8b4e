import { isUtf8 } from 'node:buffer'

// Over HTTP, names are text. Those on the wire are bytes, held as one character each; most are UTF-8. In one that is not,
// each byte that does not fit becomes a character for private use, U+F780 to U+F7FF, and such a character three of them:
// so every name has a text of its own, and every text a name.

const privateStart = 0xf700
const isPrivate = /[\uf780-\uf7ff]/g

/** The text of a name. */
export function textOfName(name: string): string {
  if (isAscii(name)) return name
  const bytes = Buffer.from(name, 'latin1')
  if (isUtf8(bytes)) return bytes.toString('utf8').replace(isPrivate, (character) => escapeAll(Buffer.from(character)))
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at)
    const part = bytes.subarray(at, at + Math.max(1, length))
    const character = length === 0 ? escapeAll(part) : part.toString('utf8')
    text += character.replace(isPrivate, (each) => (length === 0 ? each : escapeAll(Buffer.from(each))))
    at += part.length
  }
  return text
}

/** The name of a text. */
export function nameOfText(text: string): string {
  if (isAscii(text)) return text
  let name = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    const isEscape = code >= privateStart + 0x80 && code <= privateStart + 0xff
    name += isEscape ? String.fromCharCode(code - privateStart) : Buffer.from(character, 'utf8').toString('latin1')
  }
  return name
}

/** What is a name in an answer of Control, as text; all else as it is. */
export function withTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => (typeof each === 'object' ? withTexts(each) : each))
  if (typeof value !== 'object' || value === null) return value
  const texts: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value)) {
    if (typeof each === 'object') texts[key] = nameLists.has(key) ? textsOf(each) : withTexts(each)
    else texts[key] = typeof each === 'string' && nameKeys.has(key) ? textOfName(each) : each
  }
  return texts
}

const nameKeys = new Set(['function', 'handle', 'name', 'unique', 'reducer', 'then', 'worker', 'clientId'])
const nameLists = new Set(['functions'])

function textsOf(list: unknown): unknown {
  if (!Array.isArray(list)) return withTexts(list)
  return list.map((each) => (typeof each === 'string' ? textOfName(each) : withTexts(each)))
}

function escapeAll(bytes: Uint8Array): string {
  return String.fromCharCode(...Array.from(bytes, (byte) => privateStart + byte))
}

/** How many bytes the UTF-8 character there has; 0: there is none. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4; length++) {
    const part = bytes.subarray(at, at + length)
    if (part.length === length && isUtf8(part)) return length
  }
  return 0
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}
