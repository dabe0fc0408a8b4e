const newline = 0x0a

/** Of a line that has no end: longer than any that can be written. */
const lineBytesMax = 512 * 1024 * 1024 - 32

/** The lines of a stream of bytes, without their ends, as many at a time as have come. An empty last line is none. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[]> {
  // Of a line whose end has not come.
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = []
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const rest = chunk.subarray(start, end)
      lines.push(parts.length === 0 ? rest : Buffer.concat([...parts, rest]))
      parts = []
      bytes = 0
      start = end + 1
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > lineBytesMax) throw new RangeError(`a line has more than ${lineBytesMax} bytes`)
    yield lines
  }
  if (bytes > 0) yield [Buffer.concat(parts)]
}
