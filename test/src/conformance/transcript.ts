import { hostname } from 'node:os'
import type { ServerKind } from '../support/peers.ts'
import { PACKET, printable, type RawPacket, request } from '../support/raw.ts'

/*
 * The language of the conformance tests: who sends what, and what comes back, to the byte.
 *
 *   worker > CAN_DO f                 sends a packet; `|` stands for the NUL between two arguments
 *   client < JOB_CREATED $job         the next packet must be this one, with exactly these bytes
 *   client > "status\n"               sends text
 *   client < "f\t1\t0\t0\n.\n"        the next text must be this
 *   client <~ "a\nb\n.\n"             ... its lines in any order
 *   client > bytes \0REQ              sends bytes; `< bytes` expects them
 *   client quiet                      nothing has come that was not expected
 *   client leaves                     ends its connection, and goes on when the server has seen it
 *   client closed                     the server has closed the connection and sent nothing before
 *   client unanswered                 no answer, and the connection may be closed now or later: of no use any more
 *
 * A peer connects when it is first named. `$job` is bound by the first line that expects it and stands for the
 * same bytes from then on; two names never have the same value; one that starts with `job` is a job handle, one that
 * starts with `text` may have blanks in it.
 * `{x*65}` repeats; `\0 \n \r \t \\ \| \xHH` are escapes. Every peer must be quiet at the end.
 *
 * What Geartrain does otherwise than gearmand on purpose stands side by side behind its reason:
 *
 *   differs: a job that was cancelled leaves the counts at once
 *   ours:     admin < "f\t0\t0\t0\n.\n"
 *   gearmand: admin < "f\t1\t0\t0\n.\n"
 *
 * `ours only: REASON` keeps the whole transcript from gearmand: for what would crash it.
 */

export type Step = {
  readonly lineNumber: number
  readonly source: string
  readonly only: ServerKind | undefined
  readonly peer: string
  readonly verb: '>' | '<' | '<~' | 'quiet' | 'leaves' | 'closed' | 'unanswered'
  readonly payload: string
}

export type Transcript = {
  readonly steps: readonly Step[]
  readonly differences: readonly string[]
  /** Why gearmand is not asked, if it is not. */
  readonly oursOnly: string | undefined
}

const stepPattern = /^(?:(ours|gearmand):\s+)?([a-z]\w*)\s+(?:(>|<~|<)\s(.*)|(quiet|leaves|closed|unanswered)\s*)$/

export function parseTranscript(source: string): Transcript {
  const steps: Step[] = []
  const differences: string[] = []
  let oursOnly: string | undefined
  let isInDifference = false
  source.split('\n').forEach((raw, index) => {
    const line = raw.trimStart()
    if (line.trim() === '' || line.startsWith('#')) return
    const remark = /^(differs|ours only): (.+)$/.exec(line)
    if (remark?.[1] === 'differs') {
      differences.push(remark[2] ?? '')
      isInDifference = true
      return
    }
    if (remark !== null) {
      oursOnly = remark[2]
      return
    }
    const match = stepPattern.exec(line)
    if (match === null) throw new Error(`line ${index + 1} of the transcript is not a step: ${line}`)
    const [, only, peer = '', arrow, payload = '', word] = match
    if (only === undefined) isInDifference = false
    else if (!isInDifference) throw new Error(`line ${index + 1}: "${only}:" has no "differs: REASON" before it`)
    steps.push({
      lineNumber: index + 1,
      source: line,
      only: only === 'ours' || only === 'gearmand' ? only : undefined,
      peer,
      verb: verbOf(arrow ?? word ?? ''),
      payload,
    })
  })
  return { steps, differences, oursOnly }
}

function verbOf(word: string): Step['verb'] {
  switch (word) {
    case '>':
    case '<':
    case '<~':
    case 'quiet':
    case 'leaves':
    case 'closed':
    case 'unanswered':
      return word
    default:
      throw new Error(`no verb: ${word}`)
  }
}

