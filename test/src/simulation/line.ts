import { answered, type Command, encode, isAnswer, isGrab, showCommand, workPackets } from './command.ts'
import { type Incoming, IncomingStream, showIncoming } from './incoming.ts'
import type { Assignment, Wait } from './job-record.ts'
import type { HasJob, Ledger } from './ledger.ts'

/** A worker's word that it can do a function. */
export interface Ability {
  /** 0 is none. */
  readonly timeoutMs: number
  /** The grab that the function last gave a job to; -1: none since the worker gave its word. */
  readonly lastTurn: number
}

/** One command of one connection, from when the peer has sent it until the server's answer is out. */
export class Entry {
  readonly line: Line
  readonly command: Command
  /** Commands of a line count up. */
  readonly index: number
  /** Where in the line's bytes it ends. */
  readonly end: number
  /** The moment at which the server's socket gave it to the server: it was not stepped before. */
  deliveredAt = Infinity
  deliveredInTurn = -1
  deliveredMs = 0
  /** It was stepped at the moment it was delivered: nothing held the connection up. */
  isPrompt = false
  /** For a worker's word on a job: it was the job's worker, without doubt. */
  isAccepted = false
  /** What the answer must agree with, where something is known. */
  check: ((rows: readonly string[]) => string | undefined) | undefined
  /** The lines of a text answer that have come. */
  readonly rows: string[] = []

  constructor(line: Line, command: Command, index: number, end: number) {
    this.line = line
    this.command = command
    this.index = index
    this.end = end
  }

  get isDelivered(): boolean {
    return this.deliveredAt !== Infinity
  }
}

/**
 * One connection, seen from outside at the server's end: what has reached the server and what it has handed out.
 * Answers must come in the order of the commands; a line passes its commands one by one as their answers, or those
 * of later ones, come.
 */
export class Line {
  readonly name: string
  /** leaving: the server may know that its peer has gone. gone: it knows. */
  state: 'open' | 'leaving' | 'gone' = 'open'
  /** It has sent what is no command, or was turned away: nothing is expected of it. */
  isRuined = false
  /** It has vanished, or is to break at some byte. */
  isFrail = false
  /** The functions it can do, as the commands passed so far have made them. */
  readonly abilities = new Map<string, Ability>()
  hasExceptions = false
  /** By handle. */
  readonly waits = new Map<string, Wait>()
  /** Assignments that are not over for sure. */
  readonly holds = new Set<Assignment>()
  /** Commands that are not passed. */
  readonly entries: Entry[] = []
  /** What is known to have been handed out and has not reached the peer. */
  readonly inFlight: Buffer[] = []
  /** The server does not read from it. */
  isHeld: () => boolean = () => false
  /** It does not take the server's output. */
  isBlocked: () => boolean = () => false
  /** The server keeps some of its output for itself. */
  isHeldBack: () => boolean = () => false
  /** The server keeps so much output for it. */
  outputBytes: () => number = () => 0
  /** The last turn after which some of its output had not been handed out. */
  stuckInTurn = -1

  readonly #ledger: Ledger
  readonly #stream = new IncomingStream()
  #sentBytes = 0
  #deliveredBytes = 0
  #count = 0
  #firstUndelivered = 0
  /** It has said PRE_SLEEP, and neither was woken nor has grabbed since. */
  #mayBeWoken = false
  #isClosedByCommand = false
  /** Words on jobs that were passed, and the refusals that came, since an answer last parted them. */
  #words: { readonly entry: Entry; readonly hasJob: HasJob }[] = []
  #refusals = 0

  constructor(name: string, ledger: Ledger) {
    this.name = name
    this.#ledger = ledger
  }

  /** Nothing holds it up: what the server gets of it is stepped at once, and what it gets is written at once. */
  get isClear(): boolean {
    return this.state === 'open' && !this.isHeld() && !this.isBlocked()
  }

