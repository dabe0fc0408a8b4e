/** What a worker says to a person, for the end of a line. */
export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data).trimEnd()
}
