const bytesPerLine = 16

/** As `hexdump -C` has it: offset, bytes and characters; a line for each 16 bytes. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += bytesPerLine) lines.push(lineAt(bytes, at))
  return lines.join('\n')
}

/** `e2 82 ac`. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, hex).join(' ')
}

function lineAt(bytes: Uint8Array, at: number): string {
  const own = bytes.subarray(at, at + bytesPerLine)
  const left = hexBytes(own.subarray(0, 8))
  const right = hexBytes(own.subarray(8))
  const characters = Array.from(own, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('')
  return `${at.toString(16).padStart(8, '0')}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${characters}`
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