  /** The server may have output for it that it has not handed out. */
  get isStuck(): boolean {
    return this.isBlocked() || this.isHeldBack()
  }

  // What the peer sends

  /** The peer sends a command; these are its bytes. */
  send(command: Command): Buffer {
    const bytes = encode(command)
    this.#ledger.note(`${this.name} > ${showCommand(command)}`)
    this.#sentBytes += bytes.length
    if (!this.isRuined && !this.#isClosedByCommand) {
      this.entries.push(new Entry(this, command, this.#count++, this.#sentBytes))
      if (answered(command) === 'close') this.#isClosedByCommand = true
    }
    return bytes
  }

  /** From now on the server may do what it likes with the connection. */
  ruin(): void {
    this.isRuined = true
  }

  // What happens at the server's end

  /** The server is about to step these bytes. */
  delivered(bytes: number): void {
    this.#deliveredBytes += bytes
    this.#ledger.note(`${this.name} } ${bytes} bytes`)
    for (; this.#firstUndelivered < this.entries.length; this.#firstUndelivered++) {
      const entry = this.entries[this.#firstUndelivered]
      if (entry === undefined || entry.end > this.#deliveredBytes) break
      this.#ledger.delivered(entry)
    }
  }

  written(bytes: Buffer): void {
    this.inFlight.push(bytes)
    for (const incoming of this.#stream.read(bytes)) {
      this.#ledger.note(`${this.name} < ${showIncoming(incoming)}`)
      if (incoming.name === 'NOOP') this.#wake()
      else if (incoming.name !== 'LINE' && workPackets.has(incoming.name)) this.#ledger.audience.event(this, incoming)
      else this.#answer(incoming)
    }
  }

  /** The peer has these bytes, which must be those that were handed out. */
  arrived(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const first = this.inFlight.shift()
      const part = first?.subarray(0, bytes.length - at)
      if (first === undefined || part === undefined || part.compare(bytes, at, at + part.length) !== 0) {
        return this.#ledger.fail(`${this.name} got other bytes than were written`)
      }
      if (part.length < first.length) this.inFlight.unshift(first.subarray(part.length))
      at += part.length
    }
  }

  /** `isExcused`: it does not take its output, or the server closes all. */
  serverCloses(how: 'ends' | 'destroys', isExcused: boolean): void {
    if (this.state === 'open') {
      this.#ledger.note(`${this.name} x the server ${how} it`)
      const isAsked = this.isRuined || this.isFrail || this.#isClosedByCommand
      if (!isExcused && !isAsked) this.#ledger.fail(`the server ${how} ${this.name}, which has done no wrong`)
      this.leave()
    }
    if (how === 'ends' && !this.#ledger.isShuttingDown) this.settle(true)
    // A destroyed socket tells the server so a little later.
    if (how === 'ends') this.goneFromServer()
  }

  /** The server may know from now on that the peer has gone. */
  leave(): void {
    if (this.state !== 'open') return
    this.#ledger.note(`${this.name} x leaves`)
    this.state = 'leaving'
    this.#ledger.leaving(this)
  }

  /** The server has ended its session. */
  goneFromServer(): void {
    if (this.state === 'gone') return
    this.leave()
    this.state = 'gone'
    this.#ledger.gone(this)
  }

  // The order of answers

  /** The turn has ended, or the connection: all that the line has said has had its answer. */
  settle(isEnding = false): void {
    if (this.isRuined) return
    for (let entry = this.entries[0]; entry?.isDelivered === true; entry = this.entries[0]) {
      if (isEnding && answered(entry.command) === 'close') break
      if (!mayBePassed(entry)) return this.#fault(`not answered in its turn: ${showCommand(entry.command)}`)
      this.#pass()
    }
    this.#settleWords()
  }

  /** Commands that the server has and that are not passed. */
  *pending(): Generator<Entry, void> {
    for (let i = 0; i < this.#firstUndelivered; i++) {
      const entry = this.entries[i]
      if (entry !== undefined) yield entry
    }
  }

  /** The server has a grab of it that is not answered, and that comes before the command of that index. */
  hasPendingGrab(beforeIndex = Infinity): boolean {
    for (const { command, index } of this.pending()) if (index < beforeIndex && isGrab(command.name)) return true
    return false
  }

  #answer(incoming: Incoming): void {
    if (incoming.name === 'ERROR' && incoming.args[0] === 'JOB_NOT_FOUND') {
      this.#refusals++
      return
    }
    if (incoming.name === 'ERROR' && turnedAway.has(incoming.args[0] ?? '') && this.#count === 0) return this.ruin()
    for (let entry = this.entries[0]; entry?.isDelivered === true; entry = this.entries[0]) {
      if (mayBePassed(entry)) {
        this.#pass()
        continue
      }
      this.#settleWords()
      if (!isAnswer(entry.command, incoming)) {
        return this.#fault(`${showIncoming(incoming)} comes where ${showCommand(entry.command)} is to be answered`)
      }
      if (incoming.name === 'LINE' && !isComplete(entry, incoming.line)) return
      this.#shift()
      if (isGrab(entry.command.name)) this.#mayBeWoken = false
      return this.#ledger.answer(entry, incoming)
    }
    this.#fault(`${showIncoming(incoming)} answers nothing`)
  }

  #fault(what: string): void {
    if (!this.isRuined) this.#ledger.fail(`${this.name}: ${what}`)
  }

  /** A NOOP: the line must have gone to sleep since it was last woken or grabbed. */
  #wake(): void {
    while (!this.#mayBeWoken) {
      const entry = this.entries[0]
      if (entry === undefined || !entry.isDelivered || !mayBePassed(entry)) break
      this.#pass()
    }
    this.#settleWords()
    if (!this.#mayBeWoken) this.#fault('NOOP to a worker that does not sleep')
    this.#mayBeWoken = false
  }

  /**
   * Of the words on jobs that were passed, so many were refused. Which ones is not said: those on jobs of others
   * must be among them, those on jobs of its own must not.
   */
  #settleWords(): void {
    const words = this.#words
    const refusals = this.#refusals
    this.#words = []
    this.#refusals = 0
    const count = (which: HasJob) => words.filter(({ hasJob }) => hasJob === which).length
    const refusalsMin = count('no')
    const refusalsMax = refusalsMin + count('unsure')
    if (refusals < refusalsMin || refusals > refusalsMax) {
      const all = words.map(({ entry, hasJob }) => `${showCommand(entry.command)} (its own: ${hasJob})`)
      this.#fault(`${refusals} refusals of ${all.join(', ')}`)
    }
  }

  #pass(): void {
    const entry = this.#shift()
    if (entry === undefined) return
    if (entry.command.name === 'PRE_SLEEP') this.#mayBeWoken = true
    const hasJob = this.#ledger.passed(entry)
    if (hasJob !== undefined) this.#words.push({ entry, hasJob })
  }

  #shift(): Entry | undefined {
    this.#firstUndelivered--
    return this.entries.shift()
  }
}

/** What a connection is told that the server does not take. */
const turnedAway: ReadonlySet<string> = new Set(['TOO_MANY_CONNECTIONS', 'SHUTTING_DOWN'])

/** The server says nothing to it, or may say nothing. */
function mayBePassed({ command }: Entry): boolean {
  return answered(command) === 'never' || answered(command) === 'refusal'
}

/** Listings end with a line of one dot; every other text answer has one line. */
function isComplete(entry: Entry, row: string): boolean {
  const { command } = entry
  if (command.name !== 'TEXT') return true
  const isListing = /^(status|prioritystatus|workers|show jobs|show unique jobs)$/i.test(command.line)
  if (isListing && row === '.') return true
  entry.rows.push(row)
  return !isListing
}
