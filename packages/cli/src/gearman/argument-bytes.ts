import { readFileSync } from 'node:fs'
import { Fault } from '../fault.ts'
import { gearmanExitCode } from './flags.ts'

/** What Node puts in the place of bytes that are no UTF-8. */
const replacement = '\ufffd'

/** An argument of this process as the bytes that were given: it may be in another encoding than UTF-8. */
export function argumentBytes(argument: string): Uint8Array {
  const bytes = Buffer.from(argument)
  if (!argument.includes(replacement)) return bytes
  const given = readCommandLine().filter((each) => each.toString() === argument)
  if (given[0] !== undefined && given.every((each) => each.equals(given[0] ?? bytes))) return given[0]
  throw new Fault('an argument is no UTF-8: put such a payload on stdin', gearmanExitCode)
}

/** Empty where the system does not tell. */
function readCommandLine(): Buffer[] {
  try {
    const words = readFileSync('/proc/self/cmdline', 'latin1').split('\0')
    return words.map((word) => Buffer.from(word, 'latin1'))
  } catch {
    return []
  }
}
