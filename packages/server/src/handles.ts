import { hostname } from 'node:os'
import type { PacketWriter } from '@geartrain/protocol'

/** With the NUL that ends it in C, a handle has 64 bytes. */
const handleBytesMax = 63
const numberDigits = 16
const lowDigits = 8
const lowLimit = 10 ** lowDigits
const colon = 0x3a
const zero = 0x30

export function defaultHandlePrefix(): string {
  return `H:${hostname()}`
}

/** Of servers that share a store, unless the setting says another one. Jobs submitted in SQL have it as well. */
export const clusterHandlePrefix = 'H:cluster'

/**
 * Job numbers to handles and back: `H:host:1795286112000001`. The digits count up from the microsecond at which the
 * server started, or from where its store says, so that a handle never comes again, restarts included, as long as a server takes less than a
 * million jobs a second over its whole life and the machine's date is not put back.
 */
export class Handles {
  /** Every handle has as many bytes. */
  readonly length: number
  /** Handles of other servers, with other prefixes, are read as well: with a store that several use, the number says which job it is. */
  isAnyPrefix = false
  #base: number
  readonly #prefix: string
  /** Prefix, colon and the high digits of the last number written: what most handles have in common. */
  #head: Uint8Array = new Uint8Array(0)
  #high = -1

  /** A prefix that leaves no room for the number is cut. */
  constructor(prefix: string, startedAtMs: number) {
    this.#prefix = prefix.slice(0, handleBytesMax - 1 - numberDigits)
    // A machine without a battery may believe it is 1970; the number has its digits all the same.
    this.#base = Math.max(startedAtMs * 1000, 10 ** (numberDigits - 1))
    this.length = this.#prefix.length + 1 + numberDigits
    this.#setHead(Math.floor(this.#base / lowLimit))
  }

  /** Numbers count from here on, as a store says; older ones are negative. */
  startAt(firstTotal: number): void {
    this.#base = firstTotal - 1
    this.#setHead(Math.floor(this.#base / lowLimit))
  }

  /** The digits of the handle. */
  total(number: number): number {
    return this.#base + number
  }

  numberOf(total: number): number {
    return total - this.#base
  }

  text(number: number): string {
    return `${this.#prefix}:${this.#base + number}`
  }

  /** Room must be reserved. */
  write(writer: PacketWriter, number: number): void {
    const total = this.#base + number
    const high = Math.floor(total / lowLimit)
    if (high !== this.#high) this.#setHead(high)
    writer.data(this.#head)
    const low = total - high * lowLimit
    const upper = Math.floor(low / 10_000)
    const { bytes } = writer
    const start = writer.length
    writeFourDigits(bytes, start, upper)
    writeFourDigits(bytes, start + 4, low - upper * 10_000)
    writer.length = start + lowDigits
  }

  /** The number of a handle with this server's prefix, or with any; NaN for any other text. */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (this.isAnyPrefix ? end - start > handleBytesMax : end - start !== this.length) return Number.NaN
    const prefixEnd = end - numberDigits - 1
    if (prefixEnd < start || bytes[prefixEnd] !== colon) return Number.NaN
    let total = 0
    for (let at = prefixEnd + 1; at < end; at++) {
      const digit = (bytes[at] ?? 0) - zero
      if (digit < 0 || digit > 9) return Number.NaN
      total = total * 10 + digit
    }
    if (!this.isAnyPrefix && !this.#hasPrefix(bytes, start)) return Number.NaN
    return total - this.#base
  }

  /** The same for a handle as text. */
  parse(text: string): number {
    const bytes = Buffer.from(text, 'latin1')
    return this.read(bytes, 0, bytes.length)
  }

  #hasPrefix(bytes: Uint8Array, start: number): boolean {
    for (let i = 0; i < this.#prefix.length; i++) if (bytes[start + i] !== this.#head[i]) return false
    return true
  }

  #setHead(high: number): void {
    this.#high = high
    this.#head = Buffer.from(`${this.#prefix}:${high}`, 'latin1')
  }
}

/** The digits of 0000 to 9999, one after the other: a division for each digit would take most of a handle's time. */
const fourDigits = Buffer.from(Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, '0')).join(''), 'latin1')

function writeFourDigits(bytes: Uint8Array, at: number, value: number): void {
  const from = 4 * value
  for (let i = 0; i < 4; i++) bytes[at + i] = fourDigits[from + i] ?? 0
}
