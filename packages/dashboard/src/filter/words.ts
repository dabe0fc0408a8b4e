/** A word of a filter: `key:value`, `key:"a value"`, or a value alone. */
export interface Word {
  /** Where in the text it is, up to the place behind it. */
  readonly start: number
  readonly end: number
  /** As it is written, quotes and all. */
  readonly text: string
  /** In small letters, without its colon; undefined: there is none. */
  readonly key: string | undefined
  readonly value: string
  readonly isQuoted: boolean
  /** Its quote has no end. */
  readonly isOpen: boolean
}

const space = /\s/
const keyBefore = /[a-z][a-z-]*:/iy

/** The words of a text. There is no text that has none to give: what is wrong with them is another's to say. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (let start = skipSpace(text, 0); start < text.length; ) {
    const word = wordAt(text, start)
    words.push(word)
    start = skipSpace(text, word.end)
  }
  return words
}

/** The value as a word of a filter has it: quoted only if it must be. A backslash means something within quotes alone. */
export function quoted(value: string): string {
  const isPlain = value !== '' && !value.startsWith('"') && !space.test(value)
  return isPlain ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`
}

function wordAt(text: string, start: number): Word {
  keyBefore.lastIndex = start
  const key = keyBefore.exec(text)?.[0]
  const valueStart = start + (key?.length ?? 0)
  const isQuoted = text[valueStart] === '"'
  const { value, end, isOpen } = isQuoted ? quotedAt(text, valueStart) : plainAt(text, valueStart)
  return {
    start,
    end,
    text: text.slice(start, end),
    key: key?.slice(0, -1).toLowerCase(),
    value,
    isQuoted,
    isOpen,
  }
}

type Value = Pick<Word, 'value' | 'end' | 'isOpen'>

function plainAt(text: string, start: number): Value {
  let end = start
  while (end < text.length && !space.test(text.charAt(end))) end++
  return { value: text.slice(start, end), end, isOpen: false }
}

function quotedAt(text: string, start: number): Value {
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at)
    const next = text.charAt(at + 1)
    if (character === '"') return { value, end: at + 1, isOpen: false }
    // Names of PHP's classes have backslashes: one before anything else is one.
    if (character === '\\' && (next === '"' || next === '\\')) {
      value += next
      at++
    } else value += character
  }
  return { value, end: text.length, isOpen: true }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (at < text.length && space.test(text.charAt(at))) at++
  return at
}
