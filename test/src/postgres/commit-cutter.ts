import { once } from 'node:events'
import net from 'node:net'

/** COMMIT as a simple query, and the statement that each batch begins with. */
const commit = Buffer.from('Q\0\0\0\x0bCOMMIT\0', 'latin1')
const fence = Buffer.from('\0lease fence\0', 'latin1')

/** Stands before PostgreSQL, and cuts a connection off at the moment that matters: when a batch is being committed. */
export class CommitCutter implements AsyncDisposable {
  readonly port: number
  readonly #listener: net.Server
  readonly #sockets = new Set<net.Socket>()
  #next: 'question' | 'answer' | undefined
  /** The name of a statement. */
  #nextStatement: Buffer | undefined
  #onCut: (() => void) | undefined

  private constructor(listener: net.Server, port: number) {
    this.#listener = listener
    this.port = port
  }

  static async to(serverPort: number): Promise<CommitCutter> {
    const listener = net.createServer()
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const address = listener.address()
    if (address === null || typeof address === 'string') throw new Error('a listening socket has no port')
    const cutter = new CommitCutter(listener, address.port)
    listener.on('connection', (near) => cutter.#welcome(near, serverPort))
    return cutter
  }

  /** At the next batch the database does not hear of the COMMIT, or does it and can't say so. */
  cut(what: 'question' | 'answer'): Promise<void> {
    this.#next = what
    return new Promise((resolve) => {
      this.#onCut = resolve
    })
  }

  /** The database hears no more, from the next time on that the statement is named. */
  cutAt(statement: string): Promise<void> {
    this.#nextStatement = Buffer.from(`${statement}\0`, 'latin1')
    return new Promise((resolve) => {
      this.#onCut = resolve
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  #welcome(near: net.Socket, serverPort: number): void {
    const far = net.connect(serverPort, '127.0.0.1')
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    }
    let isBatch = false
    let isMute = false
    near.on('data', (chunk) => {
      if (chunk.includes(fence)) isBatch = true
      if (this.#nextStatement !== undefined && chunk.includes(this.#nextStatement)) {
        this.#nextStatement = undefined
        return end()
      }
      const isCommit = isBatch && chunk.includes(commit)
      if (!isCommit || this.#next === undefined) return void far.write(chunk)
      isMute = this.#next === 'answer'
      this.#next = undefined
      if (isMute) far.write(chunk)
      else end()
    })
    far.on('data', (chunk) => (isMute ? end() : near.write(chunk)))
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    const end = (): void => {
      near.destroy()
      far.destroy()
      this.#onCut?.()
    }
  }
}
