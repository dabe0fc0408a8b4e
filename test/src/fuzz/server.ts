import assert from 'node:assert/strict'
import { assertInvariants } from '@geartrain/engine'
import { createServer, defaultLimits, type Limits, type Server } from '@geartrain/server'
import type { Random } from '../simulation/random.ts'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { aConversation, handlePrefix, packetAsWorkload, workOn } from './grammar.ts'
import { inPieces, mutated } from './mutation.ts'
import type { Trace } from './trace.ts'

/** So small that streams of a few hundred bytes reach them. */
const limits: Limits = {
  ...defaultLimits,
  packetBytesMax: 50_000,
  lineBytesMax: 200,
  functionNameBytesMax: 20,
  outputBytesMax: 20_000,
  connectionsMax: 8,
  functionsMax: 6,
  jobsPerFunctionMax: 8,
  handshakeTimeoutMs: 20_000,
  packetTimeoutMs: 5000,
  outputTimeoutMs: 5000,
}

/** More than may connect. */
const peersMax = 10
/** The largest piece that a peer says at once. */
const pieceBytesMax = 5000
/** What one packet may bring at the most, with its names. */
const packetSlackBytes = limits.packetBytesMax + 1000
const strangersFunction = 'stranger'
const stillHere = 'still here'
/** What a workload of the grammar looks like that is no packet in a packet. */
const workloadForm = /^(?:x?|(?:same )*|l*|L*)$/

type Connection = NonNullable<ReturnType<Server['accept']>>

interface Peer {
  readonly name: string
  readonly socket: MemorySocket
  /** Undefined if there was no room for it. */
  readonly connection: Connection | undefined
  /** What it has still to say. */
  readonly pieces: Buffer[]
  /** It says nothing wrong, so what it hears can be told apart. */
  readonly isRight: boolean
  /** It has asked for text. */
  saysLines: boolean
  hasEnded: boolean
  /** The beginning of an answer whose end has not come yet. */
  heard: Buffer
}

/**
 * A server with several peers: some say what peers say, some have things wrong, some read slowly, end or vanish. The
 * server must not throw, must come to rest, hold no more than its limits, agree with itself, and serve a stranger; or
 * it is told to close in the middle of it all, and must close.
 */
export async function fuzzServer(random: Random, trace: Trace): Promise<void> {
  const scene = new Scene(random, trace)
  const isClosing = random.chance(0.2)
  await scene.play()
  await scene.askAll()
  if (isClosing) await scene.close()
  else {
    await scene.serveStranger()
    await scene.end()
  }
}

class Scene {
  readonly #random: Random
  readonly #trace: Trace
  readonly #clock = new SteppedClock()
  readonly #server: Server
  readonly #peers: Peer[] = []
  #count = 0
  #isClosing = false

  constructor(random: Random, trace: Trace) {
    this.#random = random
    this.#trace = trace
    const wakeCount = random.pick([1, 2, Number.POSITIVE_INFINITY])
    const attemptsMax = random.pick([1, 3, Number.POSITIVE_INFINITY])
    trace.note(`a server, wakeCount ${wakeCount}, attemptsMax ${attemptsMax}`)
    this.#server = createServer({ handlePrefix, wakeCount, attemptsMax, limits }, this.#clock)
    // The stranger's function is there before others have used up all that may be.
    // With a limit it is not idle, and keeps its place.
    this.#server.engine.limitQueue(strangersFunction, { high: 9, normal: 9, low: 9 })
  }

