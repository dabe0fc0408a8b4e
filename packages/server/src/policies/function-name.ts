/** As libgearman has it. */
const nameBytesMax = 512

const notAscii = /[^\p{ASCII}]/u

/** Why a function or pattern can't be called so; undefined: it can. */
export function nameProblem(name: string): string | undefined {
  const { length } = toWire(name)
  if (length === 0) return 'a function has a name, and this one is empty'
  if (length > nameBytesMax) return `the name of a function has at most ${nameBytesMax} bytes, not ${length}`
  const hasControl = Array.from(name).some((character) => character < ' ' || character === '\x7f')
  return hasControl ? `there is a control character in the name ${JSON.stringify(name)}` : undefined
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

/** `*` in the pattern is any characters, or none. It never takes longer than the lengths multiplied. */
export function fits(pattern: string, name: string): boolean {
  let at = 0
  let inName = 0
  let star = -1
  // As far as the last * takes so far.
  let starEnd = 0
  while (inName < name.length) {
    if (pattern[at] === '*') {
      star = at++
      starEnd = inName
    } else if (pattern[at] === name[inName]) {
      at++
      inName++
    } else if (star >= 0) {
      at = star + 1
      inName = ++starEnd
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

/** Those with the most literal characters first; among equals by name. */
export function byPrecedence(one: string, other: string): number {
  return literalCount(other) - literalCount(one) || (one < other ? -1 : one > other ? 1 : 0)
}

function literalCount(pattern: string): number {
  return pattern.replaceAll('*', '').length
}
