import { looseText, textOf, wholeCharacters } from './bytes.ts'
import { readJson } from './json.ts'
import { readPhp } from './php.ts'
import { isBranch, type Tree } from './tree.ts'

export type ViewName = 'json' | 'php' | 'text' | 'hex'

/** How a payload can be looked at. */
export interface Views {
  /** What there is, in the order in which it is offered. */
  readonly names: readonly ViewName[]
  readonly best: ViewName
  readonly json?: Tree
  readonly php?: Tree
  readonly text: string
  /** The text says all that the bytes do. */
  readonly isText: boolean
}

/** Of the beginning alone no tree can be made. */
export function viewsOf(bytes: Uint8Array, isWhole: boolean): Views {
  const known = isWhole ? bytes : wholeCharacters(bytes)
  const exact = textOf(known)
  const json = isWhole && exact !== undefined ? readJson(exact) : undefined
  const php = isWhole ? readPhp(bytes) : undefined
  const names: ViewName[] = []
  if (json !== undefined) names.push('json')
  if (php !== undefined) names.push('php')
  names.push('text', 'hex')
  return {
    names,
    best: bestOf(json, php, exact),
    ...(json === undefined ? {} : { json }),
    ...(php === undefined ? {} : { php }),
    text: exact ?? looseText(known),
    isText: exact !== undefined,
  }
}

/** A number or a word of JSON is as well read as text. */
function bestOf(json: Tree | undefined, php: Tree | undefined, text: string | undefined): ViewName {
  if (php !== undefined) return 'php'
  if (json !== undefined && isBranch(json)) return 'json'
  return text !== undefined && isReadable(text) ? 'text' : 'hex'
}

/** The colours of a terminal are no reason to show bytes; a NUL is. */
function isReadable(text: string): boolean {
  return !/\p{Cc}/u.test(text.replaceAll(/[\t-\r]|\p{Cc}(?=\[[\d;]*m)/gu, ''))
}
