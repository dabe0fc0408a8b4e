import type { Socket } from 'node:net'
import type { JobSummary } from '@geartrain/protocol'
import type { ServerPacket } from '../../server-packet.ts'
import { reason } from '../../settings-sources.ts'
import { socketError } from '../../watch/look-error.ts'
import { Bridge } from './bridge.ts'
import { dial } from './dial.ts'
import { formatLinkAddress, type LinkAddress } from './link-address.ts'
import {
  type LinkAnswer,
  type LinkedEvent,
  type LinkedJob,
  type LinkedPurge,
  type LinkGreeting,
  type LinkMessage,
  type LinkWelcome,
  readLinkAnswer,
  writeLinkMessage,
} from './link-messages.ts'
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
const answerMs = 1000
/** All jobs in a server's memory are looked at, and what has ended is written. */
const purgeMs = 30_000

/** Undefined: there is no answer, since the connection is lost. */
type OnAnswer = (answer: LinkAnswer<unknown> | undefined) => void

/** Somebody here wants to know what becomes of a job, by the digits of its handle. */
export interface LinkWatch {
  readonly number: number
  readonly onEvent: (event: LinkedEvent) => void
}

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
  /** By id: what each other server is asked to tell of, anew over each connection. */
  readonly #watches: ReadonlyMap<number, LinkWatch>
  #state: 'dialling' | 'open' | 'waiting' | 'closed' = 'waiting'
  #socket: Socket | undefined
  #stream: PacketStream | undefined
  #bridge: Bridge | undefined
  #isWanted = true
  /** It takes no more jobs. */
  #isStopped = false
  /** In the order in which they were asked. */
  #questions: OnAnswer[] = []
  /** Those that have an id, by which they are answered in any order, once or more often. */
  readonly #numbered = new Map<number, OnAnswer>()
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
    watches: ReadonlyMap<number, LinkWatch>,
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

  /** How a job stands that the other server has; undefined: it has not, or has not said so in time. */
  jobOf(number: number): Promise<JobSummary | undefined> {
    return new Promise((resolve) => {
      if (this.#state !== 'open') return resolve(undefined)
      const callOff = this.#context.clock.after(answerMs, () => resolve(undefined))
      this.#ask({ op: 'link job', number }, (answer) => {
        callOff()
        // What one of ours has answered.
        resolve(answer?.ok === true ? ((answer.answer as LinkedJob).job ?? undefined) : undefined)
      })
    })
  }

  /** What waits there of a function ends: how many there were, or why that is not known. */
  purge(id: number, functionName: string): Promise<number | string> {
    return new Promise((resolve) => {
      if (this.#state !== 'open') return resolve('there is no link to it')
      const callOff = this.#context.clock.after(purgeMs, () => resolve(`it has not answered in ${purgeMs / 1000} s`))
      this.#askNumbered({ op: 'link purge', id, function: functionName }, (answer) => {
        this.#numbered.delete(id)
        callOff()
        if (answer === undefined) resolve('the link to it was lost')
        else resolve(answer.ok ? (answer.answer as LinkedPurge).purged : answer.error.message)
      })
    })
  }

  /** One of the watches is new. */
  watch(id: number, { number, onEvent }: LinkWatch): void {
    if (this.#state !== 'open') return
    this.#askNumbered({ op: 'link watch', id, number }, (answer) => {
      if (answer?.ok === true) onEvent(answer.answer as LinkedEvent)
    })
  }

  unwatch(id: number): void {
    if (this.#numbered.delete(id)) this.#stream?.send('CONTROL', [], writeLinkMessage({ op: 'link unwatch', id }))
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
    this.#stream = new PacketStream(
      socket,
      (packet) => this.#receive(packet),
      (problem) => this.#giveUp(`what it says is no Gearman protocol (${problem})`),
    )
    const place = formatLinkAddress(this.address)
    socket.on('error', (error) => {
      why ??= socketError(error, this.address.host, place).message
    })
    socket.on('drain', () => this.#bridge?.goOn())
    socket.once('close', () => {
      if (this.#socket === socket) this.#fail(why ?? 'it has closed the connection')
    })
    socket.once(this.address.isTls ? 'secureConnect' : 'connect', () => {
      this.#greet((answer) => {
        if (answer === undefined) return
        if (answer.ok) this.#open(answer.answer as LinkWelcome)
        else this.#giveUp(answer.error.message)
      })
    })
  }

  #greet(onAnswer: OnAnswer): void {
    const { token } = this.#context.trust
    this.#ask({ op: 'link', ...this.#introduction, ...(token === undefined ? {} : { token }) }, onAnswer)
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
    for (const [id, watch] of this.#watches) this.watch(id, watch)
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
    const unanswered = [...this.#questions.splice(0), ...this.#numbered.values()]
    this.#numbered.clear()
    for (const onAnswer of unanswered) onAnswer(undefined)
  }

  // What is said

  #ask(message: LinkMessage, onAnswer: OnAnswer): void {
    this.#questions.push(onAnswer)
    this.#stream?.send('CONTROL', [], writeLinkMessage(message))
  }

  #askNumbered(message: LinkMessage & { readonly id: number }, onAnswer: OnAnswer): void {
    this.#numbered.set(message.id, onAnswer)
    this.#stream?.send('CONTROL', [], writeLinkMessage(message))
  }

  #answer(answer: LinkAnswer<unknown>): void {
    if (answer.id === undefined) this.#questions.shift()?.(answer)
    else this.#numbered.get(answer.id)?.(answer)
  }

  #receive(packet: ServerPacket): void {
    if (packet.name === 'CONTROL_RES') this.#answer(readLinkAnswer(packet.data))
    else if (packet.name === 'ERROR' && this.#state === 'dialling') {
      this.#questions.shift()?.({ ok: false, error: { code: 'BAD_REQUEST', message: packet.args.join(' ') } })
    } else this.#bridge?.receive(packet)
  }
}
