const bytesPerLine = 16
const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const characters: readonly string[] = pairs.map((_, byte) =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
)

/** As `hexdump -C` has it: offset, bytes and characters; a line for each 16 bytes. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += bytesPerLine) lines.push(lineAt(bytes, at))
  return lines.join('\n')
}

/** `e2 82 ac`. */
export function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => pairs[byte]).join(' ')
}

function lineAt(bytes: Uint8Array, at: number): string {
  let hex = ''
  let text = ''
  for (let column = 0; column < bytesPerLine; column++) {
    const byte = bytes[at + column]
    const gap = column === bytesPerLine / 2 ? '  ' : ' '
    hex += gap + (byte === undefined ? '  ' : pairs[byte])
    if (byte !== undefined) text += characters[byte]
  }
  return `${at.toString(16).padStart(8, '0')} ${hex}  ${text}`
}
