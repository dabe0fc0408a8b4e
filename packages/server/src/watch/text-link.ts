import net from 'node:net'
import { formatServerAddress, type ServerAddress } from '@geartrain/protocol'
import { LookError, socketError } from './look-error.ts'

/** A silent connection is probed so that one whose peer has vanished does not look open. */
const keepAliveMs = 30_000
/** A worker that can do thousands of functions has less: nobody else is to wait while a line is read. */
const lineBytesMax = 1024 * 1024

interface Question {
  readonly command: string
  /** Takes the lines of the answer, without their ends. True: that was the last one. Throws a LookError. */
  readonly onLine: (line: string) => boolean
  readonly resolve: () => void
  readonly reject: (error: LookError) => void
}

/**
 * A connection to a job server for its text protocol: one question at a time. It ends with the first thing that is wrong
 * with it. Lines are handed over as they come, so that a long answer costs no long pause.
 */
export class TextLink {
  readonly #place: string
  readonly #answerBytesMax: number
  readonly #socket: net.Socket
  #question: Question | undefined
  #answerBytes = 0
  /** The begin of a line. */
  #rest = ''
  #end: LookError | undefined

  constructor(address: ServerAddress, answerBytesMax: number) {
    this.#place = formatServerAddress(address)
    this.#answerBytesMax = answerBytesMax
    this.#socket = net.connect({ ...address, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs })
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('error', (error) => this.#fail(socketError(error, address.host, this.#place)))
    this.#socket.once('end', () => this.close(`${this.#place} has closed the connection`))
    this.#socket.once('close', () => this.close(`${this.#place} has closed the connection`))
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** Resolves when `onLine` has had the last line. Rejects with a LookError, which the connection may have ended with. */
  ask(command: string, onLine: Question['onLine']): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end)
      this.#question = { command, onLine, resolve, reject }
      this.#answerBytes = 0
      this.#socket.write(`${command}\n`)
    })
  }

  /** What it is asked has taken so long, and is not waited for any more. */
  giveUp(afterMs: number): void {
    const what = this.#socket.connecting ? 'let nobody in' : `not answered "${this.#question?.command ?? ''}"`
    this.close(`${this.#place} has ${what} for ${afterMs / 1000} s`)
  }

  close(sentence: string): void {
    this.#fail(new LookError(sentence))
  }

  #read(chunk: Buffer): void {
    this.#answerBytes += chunk.length
    const text = chunk.toString('latin1')
    let start = 0
    while (this.#question !== undefined) {
      const { command } = this.#question
      if (this.#answerBytes > this.#answerBytesMax) {
        return this.close(`the answer of ${this.#place} to "${command}" has more than ${this.#answerBytesMax} bytes`)
      }
      const end = text.indexOf('\n', start)
      if (end === -1) {
        this.#rest += text.slice(start)
        if (this.#rest.length <= lineBytesMax) return
        return this.close(`${this.#place} answers "${command}" with a line of more than ${lineBytesMax} bytes`)
      }
      const line = this.#rest + text.slice(start, end)
      this.#rest = ''
      start = end + 1
      this.#take(this.#question, line.endsWith('\r') ? line.slice(0, -1) : line)
    }
    if (start < text.length) this.close(`${this.#place} says what nobody has asked for: it is no Gearman server`)
  }

  #take(question: Question, line: string): void {
    try {
      if (!question.onLine(line)) return
      this.#question = undefined
      question.resolve()
    } catch (error) {
      if (!(error instanceof LookError)) throw error
      this.#fail(error)
    }
  }

  /** The first reason is the one that is told. */
  #fail(error: LookError): void {
    this.#end ??= error
    this.#socket.destroy()
    this.#question?.reject(this.#end)
    this.#question = undefined
  }
}
