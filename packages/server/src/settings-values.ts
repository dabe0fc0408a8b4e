import { isStoreName } from './store/kinds.ts'

/** How a setting's value is written by a user: in a flag, in the environment and in the configuration file alike. */
export interface ValueType<Value> {
  /** The value's place in a flag's help; undefined for a switch. */
  readonly placeholder: string | undefined
  /** What is allowed, to follow "must be". */
  readonly range: string
  /** Undefined: not allowed. */
  parse(text: string): Value | undefined
  /** A text that parses to the value. */
  show(value: Value): string
}

export function wholeNumber(placeholder: string, min: number, max: number): ValueType<number> {
  return {
    placeholder,
    range: `a whole number from ${min} to ${max}`,
    parse: (text) => (/^\d+$/.test(text) ? within(Number(text), min, max) : undefined),
    show: String,
  }
}

/** A number from `min` on, and one word that stands for infinity; `others` mean the same. */
export function numberOr(
  word: string,
  placeholder: string,
  min: number,
  max: number,
  others: readonly string[],
): ValueType<number> {
  const number = wholeNumber(placeholder, min, max)
  return {
    placeholder,
    range: `${number.range}, or "${word}"`,
    parse: (text) => (text === word || others.includes(text) ? Number.POSITIVE_INFINITY : number.parse(text)),
    show: (value) => (Number.isFinite(value) ? number.show(value) : word),
  }
}

const byteUnits: Units = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
  ['B', 1],
]

/** Bytes; without a unit they are counted singly. */
export function byteCount(min: number, max: number): ValueType<number> {
  return {
    placeholder: 'bytes',
    range: `a size from ${showUnits(min, byteUnits)} to ${showUnits(max, byteUnits)}, such as 8KiB`,
    parse: (text) => within(/^\d+$/.test(text) ? Number(text) : parseUnits(text, byteUnits), min, max),
    show: (value) => showUnits(value, byteUnits),
  }
}

const timeUnits: Units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** Milliseconds. Only 0 needs no unit: whether 10 is meant in seconds or milliseconds nobody can tell. */
export function duration(max: number): ValueType<number> {
  return {
    placeholder: 'time',
    range: `a time with its unit, from 0 to ${showUnits(max, timeUnits)}, such as 500ms, 10s or 5m`,
    parse: (text) => within(text === '0' ? 0 : parseUnits(text, timeUnits), 0, max),
    show: (value) => (value === 0 ? '0' : showUnits(value, timeUnits)),
  }
}

export function choice<const Word extends string>(placeholder: string, words: readonly Word[]): ValueType<Word> {
  const [last, ...others] = words.map((word) => `"${word}"`).reverse()
  return {
    placeholder,
    range: others.length === 0 ? `${last}, there is no other yet` : `${others.reverse().join(', ')} or ${last}`,
    parse: (text) => words.find((word) => word === text),
    show: String,
  }
}

export const onOff: ValueType<boolean> = {
  placeholder: undefined,
  range: '"true" or "false"',
  parse: (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined),
  show: String,
}

/** Visible ASCII: what stands in a handle or an address must not break a line of the administrative protocol. */
export function word(placeholder: string, max: number): ValueType<string> {
  return {
    placeholder,
    range: `1 to ${max} visible ASCII characters without blanks`,
    parse: (text) => (/^[!-~]+$/.test(text) && text.length <= max ? text : undefined),
    show: String,
  }
}

export const path: ValueType<string> = {
  placeholder: 'file',
  range: 'the name of a file',
  parse: (text) => (text === '' || text.includes('\0') ? undefined : text),
  show: String,
}

export const storeName: ValueType<string> = {
  placeholder: 'kind',
  range: '"sqlite:" and a file, or "memory"',
  parse: (text) => (isStoreName(text) && !text.includes('\0') ? text : undefined),
  show: String,
}

/** Largest first. */
type Units = readonly (readonly [unit: string, size: number])[]

function parseUnits(text: string, units: Units): number | undefined {
  const [, digits, unit] = /^(\d+)([a-z]+)$/i.exec(text) ?? []
  const size = units.find(([name]) => name === unit)?.[1]
  return size === undefined ? undefined : Number(digits) * size
}

function showUnits(value: number, units: Units): string {
  const [unit, size] = units.find(([, each]) => value >= each && value % each === 0) ?? ['', 1]
  return `${value / size}${unit}`
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value === undefined || value < min || value > max ? undefined : value
}
