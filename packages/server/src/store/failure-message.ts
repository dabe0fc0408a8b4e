/** What is longer is cut. */
const messageCharactersMax = 200
/** So much of an error is looked at. */
const lookedMax = 1000

/** What differs from job to job: handles, UUIDs, hexadecimal numbers, and all others. */
const particulars =
  /H:[^\s:]{1,64}:\d+|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b0x[0-9a-f]+|\b(?=[a-f]{0,31}\d)[0-9a-f]{8,}\b|\d+(?:\.\d+)*/gi

/**
 * What errors have in common that are of one kind: the first line that is not empty, with `#` for what differs from job
 * to job. `timeout after 3012 ms` is `timeout after # ms`.
 */
export function failureMessage(error: string): string {
  const start = error.search(/\S/)
  if (start < 0) return ''
  const [line = ''] = error.slice(start, start + lookedMax).split(/[\r\n]/, 1)
  return line.replaceAll(particulars, '#').trim().slice(0, messageCharactersMax)
}
