import { readLatin1 } from './latin1.ts'

const slots = 512
const cachedBytesMax = 128

interface Slot {
  readonly bytes: Uint8Array
  readonly text: string
}

/**
 * Bytes to text for names that come again and again, such as functions: the string made for the last name in a slot
 * is handed out again when the bytes are the same, which costs a comparison and no memory.
 */
export class NameCache {
  readonly #slots = Array.from<Slot | undefined>({ length: slots })

  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start
    if (length === 0) return ''
    if (length > cachedBytesMax) return readLatin1(bytes, start, end)
    const last = bytes[end - 1] ?? 0
    const middle = bytes[start + (length >> 1)] ?? 0
    const index = (length * 31 + last * 7 + middle * 13 + (bytes[start] ?? 0)) % slots
    const slot = this.#slots[index]
    if (slot !== undefined && isSame(slot.bytes, bytes, start, length)) return slot.text
    const text = readLatin1(bytes, start, end)
    // A copy: `slice` of a Buffer is a view, which would hold on to a whole receive buffer and change with it.
    this.#slots[index] = { bytes: new Uint8Array(bytes.subarray(start, end)), text }
    return text
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false
  for (let i = 0; i < length; i++) if (name[i] !== bytes[start + i]) return false
  return true
}
