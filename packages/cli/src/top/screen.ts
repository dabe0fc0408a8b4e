import { writeSync } from 'node:fs'
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Key } from './state.ts'

/** A process that has sent itself SIGTSTP is stopped by then. */
const stopMs = 50

const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[2K'
const endOfScreen = '\x1b[J'

/** `process.stdout`, where it is a terminal. */
type Output = WriteStream & { readonly fd: number }

export interface ScreenEvents {
  readonly onKey: (key: Key) => void
  /** It is to be drawn again: it has another size, or was left for a while. */
  readonly onChange: () => void
  /** The terminal is gone. */
  readonly onGone: () => void
}

/**
 * A terminal that is drawn on as a whole, on its alternate screen and without a cursor. However the process ends, but
 * for SIGKILL, the terminal is what it was before.
 */
export class Screen implements Disposable {
  readonly #output: Output
  readonly #input: ReadStream
  readonly #events: ScreenEvents
  readonly #undo: (() => void)[] = []
  #isOpen = false
  #reopening: NodeJS.Timeout | undefined

  constructor(output: Output, input: ReadStream, events: ScreenEvents) {
    this.#output = output
    this.#input = input
    this.#events = events
    emitKeypressEvents(input)
    this.#listen(input, 'keypress', (_text: string | undefined, key: Key) => this.#press(key))
    for (const stream of [input, output]) this.#listen(stream, 'error', events.onGone)
    this.#listen(input, 'end', events.onGone)
    this.#listen(output, 'resize', events.onChange)
    // An error that nobody caught is written by Node after this, where it can be read.
    this.#listen(process, 'exit', () => this.#close())
    this.#open()
  }

  get columns(): number {
    return this.#output.columns || 80
  }

  get rows(): number {
    return this.#output.rows || 24
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return
    // Cleared before it is written: behind a full line the cursor stands on its last character.
    this.#output.write(`${home}${lines.map((line) => clearLine + line).join('\r\n')}${endOfScreen}`)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#reopening)
    for (const undo of this.#undo) undo()
    this.#close()
    this.#input.pause()
  }

  /** A program that reads keys itself gets Ctrl-Z as one. */
  #press(key: Key): void {
    if (key.ctrl !== true || key.name !== 'z') return this.#events.onKey(key)
    this.#close()
    process.kill(process.pid, 'SIGTSTP')
    // When it goes on; or at once, where there is nobody who could make it go on and so the system did not stop it.
    this.#reopening = setTimeout(() => {
      this.#open()
      this.#events.onChange()
    }, stopMs)
  }

  #open(): void {
    this.#isOpen = true
    this.#input.setRawMode(true)
    this.#input.resume()
    this.#output.write(enter)
  }

  /** Written at once, as the process may be about to end. */
  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    try {
      this.#input.setRawMode(false)
      writeSync(this.#output.fd, leave)
    } catch {
      // A terminal that is gone has nothing to be restored.
    }
  }

  #listen<Args extends readonly unknown[]>(
    emitter: NodeJS.EventEmitter,
    event: string,
    listener: (...args: Args) => void,
  ): void {
    emitter.on(event, listener)
    this.#undo.push(() => emitter.off(event, listener))
  }
}
