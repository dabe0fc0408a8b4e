import { writeSync } from 'node:fs'
import { emitKeypressEvents } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Key } from './state.ts'

const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const leave = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const endOfLine = '\x1b[K'
const endOfScreen = '\x1b[J'

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
  readonly #output: WriteStream
  readonly #input: ReadStream
  readonly #events: ScreenEvents
  readonly #undo: (() => void)[] = []
  #isOpen = false

  constructor(output: WriteStream, input: ReadStream, events: ScreenEvents) {
    this.#output = output
    this.#input = input
    this.#events = events
    emitKeypressEvents(input)
    this.#listen(input, 'keypress', (_text: string | undefined, key: Key) => this.#press(key))
    for (const stream of [input, output]) this.#listen(stream, 'error', events.onGone)
    this.#listen(input, 'end', events.onGone)
    this.#listen(output, 'resize', events.onChange)
    // An error that nobody caught is written by Node after this, where it can be read.
    const close = () => this.#close()
    this.#listen(process, 'uncaughtExceptionMonitor', close)
    this.#listen(process, 'exit', close)
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
    this.#output.write(`${home}${lines.map((line) => line + endOfLine).join('\r\n')}${endOfScreen}`)
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo()
    this.#close()
    this.#input.pause()
  }

  /** A program that reads keys itself gets Ctrl-Z as one. */
  #press(key: Key): void {
    if (key.ctrl !== true || key.name !== 'z') return this.#events.onKey(key)
    this.#close()
    process.once('SIGCONT', () => {
      this.#open()
      this.#events.onChange()
    })
    process.kill(process.pid, 'SIGTSTP')
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
    // What an event gives is what Node says of it.
    const untyped = listener as (...args: unknown[]) => void
    emitter.on(event, untyped)
    this.#undo.push(() => emitter.off(event, untyped))
  }
}
