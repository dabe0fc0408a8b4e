const defaultPartBytes = 1024 * 1024
const newline = 0x0a

/**
 * Cuts text into parts that end where a line ends, each of about `partBytes`: more where a line is longer than that.
 * The source is a workload, or a stream such as that of a file, which is read as parts are taken.
 */
export async function* splitLines(
  source: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  partBytes: number = defaultPartBytes,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of source instanceof Uint8Array ? [source] : source) {
    let rest = piece
    while (length + rest.length >= partBytes) {
      // The first line end from where the part is long enough.
      const end = rest.indexOf(newline, Math.max(partBytes - length - 1, 0)) + 1
      if (end === 0) break
      yield Buffer.concat([...pieces, rest.subarray(0, end)])
      pieces = []
      length = 0
      rest = rest.subarray(end)
    }
    if (rest.length === 0) continue
    pieces.push(rest)
    length += rest.length
  }
  if (length > 0) yield Buffer.concat(pieces)
}