/** What the `$names` of a transcript stand for. */
export class Names {
  readonly #values: Map<string, string>

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries({ host: hostname(), ...values }))
  }

  get(name: string): string {
    const value = this.#values.get(name)
    if (value === undefined) throw new Error(`$${name} is not known yet`)
    return value
  }

  /** Template to bytes (one character a byte). */
  fill(template: string): string {
    return pieces(template)
      .map((piece) => (piece.name === undefined ? piece.literal : this.get(piece.name)))
      .join('')
  }

  /** Whether `actual` is what the template says; if so, new names get their values from it. */
  match(template: string, actual: string): boolean {
    const fresh: string[] = []
    const pattern = pieces(template).map((piece) => {
      if (piece.name === undefined) return escapeRegExp(piece.literal)
      const known = this.#values.get(piece.name)
      if (known !== undefined) return escapeRegExp(known)
      if (fresh.includes(piece.name)) return `\\k<${piece.name}>`
      fresh.push(piece.name)
      return `(?<${piece.name}>${patternOf(piece.name)})`
    })
    const found = new RegExp(`^${pattern.join('')}$`, 's').exec(actual)
    if (found === null) return false
    for (const name of fresh) {
      const value = found.groups?.[name] ?? ''
      for (const [other, otherValue] of this.#values) {
        if (otherValue === value) throw new Error(`$${name} is ${value}, but that is $${other} already`)
      }
      this.#values.set(name, value)
    }
    return true
  }

  /** The lines of `actual` are those of the template in any order. */
  matchLines(template: string, actual: string): boolean {
    const actualLines = actual.split('\n')
    const templateLines = template.split(/(?<=\\n)/).map((line) => line.replace(/\\n$/, ''))
    if (template.endsWith('\\n')) templateLines.push('')
    if (actualLines.length !== templateLines.length) return false
    return templateLines.every((line) => {
      const at = actualLines.findIndex((candidate) => this.match(line, candidate))
      if (at >= 0) actualLines.splice(at, 1)
      return at >= 0
    })
  }

  /** A template with what is known put in, for error messages. */
  show(template: string): string {
    return template.replace(/\$(\w+)/g, (whole, name: string) => this.#values.get(name) ?? whole)
  }
}

function patternOf(name: string): string {
  if (name.startsWith('job')) return `H:${escapeRegExp(hostname())}:[1-9][0-9]*`
  return name.startsWith('text') ? '[ -~]+' : '[^\\0\\s]+'
}

type Piece = { readonly literal: string; readonly name: undefined } | { readonly name: string }

const piecePattern = /\\x([0-9a-f]{2})|\\(.)|\{(.)\*(\d+)\}|\$([a-zA-Z]\w*)|([^\\]|\\$)/gs
const escapes: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r', t: '\t', '\\': '\\', '|': '|' }

function pieces(template: string): Piece[] {
  return [...template.matchAll(piecePattern)].map(([whole, hex, escape, repeated, count, name, plain]): Piece => {
    if (name !== undefined) return { name }
    if (hex !== undefined) return { literal: String.fromCharCode(Number.parseInt(hex, 16)), name: undefined }
    if (repeated !== undefined) return { literal: repeated.repeat(Number(count)), name: undefined }
    if (escape === undefined)
      return { literal: Buffer.from(plain ?? whole, 'utf8').toString('latin1'), name: undefined }
    const literal = escapes[escape]
    if (literal === undefined) throw new Error(`no escape: ${whole}`)
    return { literal, name: undefined }
  })
}

/** `f|u|data` to `f\0u\0data`, still as a template. */
function packetBody(payload: string): string {
  return payload.replace(/\\.|\|/gs, (found) => (found === '|' ? '\\0' : found))
}

/** The text between the first and the last quote, or undefined if the payload is not text. */
export function quotedText(payload: string): string | undefined {
  return /^"(.*)"\s*$/s.exec(payload)?.[1]
}

/** `NAME args` apart; a number stands for a type that has no name. */
export function packetOf(payload: string): { type: number; name: string; body: string } {
  const space = payload.indexOf(' ')
  const name = space < 0 ? payload : payload.slice(0, space)
  const type = new Map<string, number>(Object.entries(PACKET)).get(name) ?? Number(name)
  if (!Number.isInteger(type)) throw new Error(`no packet: ${name}`)
  return { type, name, body: space < 0 ? '' : packetBody(payload.slice(space + 1)) }
}

export function requestOf(payload: string, names: Names): Buffer {
  const { type, body } = packetOf(payload)
  return request(type, names.fill(body))
}

export function showPacket(packet: RawPacket): string {
  const body = printable(packet.body).replaceAll('|', '\\|').replaceAll('\\0', '|')
  return body === '' ? packet.name : `${packet.name} ${body}`
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
