import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Engine } from '@geartrain/engine'
import { encodePacket, packets, type WireError, wireErrors } from '@geartrain/protocol'
import type { Access } from './access/access.ts'
import type { Actor } from './access/actor.ts'
import { plainAddress } from './access/network.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { readThroughSharedBuffer } from './shared-buffer.ts'
import { certificateOf } from './tls/peer-certificate.ts'
import { TlsDoor } from './tls/tls-door.ts'
import type { TlsSource } from './tls/tls-source.ts'

/** How often connections are looked through for those that have used up the server's patience. */
const patienceCheckMs = 1000
/** How long a stopping server waits for its peers to close their side. */
const closeTimeoutMs = 250

/** Lets peers in, each as a connection; loses patience with some; sees all of them off. */
export class Peers {
  readonly #engine: Engine
  readonly #access: Access
  readonly #context: ConnectionContext
  #door: TlsDoor | undefined
  /** Set while there are connections to look through. */
  #stopPatience: (() => void) | undefined
  #isClosed = false

  constructor(engine: Engine, access: Access, context: ConnectionContext) {
    this.#engine = engine
    this.#access = access
    this.#context = context
  }

  /** From now on peers can come by TLS. */
  openTls(source: TlsSource): void {
    const { limits, log } = this.#context
    this.#door = new TlsDoor(source, {
      handshakeTimeoutMs: limits.tlsHandshakeTimeoutMs,
      log,
      onSecure: (socket) => {
        const credentials = { address: addressOf(socket), ...certificateOf(socket) }
        this.letIn(socket, this.#access.identify(credentials))
      },
    })
  }

  /** One that was accepted, paused. */
  letInPlain(accepted: Socket): void {
    const socket = readThroughSharedBuffer(accepted, (chunk) => connection?.receive(chunk))
    const connection = this.#connect(socket, this.#access.identify({ address: addressOf(socket) }))
    socket.resume()
  }

  /** One that was accepted, and is to shake hands first. */
  letInByTls(accepted: Socket): void {
    // Before the handshake there is no way to tell it why.
    if (this.#isFull || this.#isClosed) accepted.destroy()
    else this.#door?.letIn(accepted)
  }

  /**
   * Of whom it is known who it is. It must not answer from within a write: what it says has to come in a later turn.
   * Undefined: full or closed, which the peer is told.
   */
  letIn(socket: Duplex, actor: Actor): Connection | undefined {
    const connection = this.#connect(socket, actor)
    if (connection !== undefined) socket.on('data', (chunk: Uint8Array) => connection.receive(chunk))
    return connection
  }

  /** Its peer has left before it could be told of its jobs. */
  withdraw(connection: Connection): void {
    this.#context.turn.begin()
    this.#engine.withdraw(connection.session)
    connection.destroy()
  }

  /** The rules have changed: of what somebody may not do any more, jobs in hand go to others, and no more come. */
  takeBackAbilities(): void {
    const { connections, turn } = this.#context
    turn.begin()
    for (const { actor, session } of connections) {
      for (const { function: jobFunction } of session.abilities) {
        if (!actor.may('work', jobFunction.name)) this.#engine.cantDo(session, jobFunction.name)
      }
    }
  }

  /** From now on nobody is let in. */
  refuseAll(): void {
    this.#isClosed = true
  }

  /** Ends every connection when its output is sent. What is not sent when the time is over is lost. */
  close(graceMs: number): Promise<void> {
    const { clock, connections } = this.#context
    this.#stopPatience?.()
    for (const connection of connections) connection.close()
    const deadline = clock.now() + graceMs
    return new Promise((resolve) => {
      let stopTimer = () => {}
      const finish = () => {
        stopTimer()
        resolve()
      }
      // Peers that have all their output and do not close their side are not waited for.
      const cutOff = () => {
        const isOver = clock.now() >= deadline
        for (const connection of connections) {
          if (isOver || connection.output.length === 0) connection.destroy()
        }
        if (isOver) finish()
        else stopTimer = clock.after(closeTimeoutMs, cutOff)
      }
      connections.onEmpty = finish
      if (connections.size === 0) finish()
      else stopTimer = clock.after(closeTimeoutMs, cutOff)
    })
  }

  /** Those, too, that have not finished their handshakes. */
  closeTls(): void {
    this.#door?.close()
  }

  get #isFull(): boolean {
    const { connections, limits } = this.#context
    return connections.size + (this.#door?.pending ?? 0) >= limits.connectionsMax
  }

  #connect(socket: Duplex, actor: Actor): Connection | undefined {
    const isFull = this.#isFull
    if (isFull || this.#isClosed) {
      refuse(socket, isFull ? 'TOO_MANY_CONNECTIONS' : 'SHUTTING_DOWN')
      return undefined
    }
    const { connections } = this.#context
    const id = connections.takeNumber()
    const connection = new Connection(id, this.#engine.connect(id), socket, actor, this.#context)
    connections.add(connection)
    this.#stopPatience ??= this.#watchPatience()
    return connection
  }

  #watchPatience(): () => void {
    const { clock, connections } = this.#context
    return clock.after(patienceCheckMs, () => {
      const now = clock.now()
      for (const connection of connections) connection.checkPatience(now)
      this.#stopPatience = connections.size > 0 ? this.#watchPatience() : undefined
    })
  }
}

function addressOf(socket: Socket): string {
  return plainAddress(socket.remoteAddress ?? '-')
}

function refuse(socket: Duplex, error: WireError): void {
  const { code, text } = wireErrors[error]
  socket.on('error', () => {})
  socket.end(encodePacket(packets.ERROR, [code, text]), () => socket.destroy())
}
