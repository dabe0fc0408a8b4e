import { createHash } from 'node:crypto'

// A workload is made from its name and can be read back into it, so that a ledger need not keep it: `s17` is three
// bytes, `s17+5000` is five thousand that begin with the name. The name of no bytes is empty.

const fillerBytes = 256 * 1024
/** The longest name, and so more than the fewest bytes that a size can ask for. */
export const sizedBytesMin = 32

/** The bytes of that name, one a character. */
export function workloadOf(name: string): string {
  const bytes = Number(/\+(\d+)$/.exec(name)?.[1] ?? 0)
  if (bytes < sizedBytesMin) return name
  // Each begins elsewhere in the filler.
  const start = (bytes * 7919 + (name.charCodeAt(name.length - 1) + name.charCodeAt(1)) * 101) % (fillerBytes / 2)
  return `${name} ${filler.slice(start, start + bytes)}`.slice(0, bytes)
}

/** The name of what came; a name that nothing else has if it is not what was made of a name. */
export function nameOf(workload: string): string {
  const name = workload.slice(0, sizedBytesMin).split(' ', 1)[0] ?? ''
  if (/^[a-z\d+-]*$/.test(name) && workloadOf(name) === workload) return name
  const hash = createHash('sha1').update(workload, 'latin1').digest('hex').slice(0, 12)
  return `damaged-${workload.length}-bytes-${hash}`
}

/** All bytes there are, in an order that does not repeat. */
const filler: string = makeFiller()

function makeFiller(): string {
  const bytes = Buffer.alloc(fillerBytes)
  let state = 4730
  for (let i = 0; i < fillerBytes; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes.toString('latin1')
}
