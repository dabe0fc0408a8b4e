import type { Socket } from 'node:net'
import type { ServerPacket } from '../../server-packet.ts'
import { reason } from '../../settings-sources.ts'
import { socketError } from '../../watch/look-error.ts'
import { Bridge } from './bridge.ts'
import { dial } from './dial.ts'
import { formatLinkAddress, type LinkAddress } from './link-address.ts'
import { type LinkGreeting, type LinkWelcome, writeLinkMessage } from './link-messages.ts'
import { LinkQuestions, type LinkWatch } from './link-questions.ts'
import type { LinksContext } from './links-context.ts'
import { PacketStream } from './packet-stream.ts'

/** Who this server is, for those that it dials. */
export type Introduction = Pick<LinkGreeting, 'instance' | 'name'>

/** From the first attempt to the welcome. */
const dialMs = 5000
/** From a connection that was lost to the next attempt: twice as long each time, and a part of it left to chance. */
const retryMinMs = 100
const retryMaxMs = 5000
/** Each side says something so often, and is given up by the other when nothing has come for so long. */
export const beatMs = 2000
export const silenceMaxMs = 10_000

/**
 * The way to one other server, from here: it is dialled, and again whenever the connection is lost, until `close`. Over
 * it this server works for the other one, and asks it how jobs stand and what becomes of them.
 *
 * - dialling: connected to, or waiting for the welcome.
 * - open: there is a bridge.
 * - waiting: for the next attempt.
 * - closed: for good.
 */
export class ServerLink {
  readonly address: LinkAddress
  readonly #context: LinksContext
  readonly #introduction: Introduction
  /** What each other server is asked to tell of, anew over each connection. */
  readonly #watches: ReadonlySet<LinkWatch>
  #state: 'dialling' | 'open' | 'waiting' | 'closed' = 'waiting'
  #socket: Socket | undefined
  #stream: PacketStream | undefined
  #bridge: Bridge | undefined
  #isWanted = true
  /** It takes no more jobs. */
  #isStopped = false
  #questions: LinkQuestions | undefined
  #failures = 0
  /** What has been logged of it last. */
  #saidOf = ''
  #otherName: string
  #lastInputAt = 0
  #callOff: () => void = () => {}
  /** Ends the connection, for that reason. */
  #giveUp: (why: string) => void = () => {}

