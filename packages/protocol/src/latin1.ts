/**
 * Names on the wire (functions, uniques, handles, ids) are bytes of no declared encoding. In the program they are
 * strings in which each character is one byte (0 to 255), so that whatever came in goes out unchanged.
 * To show such a name to a person, decode its bytes as UTF-8.
 */

/** Node's Buffer does both conversions natively; any other Uint8Array takes the loop. */
interface NativeLatin1 {
  latin1Slice?(start: number, end: number): string
  latin1Write?(text: string, offset: number): number
}

/** Below this many bytes a loop is quicker than the call into the runtime. */
const loopBytesMax = 12
/** More arguments than this a call may refuse. */
const callBytesMax = 4096

export function readLatin1(bytes: Uint8Array & NativeLatin1, start: number, end: number): string {
  let text = ''
  if (end - start <= loopBytesMax) {
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0)
    return text
  }
  if (bytes.latin1Slice !== undefined) return bytes.latin1Slice(start, end)
  for (let at = start; at < end; at += callBytesMax) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + callBytesMax)))
  }
  return text
}

/** Writes `text` at `offset`, where there must be room for it. */
export function writeLatin1(bytes: Uint8Array & NativeLatin1, offset: number, text: string): void {
  if (text.length > loopBytesMax && bytes.latin1Write !== undefined) {
    bytes.latin1Write(text, offset)
    return
  }
  for (let i = 0; i < text.length; i++) bytes[offset + i] = text.charCodeAt(i)
}
