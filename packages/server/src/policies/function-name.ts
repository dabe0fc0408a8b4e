/** As libgearman has it. */
const nameBytesMax = 512

const notAscii = /[^\p{ASCII}]/u

/** Why a function or pattern can't be called so; undefined: it can. */
export function nameProblem(name: string): string | undefined {
  // It would be written as another character.
  if (/\p{Surrogate}/u.test(name)) return `there is half a character in the name ${JSON.stringify(name)}`
  return wireNameProblem(toWire(name))
}

/** The same for a name as the protocol has it. */
export function wireNameProblem(wire: string): string | undefined {
  const { length } = wire
  if (length === 0) return 'a function has a name, and this one is empty'
  if (length > nameBytesMax) return `the name of a function has at most ${nameBytesMax} bytes, not ${length}`
  const hasControl = Array.from(wire).some((character) => character < ' ' || character === '\x7f')
  return hasControl ? `there is a control character in the name ${JSON.stringify(fromWire(wire))}` : undefined
}

/** As the protocol has names: one character for each byte of its UTF-8. */
export function toWire(name: string): string {
  return notAscii.test(name) ? Buffer.from(name, 'utf8').toString('latin1') : name
}

export function fromWire(wire: string): string {
  return notAscii.test(wire) ? Buffer.from(wire, 'latin1').toString('utf8') : wire
}

/** It stands for all functions whose names fit. */
export function isPattern(name: string): boolean {
  return name.includes('*')
}

/** `*` in the pattern is any characters, or none. */
export function fits(pattern: string, name: string): boolean {
  return partsFit(pattern.split('*'), name)
}

/** The same for a pattern that is split at its `*`. */
export function partsFit(parts: readonly string[], name: string): boolean {
  const last = parts.length - 1
  const head = parts[0] ?? ''
  const tail = parts[last] ?? ''
  if (last === 0) return head === name
  const end = name.length - tail.length
  if (end < head.length || !name.startsWith(head) || !name.endsWith(tail)) return false
  let at = head.length
  for (let index = 1; index < last; index++) {
    const part = parts[index] ?? ''
    // The first place is the best one: it leaves most for the parts that follow.
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= end
}

/** Those with the most literal characters first; among equals by name. */
export function byPrecedence(one: string, other: string): number {
  return literalCount(other) - literalCount(one) || (one < other ? -1 : one > other ? 1 : 0)
}

function literalCount(pattern: string): number {
  return pattern.replaceAll('*', '').length
}
