import type { ControlAnswer } from '@geartrain/protocol'
import { packets } from '@geartrain/protocol'
import { type Actor, anyone } from '../../access/actor.ts'
import type { Connection } from '../../connection.ts'
import { summarize } from '../../control/jobs.ts'
import { type LinkedJob, type LinkGreeting, type LinkWelcome, readLinkMessage } from './link-messages.ts'
import { type LinksContext, makeBridge } from './links-context.ts'
import { beatMs, type Introduction, silenceMaxMs } from './server-link.ts'

/** Lets other servers in, which work for this one and ask it how jobs stand, and sees that they are alive. */
export class LinkDesk {
  readonly #context: LinksContext
  readonly #introduction: () => Introduction
  /** Other servers that have dialled this one, and their names. */
  readonly #guests = new Map<Connection, string>()
  #stopBeat: (() => void) | undefined

  constructor(context: LinksContext, introduction: () => Introduction) {
    this.#context = context
    this.#introduction = introduction
  }

  /** Those that are connected. */
  get names(): string[] {
    return [...this.#guests].flatMap(([{ session }, name]) => (session.isOpen ? [name] : []))
  }

  /** A message that has come by CONTROL. Within a turn. */
  receive(connection: Connection, data: Uint8Array): void {
    const message = readLinkMessage(data)
    if (message?.op === 'link') return this.#greet(connection, message)
    if (!this.#guests.has(connection)) {
      return this.#refuse(connection, 'BAD_REQUEST', 'only another server of the cluster can ask that')
    }
    if (message === undefined) this.#refuse(connection, 'BAD_REQUEST', 'this version does not know what that is')
    else if (message.op === 'link return') {
      const { engine, handles } = this.#context
      engine.giveBack(connection.session, handles.parse(message.handle), message.isLost)
    } else {
      const { engine, handles } = this.#context
      const job = engine.findJob(handles.numberOf(message.number))
      const answer: LinkedJob = { job: job === undefined ? null : summarize(this.#context, job) }
      this.#answer(connection, { ok: true, answer })
    }
  }

  close(): void {
    this.#stopBeat?.()
    this.#stopBeat = undefined
    for (const connection of this.#guests.keys()) connection.close()
    this.#guests.clear()
  }

  #greet(connection: Connection, { instance, name, token }: LinkGreeting): void {
    const { engine, limits, log, trust } = this.#context
    const own = this.#introduction()
    const problem = trust.refusal(token)
    if (problem !== undefined) {
      log.warn({ server: name, address: connection.address }, `the server ${name} can't link to this one: ${problem}`)
      this.#refuse(connection, 'ACCESS_DENIED', `${own.name} does not let it in: ${problem}`)
      return connection.close()
    }
    if (!this.#guests.has(connection) && instance !== own.instance) {
      makeBridge(engine, connection)
      connection.actor = actorOf(name, connection.address)
      connection.clientId = `server ${name}`
      this.#guests.set(connection, name)
      this.#stopBeat ??= this.#beat()
      log.info({ server: name, address: connection.address }, `${name} has linked to this server`)
    }
    const welcome: LinkWelcome = { instance: own.instance, name: own.name, packetBytesMax: limits.packetBytesMax }
    this.#answer(connection, { ok: true, answer: welcome })
  }

  /** Every guest hears something now and then, and is to say something as well. */
  #beat(): () => void {
    const { clock, connections, turn } = this.#context
    return clock.after(beatMs, () => {
      turn.begin()
      const now = clock.now()
      for (const connection of this.#guests.keys()) {
        // What is not read from says nothing.
        const isSilent = !connection.isHeldBack && now - connection.lastInputAt >= silenceMaxMs
        if (!connection.session.isOpen) this.#dismiss(connection, 'it has left')
        else if (isSilent) this.#dismiss(connection, `it has said nothing for ${silenceMaxMs / 1000} s`)
        else connections.to(connection.id)?.output.packet(packets.ECHO_RES.type, 0)
      }
      this.#stopBeat = this.#guests.size > 0 ? this.#beat() : undefined
    })
  }

  #dismiss(connection: Connection, why: string): void {
    const name = this.#guests.get(connection)
    this.#guests.delete(connection)
    this.#context.log.warn({ server: name, address: connection.address }, `the link of ${name} has ended: ${why}`)
    connection.destroy()
  }

  #refuse(connection: Connection, code: 'ACCESS_DENIED' | 'BAD_REQUEST', message: string): void {
    this.#answer(connection, { ok: false, error: { code, message } })
  }

  #answer(connection: Connection, answer: ControlAnswer<LinkWelcome | LinkedJob>): void {
    const bytes = Buffer.from(JSON.stringify(answer))
    const output = this.#context.connections.to(connection.id)?.output
    output?.packet(packets.CONTROL_RES.type, bytes.length, 0)
    output?.data(bytes)
  }
}

/** One that knows the token of the cluster may do what the cluster does. */
function actorOf(name: string, address: string): Actor {
  return { ...anyone(address), name: `server ${name}` }
}
