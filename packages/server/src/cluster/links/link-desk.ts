import type { ControlAnswer } from '@geartrain/protocol'
import { packets } from '@geartrain/protocol'
import { type Actor, anyone } from '../../access/actor.ts'
import type { Connection } from '../../connection.ts'
import { summarize } from '../../control/jobs.ts'
import { type LinkedJob, type LinkGreeting, type LinkWelcome, readLinkMessage } from './link-messages.ts'
import { type LinksContext, makeBridge } from './links-context.ts'
import { beatMs, type Introduction, silenceMaxMs } from './server-link.ts'

/** A server that the cluster does not know any more may only have another id by now, and is waited for so long to say it. */
export const goneMs = 3000

/** Another server that has dialled this one. */
interface Guest {
  readonly connection: Connection
  server: number
  name: string
  /** Since when the cluster does not know it; undefined: it does, or nobody has said. */
  goneSince: number | undefined
}

/** Lets other servers in, which work for this one and ask it how jobs stand, and sees that they are alive. */
export class LinkDesk {
  readonly #context: LinksContext
  readonly #introduction: () => Introduction
  readonly #guests = new Map<Connection, Guest>()
  /** Undefined: nobody has said which servers there are. */
  #known: ReadonlySet<number> | undefined
  #stopBeat: (() => void) | undefined

  constructor(context: LinksContext, introduction: () => Introduction) {
    this.#context = context
    this.#introduction = introduction
  }

  /** Those that are connected. */
  get names(): string[] {
    return [...this.#guests.values()].filter(({ connection }) => connection.session.isOpen).map(({ name }) => name)
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

  setServers(known: ReadonlySet<number>): void {
    this.#known = known
    for (const guest of this.#guests.values()) this.#look(guest)
  }

  close(): void {
    this.#stopBeat?.()
    this.#stopBeat = undefined
    for (const { connection } of this.#guests.values()) connection.close()
    this.#guests.clear()
  }

  #greet(connection: Connection, { instance, server, name, token }: LinkGreeting): void {
    const { engine, limits, log, trust } = this.#context
    const own = this.#introduction()
    const problem = trust.refusal(token)
    if (problem !== undefined) {
      log.warn({ server: name, address: connection.address }, `the server ${name} can't link to this one: ${problem}`)
      this.#refuse(connection, 'ACCESS_DENIED', `${own.name} does not let it in: ${problem}`)
      return connection.close()
    }
    const known = this.#guests.get(connection)
    if (known !== undefined) {
      known.server = server
      known.name = name
      this.#look(known)
    } else if (instance !== own.instance) {
      const guest: Guest = { connection, server, name, goneSince: undefined }
      makeBridge(engine, connection)
      connection.actor = actorOf(name, connection.address)
      connection.clientId = `server ${name}`
      this.#guests.set(connection, guest)
      this.#look(guest)
      this.#stopBeat ??= this.#beat()
      log.info({ server: name, address: connection.address }, `${name} has linked to this server`)
    }
    const welcome: LinkWelcome = { instance: own.instance, name: own.name, packetBytesMax: limits.packetBytesMax }
    this.#answer(connection, { ok: true, answer: welcome })
  }

  #look(guest: Guest): void {
    const isGone = this.#known !== undefined && !this.#known.has(guest.server)
    guest.goneSince = isGone ? (guest.goneSince ?? this.#context.clock.now()) : undefined
  }

  /** Every guest hears something now and then, and is to say something as well. */
  #beat(): () => void {
    const { clock, connections, turn } = this.#context
    return clock.after(beatMs, () => {
      turn.begin()
      for (const [connection, guest] of this.#guests) {
        const why = connection.session.isOpen ? this.#why(guest) : 'it has left'
        if (why === undefined) connections.to(connection.id)?.output.packet(packets.ECHO_RES.type, 0)
        else this.#dismiss(guest, why)
      }
      this.#stopBeat = this.#guests.size > 0 ? this.#beat() : undefined
    })
  }

  /** Why it has to go; undefined: it has not. */
  #why({ connection, goneSince }: Guest): string | undefined {
    const now = this.#context.clock.now()
    if (goneSince !== undefined && now - goneSince >= goneMs) return 'it has lost its lease, or has stopped'
    // What is not read from says nothing.
    const isSilent = !connection.isHeldBack && now - connection.lastInputAt >= silenceMaxMs
    return isSilent ? `it has said nothing for ${silenceMaxMs / 1000} s` : undefined
  }

  #dismiss({ connection, name }: Guest, why: string): void {
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
