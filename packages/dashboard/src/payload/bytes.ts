import type { Bytes } from '@geartrain/protocol'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/** Undefined: they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** What is no UTF-8 becomes U+FFFD. */
export function looseText(bytes: Uint8Array): string {
  return lenient.decode(bytes)
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Of a payload as it is in JSON. */
export function payloadBytes(payload: Bytes): Uint8Array {
  if ('text' in payload) return bytesOf(payload.text)
  return Uint8Array.from(atob(payload.base64), (character) => character.charCodeAt(0))
}

/** Without the part of a last character whose end was cut off. */
export function wholeCharacters(bytes: Uint8Array): Uint8Array {
  const start = Math.max(0, bytes.length - 3)
  for (let at = bytes.length - 1; at >= start; at--) {
    const byte = bytes[at] ?? 0
    if (byte < 0x80) return bytes
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return at + length > bytes.length ? bytes.subarray(0, at) : bytes
    }
  }
  return bytes
}
