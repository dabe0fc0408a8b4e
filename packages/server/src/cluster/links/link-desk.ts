import type { ControlErrorCode } from '@geartrain/protocol'
import { packets } from '@geartrain/protocol'
import { type Actor, anyone } from '../../access/actor.ts'
import type { Connection } from '../../connection.ts'
import { isControlError } from '../../control/control-error.ts'
import { summarize } from '../../control/jobs.ts'
import type { WatchedEvent } from '../../job-watch.ts'
import { reason } from '../../settings-sources.ts'
import {
  type LinkAnswer,
  type LinkedEvent,
  type LinkedJob,
  type LinkedPurge,
  type LinkGreeting,
  type LinkMessage,
  type LinkWelcome,
  readLinkId,
  readLinkMessage,
} from './link-messages.ts'
import { type LinksContext, makeBridge } from './links-context.ts'
import { beatMs, type Introduction, silenceMaxMs } from './server-link.ts'

/** Of a guest that leaves more than this unread, and of one that leaves four times as much, less and nothing is told of the jobs that it watches. */
const unreadBytesMax = 2 * 1024 * 1024

interface Guest {
  readonly name: string
  /** The ways to stop, by the id of the question. */
  readonly watches: Map<number, () => void>
}

/** Lets other servers in, which work for this one and ask it how jobs stand, and sees that they are alive. */
export class LinkDesk {
  readonly #context: LinksContext
  readonly #introduction: () => Introduction
  /** Other servers that have dialled this one. */
  readonly #guests = new Map<Connection, Guest>()
  #stopBeat: (() => void) | undefined

  constructor(context: LinksContext, introduction: () => Introduction) {
    this.#context = context
    this.#introduction = introduction
  }

  /** Those that are connected. */
  get names(): string[] {
    return [...this.#guests].flatMap(([{ session }, { name }]) => (session.isOpen ? [name] : []))
  }

  /** A message that has come by CONTROL. Within a turn. */
  receive(connection: Connection, data: Uint8Array): void {
    const message = readLinkMessage(data)
    if (message?.op === 'link') return this.#greet(connection, message)
    const guest = this.#guests.get(connection)
    if (guest === undefined) {
      return this.#refuse(connection, 'BAD_REQUEST', 'only another server of the cluster can ask that')
    }
    if (message !== undefined) this.#serve(connection, guest, message)
    else this.#refuse(connection, 'BAD_REQUEST', 'this version does not know what that is', readLinkId(data))
  }

  close(): void {
    this.#stopBeat?.()
    this.#stopBeat = undefined
    for (const [connection, guest] of this.#guests) {
      unwatchAll(guest)
      connection.close()
    }
    this.#guests.clear()
  }

  #serve(connection: Connection, guest: Guest, message: Exclude<LinkMessage, LinkGreeting>): void {
    const { engine, handles } = this.#context
    switch (message.op) {
      case 'link return':
        return engine.giveBack(connection.session, handles.parse(message.handle), message.isLost)
      case 'link job': {
        const job = engine.findJob(handles.numberOf(message.number))
        const answer: LinkedJob = { job: job === undefined ? null : summarize(this.#context, job) }
        return this.#answer(connection, { ok: true, answer })
      }
      case 'link watch':
        return this.#watch(connection, guest, message.id, message.number)
      case 'link unwatch':
        return unwatch(guest, message.id)
      case 'link purge':
        void this.#purge(connection, message.id, message.function)
    }
  }

  /** The job may not be here yet, or never. */
  #watch(connection: Connection, guest: Guest, id: number, number: number): void {
    const { jobWatch, handles, connections } = this.#context
    const tell = (answer: LinkedEvent) => {
      const { current } = connections
      // The job's worker does not have to wait for those who look on.
      connections.current = undefined
      this.#answer(connection, { ok: true, id, answer })
      connections.current = current
    }
    unwatch(guest, id)
    const leave = jobWatch.watch(handles.text(handles.numberOf(number)), (event: WatchedEvent) => {
      const { length } = connection.output
      if (length > unreadBytesMax && event.kind === 'progress') return
      if (length <= 4 * unreadBytesMax) return tell(event)
      unwatch(guest, id)
      tell({ kind: 'missed' })
    })
    guest.watches.set(id, leave)
  }

  async #purge(connection: Connection, id: number, functionName: string): Promise<void> {
    const { purgeHere, turn, log } = this.#context
    try {
      const answer: LinkedPurge = { purged: await purgeHere(functionName) }
      turn.begin()
      this.#answer(connection, { ok: true, id, answer })
    } catch (error) {
      turn.begin()
      if (isControlError(error)) return this.#refuse(connection, error.code, error.message, { id })
      log.error({ err: error }, 'what another server asks has failed, which is a fault of this program')
      this.#refuse(connection, 'INTERNAL_ERROR', reason(error), { id })
    }
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
      this.#guests.set(connection, { name, watches: new Map() })
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
      for (const [connection, guest] of this.#guests) {
        // What is not read from says nothing.
        const isSilent = !connection.isHeldBack && now - connection.lastInputAt >= silenceMaxMs
        if (!connection.session.isOpen) this.#dismiss(connection, guest, 'it has left')
        else if (isSilent) this.#dismiss(connection, guest, `it has said nothing for ${silenceMaxMs / 1000} s`)
        else connections.to(connection.id)?.output.packet(packets.ECHO_RES.type, 0)
      }
      this.#stopBeat = this.#guests.size > 0 ? this.#beat() : undefined
    })
  }

  #dismiss(connection: Connection, guest: Guest, why: string): void {
    const { name } = guest
    unwatchAll(guest)
    this.#guests.delete(connection)
    this.#context.log.warn({ server: name, address: connection.address }, `the link of ${name} has ended: ${why}`)
    connection.destroy()
  }

  #refuse(connection: Connection, code: ControlErrorCode, message: string, of: { readonly id?: number } = {}): void {
    this.#answer(connection, { ok: false, ...of, error: { code, message } })
  }

  #answer(connection: Connection, answer: LinkAnswer<LinkWelcome | LinkedJob | LinkedEvent | LinkedPurge>): void {
    // By now the number may be that of another one.
    if (this.#context.connections.to(connection.id) !== connection) return
    const bytes = Buffer.from(JSON.stringify(answer))
    connection.output.packet(packets.CONTROL_RES.type, bytes.length, 0)
    connection.output.data(bytes)
  }
}

function unwatch({ watches }: Guest, id: number): void {
  watches.get(id)?.()
  watches.delete(id)
}

function unwatchAll({ watches }: Guest): void {
  for (const leave of watches.values()) leave()
}

/** One that knows the token of the cluster may do what the cluster does. */
function actorOf(name: string, address: string): Actor {
  return { ...anyone(address), name: `server ${name}` }
}
