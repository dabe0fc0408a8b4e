import { textOf } from './bytes.ts'
import type { Tree, TreeEntry } from './tree.ts'

/** Deeper ones are none of a program's that means well. */
const depthMax = 500
/** A number, a length: the longest that PHP writes, with all digits of a float, is shorter. */
const wordBytesMax = 400

/**
 * What PHP's serialize() has written; undefined: something else, be it in a single byte. It is read to be shown: no class
 * is looked for, no length is believed before the bytes are there, and no key becomes a property of an object.
 */
export function readPhp(bytes: Uint8Array): Tree | undefined {
  const reader = new PhpReader(bytes)
  try {
    const value = reader.value(0)
    return reader.isAtEnd ? value : undefined
  } catch (error) {
    if (error === notPhp) return undefined
    throw error
  }
}

/** Thrown, and caught above. */
const notPhp = new Error('this is not what PHP serializes')

class PhpReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): Tree {
    if (depth > depthMax) throw notPhp
    const type = this.#character()
    if (type === 'N') {
      this.#expect(';')
      return { kind: 'word', text: 'null' }
    }
    this.#expect(':')
    switch (type) {
      case 'b':
        return { kind: 'word', text: this.#word(';', /^[01]$/) === '1' ? 'true' : 'false' }
      case 'i':
        return { kind: 'number', text: this.#word(';', /^[-+]?\d+$/) }
      case 'd':
        return { kind: 'number', text: this.#word(';', /^(?:[-+]?(?:\d+\.?\d*|\.\d+)(?:E[-+]?\d+)?|-?INF|NAN)$/i) }
      case 's':
        return stringTree(this.#string(';'))
      case 'a':
        return this.#entries(depth, undefined)
      case 'O':
        return this.#entries(depth, this.#name(':'))
      case 'C':
        return this.#custom()
      case 'E':
        return { kind: 'word', text: this.#name(';').replace(':', '::') }
      case 'r':
      case 'R':
        return { kind: 'word', text: `same as value ${this.#word(';', /^[1-9]\d*$/)}` }
      default:
        throw notPhp
    }
  }

  #entries(depth: number, label: string | undefined): Tree {
    const count = Number(this.#word(':', /^\d+$/))
    this.#expect('{')
    const entries: TreeEntry[] = []
    // Each takes bytes, so that a count of billions ends where these do.
    for (let index = 0; index < count; index++) {
      const key = label === undefined ? { key: this.#key() } : propertyOf(this.#key())
      entries.push({ ...key, value: this.value(depth + 1) })
    }
    this.#expect('}')
    if (label !== undefined) return { kind: 'map', label, entries }
    return { kind: entries.every(({ key }, index) => key === String(index)) ? 'list' : 'map', entries }
  }

  #key(): string {
    const type = this.#character()
    this.#expect(':')
    if (type === 'i') return this.#word(';', /^-?\d+$/)
    if (type === 's') return nameOf(this.#string(';'))
    throw notPhp
  }

  /** Of a class that writes itself: only it knows what that means. */
  #custom(): Tree {
    const label = this.#name(':')
    const length = Number(this.#word(':', /^\d+$/))
    this.#expect('{')
    const value = stringTree(this.#take(length))
    this.#expect('}')
    return { kind: 'map', label, entries: [{ key: 'serialized', value }] }
  }

  #name(after: string): string {
    return nameOf(this.#string(after))
  }

  #string(after: string): Uint8Array {
    const length = Number(this.#word(':', /^\d+$/))
    this.#expect('"')
    const bytes = this.#take(length)
    this.#expect('"')
    this.#expect(after)
    return bytes
  }

  #word(end: string, form: RegExp): string {
    let word = ''
    for (let character = this.#character(); character !== end; character = this.#character()) {
      word += character
      if (word.length > wordBytesMax) throw notPhp
    }
    if (!form.test(word)) throw notPhp
    return word
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw notPhp
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #expect(character: string): void {
    if (this.#character() !== character) throw notPhp
  }

  #character(): string {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw notPhp
    return String.fromCharCode(byte)
  }
}

function stringTree(bytes: Uint8Array): Tree {
  const text = textOf(bytes)
  return text === undefined ? { kind: 'bytes', bytes } : { kind: 'text', text }
}

/** Of what is no UTF-8, each byte is a character. */
function nameOf(bytes: Uint8Array): string {
  return textOf(bytes) ?? Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}

/** PHP writes `\0*\0name` for what is protected, and `\0Class\0name` for what is private. */
function propertyOf(key: string): Pick<TreeEntry, 'key' | 'note'> {
  const end = key.indexOf('\0', 1)
  if (!key.startsWith('\0') || end < 0) return { key }
  return { key: key.slice(end + 1), note: key.slice(1, end) === '*' ? 'protected' : 'private' }
}
