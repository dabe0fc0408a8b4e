const drawIntervalMs = 100

/** Where progress is drawn: stderr. */
export interface ProgressScreen {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/**
 * How far long work is, on one line of a terminal that is drawn again and again and is gone at the end. Elsewhere
 * nothing is drawn.
 */
export class Progress {
  readonly #screen: ProgressScreen
  readonly #now: () => number
  #drawnAt = Number.NEGATIVE_INFINITY
  #isDrawn = false

  constructor(screen: ProgressScreen = process.stderr, now: () => number = () => performance.now()) {
    this.#screen = screen
    this.#now = now
  }

  /** `total` of 0: nobody knows. May be called often. */
  show(what: string, done: number, total: number): void {
    if (this.#screen.isTTY !== true) return
    const now = this.#now()
    if (now - this.#drawnAt < drawIntervalMs) return
    this.#drawnAt = now
    const share = total > 0 ? ` of ${total} (${Math.floor((100 * done) / total)} %)` : ''
    this.#draw(done + total > 0 ? `${what} ${done}${share}` : what)
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    this.#screen.write('\r\x1b[K')
  }

  #draw(text: string): void {
    this.#isDrawn = true
    this.#screen.write(`\r\x1b[K${text}`)
  }
}