  async play(): Promise<void> {
    for (let i = this.#random.between(2, 5); i > 0; i--) this.#connect()
    await this.#settle()
    while (this.#peers.some(({ pieces }) => pieces.length > 0)) {
      this.#step()
      // Often several things happen in one turn.
      if (this.#random.chance(0.5)) await this.#settle()
    }
    await this.#settle()
  }

  /** Whoever has said nothing wrong and reads again is answered: no connection is stuck. */
  async askAll(): Promise<void> {
    for (const { name, socket } of this.#peers) this.#do(`${name} reads on`, () => socket.readOn())
    await this.#settle()
    for (const peer of this.#peers) {
      const { name, socket, connection, isRight, hasEnded } = peer
      if (!isRight || hasEnded || socket.destroyed || connection === undefined) continue
      this.#do(`${name} is asked`, () => socket.say(request(PACKET.ECHO_REQ, stillHere)))
      await this.#clock.settle()
      assert.ok(socket.destroyed || this.#hear(peer) === stillHere, `${name} is not answered any more`)
    }
  }

  async serveStranger(): Promise<void> {
    while (this.#server.connectionCount > limits.connectionsMax - 2) {
      this.#leave(this.#peer())
      await this.#settle()
    }
    const client = new MemorySocket()
    const worker = new MemorySocket()
    this.#trace.note('a stranger comes')
    this.#server.accept(client)
    this.#server.accept(worker)
    worker.say(Buffer.concat([request(PACKET.CAN_DO, strangersFunction), request(PACKET.GRAB_JOB)]))
    client.say(request(PACKET.SUBMIT_JOB, strangersFunction, '', 'workload'))
    await this.#settle()
    const handle = client.heard().subarray(12).toString('latin1')
    assert.match(handle, /^P:\d{16}$/, 'a stranger gets a handle')
    const assigned = worker.heard().subarray(12).toString('latin1')
    assert.equal(assigned, `${handle}\0${strangersFunction}\0workload`, 'a stranger gets a job')
    worker.say(request(PACKET.WORK_COMPLETE, handle, 'result'))
    await this.#settle()
    assert.equal(client.heard().subarray(12).toString('latin1'), `${handle}\0result`, 'a stranger gets a result')
    client.destroy()
    worker.destroy()
    await this.#settle()
  }

  /** All leave, and nothing is left of them. */
  async end(): Promise<void> {
    for (const peer of this.#peers) this.#leave(peer)
    await this.#settle()
    assert.equal(this.#server.connectionCount, 0, 'connections are left')
    for (const job of this.#server.engine.jobs()) assert.ok(job.background, 'a job is left that nobody waits for')
    this.#clock.advance(10_000_000_000)
    await this.#closed(this.#server.close(0))
  }

  /** The server closes under its peers, who go on for a while. */
  async close(): Promise<void> {
    this.#trace.note('the server is told to close')
    this.#isClosing = true
    const closing = this.#server.close(this.#random.pick([0, 1000, 10_000]))
    for (const peer of this.#peers) {
      if (!this.#random.chance(0.5)) continue
      const conversation = aConversation(this.#random, 5)
      if (!peer.isRight) continue
      peer.pieces.push(...conversation)
      peer.saysLines ||= hasLines(conversation)
    }
    await this.play()
    this.#clock.advance(10_000)
    await this.#settle()
    this.#clock.advance(10_000)
    await this.#closed(closing)
  }

  async #closed(closing: Promise<void>): Promise<void> {
    let isClosed = false
    void closing.then(() => {
      isClosed = true
    })
    for (let i = 0; i < 3; i++) await this.#settle()
    assert.ok(isClosed, 'the server does not close')
    assert.equal(this.#server.connectionCount, 0, 'connections are left')
    assert.equal(this.#clock.timerCount, 0, 'a timer is left')
  }

  #step(): void {
    const random = this.#random
    const peer = this.#peer()
    const { name, socket, pieces } = peer
    switch (random.between(0, 29)) {
      case 0:
        return this.#do(`${name} stops reading`, () => socket.stopReading())
      case 1:
        return this.#do(`${name} reads once`, () => socket.readOnce())
      case 2:
        return this.#do(`${name} reads on`, () => socket.readOn())
      case 3:
        return this.#connect()
      case 4: {
        const byMs = random.pick([1, 999, 1000, 1001, 5000, 30_000, 100_000])
        return this.#do(`the clock advances ${byMs} ms`, () => this.#clock.advance(byMs))
      }
      case 5:
        if (!random.chance(0.2)) return
        pieces.length = 0
        peer.hasEnded = true
        return this.#do(`${name} ends`, () => socket.endSaying())
      case 6:
        return random.chance(0.2) ? this.#leave(peer) : undefined
      default: {
        const piece = pieces.shift()
        if (piece !== undefined) this.#do(`${name} says ${piece.toString('hex')}`, () => socket.say(piece))
      }
    }
  }

  #connect(): void {
    if (this.#peers.length >= peersMax) return
    const random = this.#random
    const conversation = aConversation(random, Math.ceil(random.exponential(15)))
    const isRight = random.chance(0.5)
    const stream = isRight ? Buffer.concat(conversation) : mutated(conversation, random)
    const name = `peer ${this.#count++}`
    const socket = new MemorySocket(random.pick([1, 300, 16_384]))
    this.#do(`${name} connects`, () => {
      const isFull = this.#server.connectionCount >= limits.connectionsMax
      const connection = this.#server.accept(socket)
      assert.ok(connection !== undefined || isFull || this.#isClosing, `${name} is refused`)
      const pieces = inPieces(stream, random, pieceBytesMax)
      const saysLines = hasLines(conversation)
      const peer = { name, socket, connection, pieces, isRight, saysLines, hasEnded: false, heard: Buffer.alloc(0) }
      this.#peers.push(peer)
    })
  }

  #leave({ name, socket, pieces }: Peer): void {
    pieces.length = 0
    this.#do(`${name} leaves`, () => socket.destroy())
  }

  #peer(): Peer {
    return this.#random.pick(this.#peers)
  }

  #do(what: string, act: () => void): void {
    this.#trace.note(what)
    act()
  }

  async #settle(): Promise<void> {
    await this.#clock.settle(1000)
    assertInvariants(this.#server.engine)
    for (const peer of this.#peers) {
      this.#checkBounds(peer)
      this.#hear(peer)
      // Nobody hears what a closed connection says.
      if (peer.socket.destroyed) peer.pieces.length = 0
    }
  }

  /** Looks at whole answers and keeps the beginning of one. Gives what the last packet carried. */
  #hear(peer: Peer): string {
    const heard = Buffer.concat([peer.heard, peer.socket.heard()])
    let at = 0
    let last = ''
    // Names that others have wrong may look like anything in a listing.
    if (!peer.isRight) at = heard.length
    while (at < heard.length) {
      const isText = heard[at] !== 0
      assert.ok(!isText || peer.saysLines, `${peer.name} hears text and has asked for none`)
      if (!isText && heard.length - at < 12) break
      const end = isText ? heard.indexOf(10, at) + 1 : at + 12 + heard.readUInt32BE(at + 8)
      if (end === 0 || end > heard.length) break
      if (!isText) {
        last = heard.toString('latin1', at + 12, end)
        this.#hearPacket(peer, heard.subarray(at, end))
      }
      at = end
    }
    peer.heard = heard.subarray(at)
    return last
  }

  /** What a worker is given to do, it may do. */
  #hearPacket({ name, pieces, socket }: Peer, packet: Buffer): void {
    assert.equal(packet.toString('latin1', 0, 4), '\0RES', `${name} hears something else than an answer`)
    const type = packet.readUInt32BE(4)
    assert.ok(answers.has(type), `${name} hears a packet of type ${type}`)
    if (type === PACKET.ECHO_RES) {
      const echo = packet.toString('latin1', 12)
      const isWhole = echo === stillHere || echo === packetAsWorkload || workloadForm.test(echo)
      assert.ok(isWhole, `${name} hears an echo of what was not said`)
    }
    if (socket.destroyed || !this.#random.chance(0.8)) return
    if (assignments.has(type)) {
      const handle = packet.toString('latin1', 12, packet.indexOf(0, 12))
      pieces.push(...workOn(handle, this.#random))
    } else if (type === PACKET.NOOP) pieces.push(request(PACKET.GRAB_JOB_ALL))
  }

  #checkBounds({ name, connection }: Peer): void {
    if (connection === undefined) return
    const { output, decoder } = connection
    const outputMax = limits.outputBytesMax + packetSlackBytes * this.#peers.length
    assert.ok(output.length <= outputMax, `${output.length} bytes wait for ${name}`)
    const inputMax = limits.packetBytesMax + pieceBytesMax
    assert.ok(decoder.pendingBytes <= inputMax, `${decoder.pendingBytes} bytes of ${name} wait`)
  }
}

function hasLines(conversation: readonly Buffer[]): boolean {
  return conversation.some((part) => part[0] !== 0)
}

const answers: ReadonlySet<number> = new Set([
  PACKET.NOOP,
  PACKET.JOB_CREATED,
  PACKET.NO_JOB,
  PACKET.JOB_ASSIGN,
  PACKET.WORK_STATUS,
  PACKET.WORK_COMPLETE,
  PACKET.WORK_FAIL,
  PACKET.ECHO_RES,
  PACKET.ERROR,
  PACKET.STATUS_RES,
  PACKET.WORK_EXCEPTION,
  PACKET.OPTION_RES,
  PACKET.WORK_DATA,
  PACKET.WORK_WARNING,
  PACKET.JOB_ASSIGN_UNIQ,
  PACKET.JOB_ASSIGN_ALL,
  PACKET.STATUS_RES_UNIQUE,
])

const assignments: ReadonlySet<number> = new Set([PACKET.JOB_ASSIGN, PACKET.JOB_ASSIGN_UNIQ, PACKET.JOB_ASSIGN_ALL])
