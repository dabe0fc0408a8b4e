import net from 'node:net'
import type { PacketName } from '@geartrain/protocol'
import { packets } from '@geartrain/protocol'
import { encode, packet, text } from '../simulation/command.ts'
import { type Incoming, IncomingStream } from '../simulation/incoming.ts'
import { type Message, message, showMessage, textCommands } from './event.ts'
import { nameOf, workloadOf } from './workload.ts'

export interface PeerEvents {
  /** Before a message goes out, and when one has come. */
  readonly onSend: (peer: Peer, message: Message) => void
  readonly onMessage: (peer: Peer, message: Message) => void
  /** The server has sent what is no message. */
  readonly onNonsense: (peer: Peer, what: string) => void
  readonly onLeave: (peer: Peer) => void
  /** The server has ended the connection, or it never came about. */
  readonly onLost: (peer: Peer, why: string) => void
}

/** One TCP connection, in messages. */
export class Peer {
  readonly name: string
  isOpen = true
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>
  readonly #socket: net.Socket
  readonly #events: PeerEvents
  readonly #stream = new IncomingStream()
  /** Lines of the text protocol that are not answered. */
  readonly #texts: string[] = []
  #rows: string[] = []

  constructor(port: number, name: string, events: PeerEvents) {
    this.name = name
    this.#events = events
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    let why = 'closed'
    this.#socket.on('data', (bytes) => this.#read(bytes))
    this.#socket.on('error', (error) => {
      why = error.message
    })
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        resolve()
        if (!this.isOpen) return
        this.isOpen = false
        this.#events.onLost(this, why)
      })
    })
  }

  /** All in one write. */
  send(...messages: readonly Message[]): void {
    if (!this.isOpen) return
    const bytes = messages.map((message) => {
      this.#events.onSend(this, message)
      if (textCommands.includes(message.name)) this.#texts.push(message.name)
      return encoded(message)
    })
    this.#socket.write(bytes.length === 1 && bytes[0] !== undefined ? bytes[0] : Buffer.concat(bytes))
  }

  /** end: what was sent goes out before. reset: as when its machine is switched off and on. */
  leave(how: 'end' | 'reset'): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#events.onLeave(this)
    if (how === 'end') this.#socket.end()
    else this.#socket.resetAndDestroy()
  }

  #read(bytes: Uint8Array): void {
    // What comes behind a message that it left for is nobody's.
    for (const messages = this.#stream.read(bytes); this.isOpen; ) {
      const incoming = this.#next(messages)
      if (incoming === undefined) return
      const read = incoming.name === 'LINE' ? this.#readLine(incoming.line) : readPacket(incoming)
      if (read !== undefined) this.#events.onMessage(this, read)
    }
  }

  #next(messages: Iterator<Incoming, void>): Incoming | undefined {
    try {
      return messages.next().value ?? undefined
    } catch (error) {
      this.#events.onNonsense(this, error instanceof Error ? error.message : String(error))
      return undefined
    }
  }

  /** Undefined while a table is not whole. */
  #readLine(line: string): Message | undefined {
    if (this.#texts[0] === 'cancel job') {
      this.#texts.shift()
      return line === 'OK' ? message('OK') : message('ERR', line.replace(/^ERR /, ''))
    }
    if (line !== '.') {
      this.#rows.push(line)
      return undefined
    }
    this.#texts.shift()
    const rows = this.#rows
    this.#rows = []
    return message('TABLE', ...rows)
  }
}

function readPacket({ name, args, data }: Exclude<Incoming, { name: 'LINE' }>): Message {
  return { name, args: packets[name].data ? [...args, nameOf(data)] : args }
}

function encoded({ name, args }: Message): Buffer {
  if (textCommands.includes(name)) return encode(text([name, ...args].join(' ')))
  if (!isPacketName(name)) throw new Error(`no packet: ${showMessage({ name, args })}`)
  if (!packets[name].data) return encode(packet(name, args))
  return encode(packet(name, args.slice(0, -1), workloadOf(args[args.length - 1] ?? '')))
}

function isPacketName(name: string): name is PacketName {
  return Object.hasOwn(packets, name)
}
