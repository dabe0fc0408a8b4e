import { StringDecoder } from 'node:string_decoder'

/** A longer line is cut into several. */
const lineCharsMax = 8192
/** What is kept of the end: lines and characters at most. */
const tailLinesMax = 20
const tailCharsMax = 4096

/** What a command writes to stderr, by lines, and the last of them. */
export class StderrLines {
  readonly #onLine: (line: string) => void
  readonly #decoder = new StringDecoder('utf8')
  readonly #last: string[] = []
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    this.#take(this.#decoder.write(chunk))
  }

  /** What is left without an end of line is the last line. */
  end(): void {
    this.#take(this.#decoder.end())
    if (this.#rest !== '') this.#line(this.#rest)
    this.#rest = ''
  }

  /** The last lines, the beginning of the first one cut off if they are too long. */
  get tail(): string {
    return this.#last.join('\n').slice(-tailCharsMax)
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#cut(line.endsWith('\r') ? line.slice(0, -1) : line)
    while (this.#rest.length > lineCharsMax) {
      this.#line(this.#rest.slice(0, lineCharsMax))
      this.#rest = this.#rest.slice(lineCharsMax)
    }
  }

  #cut(line: string): void {
    for (let start = 0; start === 0 || start < line.length; start += lineCharsMax) {
      this.#line(line.slice(start, start + lineCharsMax))
    }
  }

  #line(line: string): void {
    this.#onLine(line)
    this.#last.push(line)
    if (this.#last.length > tailLinesMax) this.#last.shift()
  }
}
