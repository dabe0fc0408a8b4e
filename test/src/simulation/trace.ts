import { createHash } from 'node:crypto'

const keptEvents = 120

/** All that happened, as a hash to compare runs by, and the last of it as text. */
export class Trace {
  readonly #hash = createHash('sha256')
  readonly #last: string[] = []
  readonly #print: ((event: string) => void) | undefined
  #count = 0
  #hasEnded = false

  /** `print` sees every event as it happens. */
  constructor(print?: (event: string) => void) {
    this.#print = print
  }

  add(atMs: number, event: string): void {
    if (this.#hasEnded) return
    const text = `${atMs.toFixed(3)} ${event}`
    this.#hash.update(text)
    this.#hash.update('\n')
    this.#last[this.#count++ % keptEvents] = text
    this.#print?.(text)
  }

  last(): string[] {
    const start = this.#count % keptEvents
    return this.#count < keptEvents ? [...this.#last] : [...this.#last.slice(start), ...this.#last.slice(0, start)]
  }

  /** What comes after it is not part of the trace. */
  end(): string {
    this.#hasEnded = true
    return this.#hash.digest('hex').slice(0, 16)
  }
}

/** Bytes or characters of one byte as a person reads them, on one line. */
export function readable(text: string, lengthMax = 60): string {
  const escaped = text.slice(0, lengthMax).replace(/[^ -~]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return text.length > lengthMax ? `${escaped}...(${text.length})` : escaped
}
