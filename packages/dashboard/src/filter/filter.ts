import type { JobStateName } from '@geartrain/protocol'
import type { Query } from '../api/api.ts'
import { type Filter, type FilterKey, filterKeys, readFunction } from './filter-keys.ts'
import { quoted, type Word, wordsOf } from './words.ts'

// The language in which jobs are asked for: `function:mail.* state:dead age:>5m "two words"`. Words are in any order; a
// word without a key is a handle if it looks like one, else a part of a function's name.

/** Why a word counts for nothing, and what to do. */
export interface Problem {
  readonly start: number
  readonly end: number
  /** As it is written. */
  readonly word: string
  readonly message: string
}

export interface Parsed {
  /** What all other words ask for. */
  readonly filter: Filter
  /** In the order of the words. */
  readonly problems: readonly Problem[]
}

export function parse(text: string): Parsed {
  let filter: Filter = {}
  const problems: Problem[] = []
  for (const word of wordsOf(text)) {
    const read = readWord(word)
    const message = typeof read === 'string' ? read : clash(filter, read)
    if (message !== undefined) problems.push({ start: word.start, end: word.end, word: word.text, message })
    else if (typeof read === 'object') filter = { ...filter, ...read }
  }
  return { filter, problems }
}

/** The text of a filter, always the same one. */
export function print(filter: Filter): string {
  return Object.entries(filterKeys)
    .flatMap(([key, { write }]) =>
      write(filter).flatMap((value) => (value === undefined ? [] : `${key}:${quoted(value)}`)),
    )
    .join(' ')
}

/** As /api/jobs takes it. */
export function toQuery(filter: Filter): Query {
  const { olderThan, youngerThan, ...rest } = toBody(filter)
  return {
    ...rest,
    ...(olderThan === undefined ? {} : { 'older-than': olderThan }),
    ...(youngerThan === undefined ? {} : { 'younger-than': youngerThan }),
  }
}

/** As the body of /api/jobs/bulk has it. */
export function toBody(filter: Filter): Omit<Filter, 'handle'> {
  const { handle: _, ...rest } = filter
  return rest
}

/** What the server takes for the state where none is asked for; undefined: all that have not ended. */
export function stateOf({ state, worker, reason }: Filter): JobStateName | undefined {
  return state ?? (worker !== undefined ? 'running' : reason !== undefined ? 'dead' : undefined)
}

const handleLike = /^H:.+:\d+$/s

function readWord({ key, value, text, isQuoted, isOpen }: Word): Filter | string {
  if (isOpen) return 'Its quote has no end: add one.'
  const row = key === undefined ? undefined : keyOf(key)
  if (row === undefined) {
    if (handleLike.test(text)) return { handle: text }
    return key === undefined ? readPart(value) : noKey(key, text)
  }
  if (value === '' && !(isQuoted && row.mayBeEmpty === true)) return `It has no value. ${sentence(row)}`
  return row.read(value)
}

/** A word alone. */
function readPart(value: string): Filter | string {
  if (value === '') return 'There is nothing to look for: write a part of a function’s name, or leave it out.'
  if (handleLike.test(value)) return { handle: value }
  return readFunction(value.includes('*') ? value : `*${value}*`)
}

function keyOf(key: string): FilterKey | undefined {
  return Object.hasOwn(filterKeys, key) ? filterKeys[key] : undefined
}

function noKey(key: string, text: string): string {
  const near = Object.keys(filterKeys).find((each) => each.startsWith(key) || key.startsWith(each))
  const meant = near === undefined ? `There are ${Object.keys(filterKeys).join(', ')}.` : `Did you mean ${near}:?`
  return `There is no key ${key}:. ${meant} For a function of that name write function:${quoted(text)}.`
}

function sentence({ help, values }: FilterKey): string {
  return values === undefined ? `It is the job’s ${help}.` : `It can be ${values.map(([value]) => value).join(', ')}.`
}

/** Each can be asked for once. */
function clash(filter: Filter, read: Filter): string | undefined {
  const twice = Object.keys(read).find((member) => Object.hasOwn(filter, member))
  if (twice === undefined) return undefined
  const what = { olderThan: 'age:>', youngerThan: 'age:<' }[twice] ?? `${twice}:`
  return `${what} is there already, and a job has one. Take one of the two away.`
}
