import { printable } from '../text.ts'

/** What a worker says to a person, for the end of a line, without what a terminal would take for a command. */
export function textOf(data: Uint8Array): string {
  const text = new TextDecoder().decode(data).trimEnd()
  return text.replace(/\r(?!\n)|[^\r\n\t]+/g, (part) => printable(part))
}
