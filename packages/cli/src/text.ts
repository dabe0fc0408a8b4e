// Text as a terminal shows it: in columns, some characters taking two of them and some none.

const zeroWidth = /\p{M}/u
const doubleWidth =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u
/** What would move the cursor, or the text around it. */
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu
const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A name that a stranger chose, without what a terminal would take for a command. */
export function printable(text: string): string {
  return text.replace(unprintable, '\ufffd')
}

export function textWidth(text: string): number {
  // Most names are ASCII.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** The text in exactly `width` columns: cut, with a mark that it is, or filled with blanks. */
export function fit(text: string, width: number, isRight = false): string {
  const own = textWidth(text)
  if (own > width) return cut(text, width)
  const blanks = ' '.repeat(width - own)
  return isRight ? blanks + text : text + blanks
}

/** The beginning of the text in at most `width` columns. */
export function clip(text: string, width: number): string {
  return textWidth(text) > width ? cut(text, width).trimEnd() : text
}

/** One character for each value, the highest being full; nothing at all is a blank. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const max = Math.max(1, ...shown)
  const line = shown.map((value) => (value <= 0 ? ' ' : (bars[Math.ceil((value / max) * bars.length) - 1] ?? ' ')))
  return line.join('').padStart(width)
}

function cut(text: string, width: number): string {
  if (width <= 0) return ''
  let kept = ''
  let used = 0
  for (const character of text) {
    const next = characterWidth(character)
    if (used + next > width - 1) break
    kept += character
    used += next
  }
  return `${kept}…${' '.repeat(width - 1 - used)}`
}

function characterWidth(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  if (zeroWidth.test(character)) return 0
  return doubleWidth.test(character) ? 2 : 1
}
