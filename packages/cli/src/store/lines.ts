const newline = 0x0a

/** Of a line that has no end: longer than any that can be written. */
export const lineBytesMax: number = 512 * 1024 * 1024 - 32

/** The lines of a stream of bytes, without their ends. An empty last line is none. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(newline, start)
      if (end < 0) break
      const rest = chunk.subarray(start, end)
      yield parts.length === 0 ? rest : Buffer.concat([...parts, rest])
      parts = []
      bytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > lineBytesMax) throw new RangeError(`a line has more than ${lineBytesMax} bytes`)
  }
  if (bytes > 0) yield Buffer.concat(parts)
}