  constructor(
    address: LinkAddress,
    otherName: string,
    introduction: Introduction,
    watches: ReadonlySet<LinkWatch>,
    context: LinksContext,
  ) {
    this.address = address
    this.#context = context
    this.#introduction = introduction
    this.#watches = watches
    this.#otherName = otherName
    this.#dial()
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** Jobs of the other server that are done here. */
  get jobCount(): number {
    return this.#bridge?.jobCount ?? 0
  }

  /** What can be asked; undefined: there is no link. */
  get questions(): LinkQuestions | undefined {
    return this.#state === 'open' ? this.#questions : undefined
  }

  /** No more jobs are taken from it; those that are here are done. */
  stop(): void {
    this.#isStopped = true
    this.#bridge?.stop()
  }

  /** Whether the cluster knows of it. One that it does not know is not dialled any more; a link that works goes on. */
  want(isWanted: boolean): void {
    this.#isWanted = isWanted
    if (!isWanted && this.#state !== 'open') this.close()
  }

  close(): void {
    if (this.#state === 'closed') return
    const wasOpen = this.#state === 'open'
    this.#state = 'closed'
    this.#callOff()
    if (wasOpen) this.#socket?.end()
    else this.#socket?.destroy()
    this.#endConnection()
  }

  // The connection

  #dial(): void {
    const { clock } = this.#context
    this.#state = 'dialling'
    try {
      this.#socket = dial(this.address, this.#context.tlsFiles)
    } catch (error) {
      return this.#fail(reason(error))
    }
    const socket = this.#socket
    let why: string | undefined
    this.#giveUp = (text) => {
      why ??= text
      socket.destroy()
    }
    this.#callOff = clock.after(dialMs, () => this.#giveUp(`it has not answered in ${dialMs / 1000} s`))
    // Before what it says is read.
    socket.on('data', () => {
      this.#lastInputAt = clock.now()
    })
    const stream = new PacketStream(
      socket,
      (packet) => this.#receive(packet),
      (problem) => this.#giveUp(`what it says is no Gearman protocol (${problem})`),
    )
    this.#stream = stream
    this.#questions = new LinkQuestions(clock, (message) => stream.send('CONTROL', [], writeLinkMessage(message)))
    const place = formatLinkAddress(this.address)
    socket.on('error', (error) => {
      why ??= socketError(error, this.address.host, place).message
    })
    socket.on('drain', () => this.#bridge?.goOn())
    socket.once('close', () => {
      if (this.#socket === socket) this.#fail(why ?? 'it has closed the connection')
    })
    socket.once(this.address.isTls ? 'secureConnect' : 'connect', () => {
      const { token } = this.#context.trust
      this.#questions?.greet({ ...this.#introduction, ...(token === undefined ? {} : { token }) }, (answer) => {
        if (answer === undefined) return
        if (answer.ok) this.#open(answer.answer)
        else this.#giveUp(answer.error.message)
      })
    })
  }

  #open({ instance, name, packetBytesMax }: LinkWelcome): void {
    const { log } = this.#context
    const place = formatLinkAddress(this.address)
    this.#callOff()
    if (instance === this.#introduction.instance) {
      this.#giveUp('it is this server itself: set cluster-address of that server to where others reach it')
      return
    }
    this.#state = 'open'
    this.#otherName = name
    log.info({ server: name, address: place }, `linked to ${name} at ${place}`)
    const stream = this.#stream
    if (stream === undefined) return
    this.#bridge = new Bridge(this.#context, name, {
      packetBytesMax,
      isFull: () => stream.isFull,
      end: (why) => this.#giveUp(why),
      send: (packet, args, data) => stream.send(packet, args, data),
      giveBack: (handle, isLost) => stream.send('CONTROL', [], writeLinkMessage({ op: 'link return', handle, isLost })),
    })
    if (this.#isStopped) this.#bridge.stop()
    for (const watch of this.#watches) this.#questions?.watch(watch)
    this.#callOff = this.#context.clock.after(beatMs, () => this.#beat())
  }

  /** What it says itself is answered by the other one, unless that reads nothing just now; that says something by itself, too. */
  #beat(): void {
    const { clock } = this.#context
    if (this.#state !== 'open') return
    if (clock.now() - this.#lastInputAt >= silenceMaxMs) {
      this.#giveUp(`it has said nothing for ${silenceMaxMs / 1000} s`)
      return
    }
    // One that is lost again at once has not been of use.
    this.#failures = 0
    this.#saidOf = ''
    this.#stream?.send('ECHO_REQ', [])
    this.#callOff = clock.after(beatMs, () => this.#beat())
  }

  /** Once for each connection, when it is over. */
  #fail(why: string): void {
    if (this.#state === 'closed') return
    const { clock, log } = this.#context
    const wasOpen = this.#state === 'open'
    this.#state = 'waiting'
    this.#callOff()
    this.#endConnection()
    const place = formatLinkAddress(this.address)
    const fullMs = Math.min(retryMaxMs, retryMinMs * 2 ** this.#failures++)
    const facts = { server: this.#otherName, address: place }
    const sentence = `${wasOpen ? 'the link to' : 'no link to'} ${this.#otherName} at ${place}${wasOpen ? ' is lost' : ''}: ${why}`
    // The same again and again is worth one line.
    if (why === this.#saidOf) log.debug(facts, sentence)
    else log.warn(facts, sentence)
    this.#saidOf = why
    if (!this.#isWanted) return this.close()
    this.#callOff = clock.after(fullMs * (0.75 + Math.random() / 4), () => this.#dial())
  }

  #endConnection(): void {
    const bridge = this.#bridge
    this.#bridge = undefined
    this.#stream = undefined
    this.#socket = undefined
    bridge?.close()
    const questions = this.#questions
    this.#questions = undefined
    questions?.end()
  }

  #receive(packet: ServerPacket): void {
    if (packet.name === 'CONTROL_RES') this.#questions?.answered(packet.data)
    else if (packet.name === 'ERROR' && this.#state === 'dialling') this.#questions?.refused(packet.args.join(' '))
    else this.#bridge?.receive(packet)
  }
}
