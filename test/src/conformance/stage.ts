import assert from 'node:assert/strict'
import type { Server } from '../support/peers.ts'
import { connect, PACKET, printable, type RawPeer, waitMs } from '../support/raw.ts'
import { Names, packetOf, quotedText, requestOf, type Step, showPacket, type Transcript } from './transcript.ts'

/** One server with the peers of one test, and a connection of the stage's own that knows who is still connected. */
export class Stage {
  readonly server: Server
  readonly #control: RawPeer
  readonly #peers = new Map<string, RawPeer>()

  private constructor(server: Server, control: RawPeer) {
    this.server = server
    this.#control = control
  }

  static async open(server: Server): Promise<Stage> {
    const control = await connect(server.port, 'the stage')
    control.send(PACKET.SET_CLIENT_ID, 'stage')
    await control.sync()
    return new Stage(server, control)
  }

  /** A new connection, and the server knows of it. */
  async connect(name: string): Promise<RawPeer> {
    const peer = await connect(this.server.port, name)
    this.#peers.set(name, peer)
    await peer.sync()
    return peer
  }

  /** Asks in the text protocol on the stage's own connection. `status` and the like; ends with `.` on a line. */
  async list(command: string): Promise<string[]> {
    this.#control.sendLine(`${command}\n`)
    const lines = (await this.#control.receiveText(/(^|\n)\.\n/)).split('\n')
    return lines.slice(0, -2)
  }

  /** One command whose answer is one line. */
  async ask(command: string): Promise<string> {
    this.#control.sendLine(`${command}\r\n`)
    return this.#control.receiveText('\n')
  }

  /** Asks again and again until `isSo`: for what the server does in its own time. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + waitMs
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`it never happened that ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  /** Ends a connection without a word and waits until the server has noticed. */
  async leave(peer: RawPeer): Promise<void> {
    const before = (await this.list('workers')).length
    peer.destroy()
    await this.until(`the server noticed that ${peer.name} left`, async () => {
      return (await this.list('workers')).length < before
    })
  }

  async run(transcript: Transcript, names: Names = new Names({ pid: String(this.server.pid) })): Promise<void> {
    const steps = transcript.steps.filter((step) => step.only === undefined || step.only === this.server.kind)
    let unsynced: RawPeer | undefined
    for (const step of steps) {
      try {
        const peer = this.#peers.get(step.peer) ?? (await this.connect(step.peer))
        // Packets of two connections are not ordered by when they were sent: wait until the server has acted on the last.
        if (unsynced !== undefined && unsynced !== peer) await syncUnlessClosed(unsynced)
        await this.#step(peer, step, names)
        unsynced = step.verb === '>' && isPacket(step.payload) ? peer : undefined
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        // Without the cause: it would say the same again, and its stack only names the files of this folder.
        throw new Error(`line ${step.lineNumber}: ${step.source.trim()}\n${reason}`)
      }
    }
    for (const peer of this.#peers.values()) {
      if (!peer.isClosed) await peer.expectNothing()
    }
  }

  async #step(peer: RawPeer, step: Step, names: Names): Promise<void> {
    switch (step.verb) {
      case '>':
        return send(peer, step.payload, names)
      case '<':
      case '<~':
        return expect(peer, step.payload, names, step.verb === '<~')
      case 'quiet':
        return peer.expectNothing()
      case 'closed':
        return peer.expectClosed()
      case 'unanswered':
        await syncUnlessClosed(peer)
        if (peer.pending.length > 0) throw mismatch('nothing', printable(peer.pending))
        return peer.destroy()
      case 'leaves':
        await this.leave(peer)
        this.#peers.delete(step.peer)
    }
  }

  /** Ends all peers; true if the server is as good as new afterwards. */
  async clear(): Promise<boolean> {
    for (const peer of this.#peers.values()) peer.destroy()
    this.#peers.clear()
    await this.until('only the stage was connected', async () => (await this.list('workers')).length === 1)
    const rows = await this.list('status')
    for (const row of rows) {
      const [name = '', total] = row.split('\t')
      if (total !== '0' || !/^\w+$/.test(name)) return false
      if ((await this.ask(`drop function ${name}`)) !== 'OK\r\n') return false
    }
    return (await this.list('status')).length === 0 && (await this.list('show jobs')).length === 0
  }

  close(): void {
    for (const peer of this.#peers.values()) peer.destroy()
    this.#control.destroy()
  }
}

function isPacket(payload: string): boolean {
  return quotedText(payload) === undefined && !payload.startsWith('bytes ')
}

async function syncUnlessClosed(peer: RawPeer): Promise<void> {
  try {
    await peer.sync()
  } catch (error) {
    if (!peer.isClosed) throw error
  }
}

function send(peer: RawPeer, payload: string, names: Names): void {
  const text = quotedText(payload)
  if (text !== undefined) peer.sendBytes(names.fill(text))
  else if (payload.startsWith('bytes ')) peer.sendBytes(names.fill(payload.slice('bytes '.length)))
  else peer.sendBytes(requestOf(payload, names))
}

async function expect(peer: RawPeer, payload: string, names: Names, isInAnyOrder: boolean): Promise<void> {
  const text = quotedText(payload)
  if (text !== undefined) {
    const lineCount = text.split('\\n').length - 1
    // So many lines as expected, or a list's end before that.
    const actual = await peer.receiveText(new RegExp(`^(?:[^\\n]*\\n){${lineCount}}|(?:^|\\n)\\.\\n`), text)
    const isSame = isInAnyOrder ? names.matchLines(text, actual) : names.match(text, actual)
    if (!isSame) throw mismatch(`"${names.show(text)}"`, `"${printable(actual)}"`)
  } else if (payload.startsWith('bytes ')) {
    const expected = names.fill(payload.slice('bytes '.length))
    const actual = await peer.receiveBytes(expected.length)
    if (actual.toString('latin1') !== expected) throw mismatch(printable(expected), printable(actual))
  } else {
    const { type, body } = packetOf(payload)
    const packet = await peer.receive(names.show(payload))
    if (packet.type !== type || !names.match(body, packet.body.toString('latin1'))) {
      throw mismatch(names.show(payload), showPacket(packet))
    }
  }
}

function mismatch(expected: string, actual: string): Error {
  return new assert.AssertionError({ message: `  expected ${expected}\n  got      ${actual}`, expected, actual })
}
