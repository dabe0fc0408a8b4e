import { printable } from '../text.ts'

/** What a worker says to a person, for the end of a line, without what a terminal would take for a command. */
export function textOf(data: Uint8Array): string {
  return new TextDecoder()
    .decode(data)
    .trimEnd()
    .split(/(\r?\n|\t)/)
    .map(shown)
    .join('')
}

function shown(part: string, index: number): string {
  // Every other one is what stands between the parts.
  return index % 2 === 1 ? part : printable(part)
}
