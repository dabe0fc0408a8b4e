import { InvalidArgumentError } from './errors.ts'

/** As libgearman has it. A name that the server has no room for can cost the whole connection. */
const functionBytesMax = 512
export const uniqueBytesMax = 64

const notAscii = /[^\p{ASCII}]/u

/**
 * Names as the wire has them: one character a byte, of the name's UTF-8. The packet's arguments end with NUL, so
 * there is none in them.
 */
export function wireName(name: string, what: string, bytesMax: number = functionBytesMax): string {
  const wire = notAscii.test(name) ? Buffer.from(name, 'utf8').toString('latin1') : name
  if (wire.includes('\0')) throw new InvalidArgumentError(`there is a NUL in the ${what} ${JSON.stringify(name)}`)
  if (wire.length > bytesMax) {
    throw new InvalidArgumentError(`the ${what} has ${wire.length} bytes, at most ${bytesMax} are allowed`)
  }
  return wire
}

/** And back. Bytes that are no UTF-8 come out as replacement characters. */
export function readWireName(wire: string): string {
  return notAscii.test(wire) ? Buffer.from(wire, 'latin1').toString('utf8') : wire
}
