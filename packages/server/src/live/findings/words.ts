import { textOfName } from '../../http/names.ts'

// How findings name things: for a person who reads them on a page or in a terminal.

/** Of a name that is longer, so much is shown. */
const nameMax = 100
const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
/** What would move the cursor or the text around it, or be invisible. */
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu
const plain = /^[\w.:@%+,/][\w.:@%+,/-]*$/

/** A function's name, as on the wire. */
export function nameOf(wire: string): string {
  return lineOf(textOfName(wire), nameMax)
}

/** A stranger's text, without what a terminal would take for a command. */
export function lineOf(text: string, lengthMax: number): string {
  const characters = Array.from(text.replace(unprintable, '\ufffd'))
  return characters.length > lengthMax ? `${characters.slice(0, lengthMax).join('')}…` : characters.join('')
}

/** `1 job`, `12,000 jobs`. */
export function jobs(count: number): string {
  return count === 1 ? '1 job' : `${number(count)} jobs`
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}

/** A time that goes by; it is told so that it seldom becomes another text. */
export function about(ms: number): string {
  if (ms < 10 * second) return `${Math.floor(ms / second)} s`
  if (ms < minute) return `${Math.floor(ms / (10 * second)) * 10} s`
  if (ms < 2 * hour) return `${Math.floor(ms / minute)} min`
  if (ms < 2 * day) return `${Math.floor(ms / hour)} h`
  return `${number(Math.floor(ms / day))} days`
}

/** A time that was measured. */
export function exactly(ms: number): string {
  if (ms < second) return `${number(Math.round(ms))} ms`
  return ms < 10 * second ? `${(ms / second).toFixed(1)} s` : about(ms)
}

/**
 * What to type: the words, then the name, quoted for a shell. Undefined if no shell would pass the name on as it is, if
 * pasting it would do something else, or if the command would take it for a pattern.
 */
export function commandWith(words: string, wire: string): string | undefined {
  const text = textOfName(wire)
  if (text.includes('*') || text.search(unprintable) >= 0) return undefined
  const argument = plain.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
  return `geartrain ${words} ${text.startsWith('-') ? '-- ' : ''}${argument}`
}
