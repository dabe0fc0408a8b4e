import type { Tree, TreeEntry } from './tree.ts'

interface Open {
  readonly kind: 'list' | 'map'
  readonly entries: TreeEntry[]
  /** Of a map: that whose value comes next. */
  key: string | undefined
}

/**
 * Undefined: it is no JSON. Numbers, the order of keys and keys that come twice are as they are written. It takes as long
 * as the text is, however deep it is.
 */
export function readJson(text: string): Tree | undefined {
  if (!isJson(text)) return undefined
  const open: Open[] = []
  let root: Tree | undefined
  const put = (value: Tree) => {
    const parent = open.at(-1)
    if (parent === undefined) root = value
    else if (parent.kind === 'list') parent.entries.push({ key: String(parent.entries.length), value })
    else {
      parent.entries.push({ key: parent.key ?? '', value })
      parent.key = undefined
    }
  }
  // That it is well-formed is known: what is left is to find where each part ends.
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at)
    if (character === '{' || character === '[') {
      open.push({ kind: character === '{' ? 'map' : 'list', entries: [], key: undefined })
      at++
    } else if (character === '}' || character === ']') {
      const closed = open.pop()
      if (closed !== undefined) put({ kind: closed.kind, entries: closed.entries })
      at++
    } else if (character === '"') {
      const end = stringEnd(text, at)
      const value = String(JSON.parse(text.slice(at, end)))
      const parent = open.at(-1)
      if (parent?.kind === 'map' && parent.key === undefined) parent.key = value
      else put({ kind: 'text', text: value })
      at = end
    } else if (between.has(character)) {
      at++
    } else {
      const end = wordEnd(text, at)
      put({ kind: /[-\d]/.test(character) ? 'number' : 'word', text: text.slice(at, end) })
      at = end
    }
  }
  return root
}

const between: ReadonlySet<string> = new Set([' ', '\t', '\n', '\r', ',', ':'])
const delimiters: ReadonlySet<string> = new Set([...between, ']', '}'])

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function stringEnd(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text.charAt(at) !== '"') at += text.charAt(at) === '\\' ? 2 : 1
  return at + 1
}

function wordEnd(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && !delimiters.has(text.charAt(at))) at++
  return at
}
