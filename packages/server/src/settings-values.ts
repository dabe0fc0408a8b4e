import { formatServerAddress, parseServerAddress } from '@geartrain/protocol'
import { parseLinkAddress } from './cluster/links/link-address.ts'
import { fromWire, isPattern, nameProblem, toWire } from './policies/function-name.ts'
import { isStoreName } from './store/kinds.ts'
import { withoutPassword } from './store/postgres/address.ts'

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

/** A number that need not be whole. */
export function decimal(placeholder: string, min: number, max: number): ValueType<number> {
  return {
    placeholder,
    range: `a number from ${min} to ${max}`,
    parse: (text) => within(parseDecimal(text), min, max),
    show: String,
  }
}

/** So many a second. Written as less than one it may be so many a minute or an hour. */
export function rate(min: number, max: number): ValueType<number> {
  return {
    placeholder: 'rate',
    range: `a number a second from ${min} to ${max}, such as 100, 0.5, 10/s, 30/m or 5/h`,
    parse: (text) => {
      const [, number = '', unit = 's'] = /^([\d.]+)(?:\/([a-z]))?$/.exec(text) ?? []
      const seconds = rateSeconds.get(unit)
      const count = parseDecimal(number)
      return count === undefined || seconds === undefined ? undefined : within(count / seconds, min, max)
    },
    show: (value) => {
      const short = Number(value.toFixed(3)) === value
      for (const [unit, seconds] of rateSeconds) {
        const count = Math.round(value * seconds)
        if (!short && count / seconds === value) return `${count}/${unit}`
      }
      return String(value)
    },
  }
}

const rateSeconds: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
])

/** An address and a port, or a port alone: `127.0.0.1:4731`, `[::1]:4731`, `*:4731`, `4731`. */
export const httpAddress: ValueType<string> = {
  placeholder: 'address',
  range: 'an address and a port such as 127.0.0.1:4731 or [::1]:4731, or a port alone',
  parse: (text) => {
    const [, host = '127.0.0.1', port = ''] = /^(?:(\*|\[[\da-fA-F:.]+\]|[^\s:[\]]+):)?(\d{1,5})$/.exec(text) ?? []
    return port === '' || Number(port) > 65_535 ? undefined : `${host}:${Number(port)}`
  },
  show: String,
}

/** `http://127.0.0.1:4318`, with a path or without. */
export const httpUrl: ValueType<string> = {
  placeholder: 'url',
  range: 'a URL such as http://127.0.0.1:4318, without user and password',
  parse: (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined
    return url.username === '' && url.password === '' ? text : undefined
  },
  show: String,
}

/** A port, or a word that says there is none of its own. */
export const tlsPort: ValueType<string> = {
  placeholder: 'number',
  range: 'a whole number from 0 to 65535, "same" or "off"',
  parse: (text) => (text === 'same' || text === 'off' ? text : portNumber.parse(text)?.toString()),
  show: String,
}

const portNumber = wholeNumber('number', 0, 65_535)

/** Words with commas between them. */
export function words(placeholder: string, bytesMax: number): ValueType<readonly string[]> {
  const one = word(placeholder, bytesMax)
  return {
    placeholder,
    range: `${placeholder} with commas between them`,
    parse: (text) => {
      const parts = text.split(',').map((part) => part.trim())
      const parsed = parts.filter((part) => part !== '').map((part) => one.parse(part))
      const known = parsed.filter((part) => part !== undefined)
      return known.length === parsed.length ? known : undefined
    },
    show: (value) => value.join(','),
  }
}

/** Where job servers are, with commas between them; each is given back with its port. */
export const serverAddresses: ValueType<readonly string[]> = {
  placeholder: 'servers',
  range:
    'job servers such as 10.0.0.2, jobs.example:4730 or [::1]:4730, with commas between them and ports from 1 to 65535',
  parse: (text) => {
    const addresses = new Set<string>()
    for (const part of text.split(',')) {
      if (part.trim() === '') continue
      const address = parseServerAddress(part)
      if (typeof address === 'string' || !/^[!-~]+$/.test(address.host)) return undefined
      addresses.add(formatServerAddress(address))
    }
    return [...addresses]
  },
  show: (value) => value.join(','),
}

/** Where one job server is to be dialled by others; empty: nowhere in particular. */
export const linkAddress: ValueType<string> = {
  placeholder: 'address',
  range: 'an address such as 10.0.0.2:4730 or gearmans://jobs-1.example:4730',
  parse: (text) => {
    if (text === '') return text
    const address = parseLinkAddress(text)
    return typeof address === 'string' || !/^[!-~]+$/.test(address.host) ? undefined : text
  },
  show: String,
}

/** Nothing that is wrong with it may be said where it is read, since that would tell it. Empty: there is none. */
export const secret: ValueType<string> = {
  placeholder: 'token',
  range: 'a token',
  parse: (text) => text,
  show: (value) => (value === '' ? '' : '...'),
}

/** What `type` allows, and a word that stands for one more value. */
export function orWord<Value>(word: string, value: Value, type: ValueType<Value>): ValueType<Value> {
  return {
    placeholder: type.placeholder,
    range: `${type.range}, or "${word}"`,
    parse: (text) => (text === word ? value : type.parse(text)),
    show: (shown) => (shown === value ? word : type.show(shown)),
  }
}

/** Some of the words, with commas between; "all" or "none". */
export function someOf<const Word extends string>(
  placeholder: string,
  words: readonly Word[],
): ValueType<readonly Word[]> {
  return {
    placeholder,
    range: `"all", "none", or some of ${words.join(', ')}, with commas between`,
    parse: (text) => {
      if (text === 'all') return words
      if (text === 'none') return []
      const given = text.split(',').map((each) => each.trim())
      return given.every((each) => words.some((word) => word === each))
        ? words.filter((word) => given.includes(word))
        : undefined
    },
    show: (value) => (value.length === 0 ? 'none' : value.length === words.length ? 'all' : value.join(',')),
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
export function duration(max: number, min = 0): ValueType<number> {
  return {
    placeholder: 'time',
    range: `a time with its unit, from ${min === 0 ? 0 : showUnits(min, timeUnits)} to ${showUnits(max, timeUnits)}, such as 500ms, 10s or 5m`,
    parse: (text) => within(text === '0' ? 0 : parseUnits(text, timeUnits), min, max),
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
  range: '"sqlite:" and a file, "postgres://" and the rest of a URL, or "memory"',
  parse: (text) => (isStoreName(text) && !text.includes('\0') ? text : undefined),
  show: withoutPassword,
}

/** As the protocol has it; empty: none. */
export const functionName: ValueType<string> = {
  placeholder: 'function',
  range: 'the name of a function, of at most 512 bytes and without *, or empty',
  parse: (text) => {
    if (text === '') return text
    return isPattern(text) || nameProblem(text) !== undefined ? undefined : toWire(text)
  },
  show: fromWire,
}

/** Largest first. */
type Units = readonly (readonly [unit: string, size: number])[]

function parseDecimal(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

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
