import { type Engine, type GrabForm, type Job, type Priority, priorities, type Submission } from '@geartrain/engine'
import {
  Arguments,
  type JobSummary,
  NameCache,
  type PacketName,
  packetKinds,
  packets,
  readLatin1,
  readTraceParent,
  wireErrors,
} from '@geartrain/protocol'
import type { Access } from './access/access.ts'
import { deniedSentence, wrongTokenLine, wrongTokenSentence } from './access/denied.ts'
import { mayAsk, packetRolesByType } from './access/packet-roles.ts'
import { tokenBytesMax } from './access/token.ts'
import { jobElsewhere } from './cluster/elsewhere.ts'
import type { Links } from './cluster/links/links.ts'
import type { Members } from './cluster/members.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import type { Control } from './control/control.ts'
import type { Handles } from './handles.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { lookUpError } from './look-up-error.ts'
import { toWire } from './policies/function-name.ts'
import { JobOptionsError } from './policies/job-options.ts'
import { ScheduleError } from './schedules/schedule-error.ts'
import type { Schedules } from './schedules/schedules.ts'
import type { StoreRequest } from './store/store.ts'
import { type ReadSubmitOptions, SubmitOptionsReader, submitOptionsBytesMax } from './submit-options.ts'
import type { WallTime } from './wall-time.ts'

type Handler = (connection: Connection) => void

/** What handlers need beside the engine. */
export interface DispatchContext {
  readonly connections: Connections
  readonly handles: Handles
  readonly limits: Limits
  readonly wallTime: WallTime
  /** Undefined: there is no store. */
  readonly journal: Journal | undefined
  readonly schedules: Schedules
  readonly control: Control
  readonly links: Links
  /** Undefined: this server has its store alone. */
  readonly members: Members | undefined
  readonly access: Access
  readonly log: Log
}

/**
 * Packets to commands: one handler for each packet a server takes, under the packet's name. A handler finds its
 * packet in `connection.decoder`, split as the table of packets says; it checks what the wire allows and the engine
 * does the rest.
 */
export class Dispatch {
  readonly #engine: Engine
  readonly #connections: Connections
  readonly #handles: Handles
  readonly #limits: Limits
  readonly #wallTime: WallTime
  readonly #journal: Journal | undefined
  readonly #schedules: Schedules
  readonly #control: Control
  readonly #links: Links
  readonly #members: Members | undefined
  readonly #access: Access
  readonly #log: Log
  readonly #names = new NameCache()
  readonly #submitOptions = new SubmitOptionsReader()
  /** Of the packet that is being handled. */
  readonly #args = new Arguments()
  readonly #byType: (Handler | undefined)[] = []

  constructor(engine: Engine, context: DispatchContext) {
    const { connections, handles, limits, wallTime, journal, schedules, control, links, access, log } = context
    this.#engine = engine
    this.#connections = connections
    this.#handles = handles
    this.#limits = limits
    this.#wallTime = wallTime
    this.#journal = journal
    this.#schedules = schedules
    this.#control = control
    this.#links = links
    this.#members = context.members
    this.#access = access
    this.#log = log
    for (const [name, handler] of Object.entries(this.#handlers)) {
      // Object.entries forgets that the keys are names of packets.
      this.#byType[packets[name as PacketName].type] = handler
    }
  }

  packet(connection: Connection): void {
    const { type, isResponse } = connection.decoder
    if (isResponse) return connection.error(wireErrors.INVALID_MAGIC)
    const handler = this.#byType[type]
    const kind = packetKinds[type]
    if (handler === undefined || kind === undefined) return connection.error(wireErrors.INVALID_COMMAND)
    const { bytes, start, end } = connection.decoder
    if (!this.#args.split(kind, bytes, start, end)) {
      connection.error(wireErrors.INVALID_PACKET)
      connection.close()
      return
    }
    if (!this.#access.isOpen && !this.#isAllowed(connection, type)) return
    handler(connection)
  }

  /** If it is not, the peer is told. */
  #isAllowed(connection: Connection, type: number): boolean {
    const needed = packetRolesByType[type]
    if (needed === undefined) return true
    const { actor } = connection
    if ('anywhere' in needed) {
      if (needed.anywhere.some((role) => actor.mayAnywhere(role))) return true
      this.#deny(connection, deniedSentence(needed.anywhere))
      return false
    }
    const { onFunction: role } = needed
    const name = this.#name(connection, 0)
    if (actor.may(role, name)) return true
    this.#deny(connection, deniedSentence([role], name))
    return false
  }

  #deny(connection: Connection, text: string): void {
    connection.error({ code: wireErrors.ACCESS_DENIED.code, text })
  }

  readonly #handlers: Partial<Record<PacketName, Handler>> = {
    SUBMIT_JOB: (connection) => this.#submit(connection, priorities.normal, false),
    SUBMIT_JOB_HIGH: (connection) => this.#submit(connection, priorities.high, false),
    SUBMIT_JOB_LOW: (connection) => this.#submit(connection, priorities.low, false),
    SUBMIT_JOB_BG: (connection) => this.#submit(connection, priorities.normal, true),
    SUBMIT_JOB_HIGH_BG: (connection) => this.#submit(connection, priorities.high, true),
    SUBMIT_JOB_LOW_BG: (connection) => this.#submit(connection, priorities.low, true),
    SUBMIT_JOB_EPOCH: (connection) =>
      this.#submit(connection, priorities.normal, true, { runAt: this.#runAt(this.#text(connection, 2, digitsMax)) }),
    SUBMIT_JOB_SCHED: (connection) => this.#schedule(connection),
    SUBMIT_JOB_WITH: (connection) => this.#submitWith(connection),
    SUBMIT_REDUCE_JOB: (connection) =>
      this.#submit(connection, priorities.normal, false, { reducer: this.#name(connection, 2) }),
    SUBMIT_REDUCE_JOB_BACKGROUND: (connection) =>
      this.#submit(connection, priorities.normal, true, { reducer: this.#name(connection, 2) }),

    CAN_DO: (connection) => this.#canDo(connection, 0),
    CAN_DO_TIMEOUT: (connection) => this.#canDo(connection, readTimeoutMs(this.#text(connection, 1, digitsMax))),
    CANT_DO: (connection) => this.#engine.cantDo(connection.session, this.#name(connection, 0)),
    RESET_ABILITIES: (connection) => this.#engine.resetAbilities(connection.session),
    PRE_SLEEP: (connection) => this.#engine.preSleep(connection.session),
    GRAB_JOB: (connection) => this.#grab(connection, 'plain'),
    GRAB_JOB_UNIQ: (connection) => this.#grab(connection, 'unique'),
    GRAB_JOB_ALL: (connection) => this.#grab(connection, 'all'),

    WORK_DATA: (connection) =>
      this.#engine.workData(connection.session, this.#jobNumber(connection), this.#data(connection)),
    WORK_WARNING: (connection) =>
      this.#engine.workWarning(connection.session, this.#jobNumber(connection), this.#data(connection)),
    WORK_STATUS: (connection) =>
      this.#engine.workStatus(
        connection.session,
        this.#jobNumber(connection),
        this.#text(connection, 1, digitsMax),
        this.#text(connection, 2, digitsMax),
      ),
    WORK_COMPLETE: (connection) => this.#workComplete(connection),
    WORK_FAIL: (connection) => this.#workFail(connection),
    WORK_EXCEPTION: (connection) =>
      this.#engine.workException(connection.session, this.#jobNumber(connection), this.#data(connection)),

    GET_STATUS: (connection) => this.#getStatus(connection),
    GET_STATUS_UNIQUE: (connection) => this.#getStatusUnique(connection),
    ECHO_REQ: (connection) => this.#repeat(connection, packets.ECHO_RES.type),
    OPTION_REQ: (connection) => this.#option(connection),
    SET_CLIENT_ID: (connection) => {
      connection.clientId = this.#text(connection, 0, this.#limits.clientIdBytesMax)
    },
    CONTROL: (connection) => this.#answerControl(connection),
  }

  #submit(
    connection: Connection,
    priority: Priority,
    background: boolean,
    more?: Partial<Pick<Submission, 'runAt' | 'reducer'>>,
  ): void {
    const { starts, ends } = this.#args
    const { uniqueBytesMax } = this.#limits
    const reducer = more?.reducer ?? ''
    if (this.#refuseNames(connection)) return
    if (reducer !== '' && this.#length(2) > uniqueBytesMax) return connection.error(wireErrors.UNIQUE_TOO_LARGE)
    this.#engine.submit(connection.session, {
      function: this.#names.read(connection.decoder.bytes, starts[0] ?? 0, ends[0] ?? 0),
      unique: this.#text(connection, 1, uniqueBytesMax),
      workload: this.#data(connection),
      priority,
      background,
      runAt: more?.runAt ?? 0,
      reducer,
      then: '',
      options: '',
      trace: '',
    })
    if (background) this.#journal?.limit(connection)
  }

  /** True: function and unique, a submission's first arguments, are longer than they may be, which the peer is told. */
  #refuseNames(connection: Connection): boolean {
    const isFunctionFine = this.#length(0) <= this.#limits.functionNameBytesMax
    if (isFunctionFine && this.#length(1) <= this.#limits.uniqueBytesMax) return false
    connection.error(isFunctionFine ? wireErrors.UNIQUE_TOO_LARGE : wireErrors.FUNCTION_TOO_LARGE)
    return true
  }

  #submitWith(connection: Connection): void {
    const { starts, ends } = this.#args
    const { uniqueBytesMax, functionNameBytesMax } = this.#limits
    if (this.#refuseNames(connection)) return
    const read = this.#readSubmitOptions(connection)
    if (typeof read === 'string') {
      const { code, text } = wireErrors.INVALID_OPTIONS
      return connection.error({ code, text: toWire(`${text}: ${read}`) })
    }
    const { background, priority, runAt, delayMs, reducer, then, options } = read
    if (reducer.length > uniqueBytesMax) return connection.error(wireErrors.UNIQUE_TOO_LARGE)
    if (then.length > functionNameBytesMax) return connection.error(wireErrors.FUNCTION_TOO_LARGE)
    // Its result is submitted there.
    if (then !== '' && !this.#access.isOpen && !connection.actor.may('submit', then)) {
      return this.#deny(connection, deniedSentence(['submit'], then))
    }
    this.#engine.submit(connection.session, {
      function: this.#names.read(connection.decoder.bytes, starts[0] ?? 0, ends[0] ?? 0),
      unique: this.#text(connection, 1, uniqueBytesMax),
      workload: this.#data(connection),
      priority,
      background,
      runAt:
        runAt !== undefined ? runAt - this.#wallTime.offsetMs : delayMs !== undefined ? this.#engine.now + delayMs : 0,
      reducer,
      then,
      options,
      trace: this.#text(connection, 3, traceBytesMax),
    })
    if (background) this.#journal?.limit(connection)
  }

  /** A sentence: what is wrong with them, or with the trace. */
  #readSubmitOptions(connection: Connection): ReadSubmitOptions | string {
    const trace = this.#text(connection, 3, traceBytesMax + 1)
    const isTrace = trace === '' || (trace.length <= traceBytesMax && readTraceParent(trace) !== undefined)
    if (!isTrace) return "the trace is no traceparent of the W3C's"
    try {
      return this.#submitOptions.read(this.#text(connection, 2, submitOptionsBytesMax + 1))
    } catch (error) {
      if (error instanceof JobOptionsError) return error.message
      throw error
    }
  }

  /** A schedule has a handle like a job. Until it is kept, no more is read from the connection. */
  #schedule(connection: Connection): void {
    const { uniqueBytesMax } = this.#limits
    if (this.#refuseNames(connection)) return
    try {
      const { nextNumber } = this.#engine
      const number = this.#schedules.putClient({
        function: this.#name(connection, 0),
        unique: this.#text(connection, 1, uniqueBytesMax),
        minute: this.#text(connection, 2, digitsMax),
        hour: this.#text(connection, 3, digitsMax),
        dayOfMonth: this.#text(connection, 4, digitsMax),
        month: this.#text(connection, 5, digitsMax),
        dayOfWeek: this.#text(connection, 6, digitsMax),
        workload: this.#data(connection),
      })
      if (this.#journal === undefined) return this.#jobCreated(connection, number)
      const isNew = this.#engine.nextNumber !== nextNumber
      const goOn = connection.pause()
      this.#journal.whenKept((failure) => {
        // Who says a schedule again has it as it says now: that is kept when the store works again.
        if (failure !== undefined && isNew) this.#schedules.removeByHandle(number)
        if (this.#connections.to(connection.id) === connection) {
          if (failure === undefined) this.#jobCreated(connection, number)
          else
            connection.error({
              code: wireErrors.STORE_FAILED.code,
              text: `The schedule could not be stored: ${failure.message}`,
            })
        }
        goOn()
      })
    } catch (error) {
      if (!(error instanceof ScheduleError)) throw error
      if (error.code === 'SHUTTING_DOWN') return connection.error(wireErrors.SHUTTING_DOWN)
      const { code, text } = wireErrors.INVALID_SCHEDULE
      connection.error({ code, text: `${text}: ${error.message}` })
    }
  }

  #jobCreated({ output }: Connection, number: number): void {
    this.#handles.write(output.packet(packets.JOB_CREATED.type, this.#handles.length), number)
  }

  /** From seconds since 1970, to the millisecond, to the engine's time. What is no number is now. */
  #runAt(epoch: string): number {
    const [seconds] = /^\s*[+-]?\d+(?:\.\d+)?/.exec(epoch) ?? []
    return seconds === undefined ? 0 : Math.round(Number(seconds) * 1000) - this.#wallTime.offsetMs
  }

  #canDo(connection: Connection, timeoutMs: number): void {
    if (this.#length(0) > this.#limits.functionNameBytesMax) {
      return connection.error(wireErrors.FUNCTION_TOO_LARGE)
    }
    this.#engine.canDo(connection.session, this.#name(connection, 0), timeoutMs)
  }

  #grab(connection: Connection, form: GrabForm): void {
    this.#engine.grab(connection.session, form)
  }

  #workComplete(connection: Connection): void {
    const { nextNumber } = this.#engine
    this.#engine.workComplete(connection.session, this.#jobNumber(connection), this.#data(connection))
    // Its result was sent on, which nothing refuses.
    if (this.#engine.nextNumber !== nextNumber) this.#journal?.limit(connection)
  }

  #workFail(connection: Connection): void {
    if (this.#length(0) > handleBytesMax) return connection.error(wireErrors.HANDLE_TOO_LARGE)
    this.#engine.workFail(connection.session, this.#jobNumber(connection))
  }

  #getStatus(connection: Connection): void {
    const number = this.#jobNumber(connection)
    const handle = this.#first(connection)
    const job = this.#engine.findJob(number)
    if (job !== undefined || Number.isNaN(number)) return writeStatus(connection, handle, shownTo(connection, job))
    this.#askStore(connection, { kind: 'find', number: this.#handles.total(number) }, (status) => {
      writeStatus(connection, handle, status)
    })
  }

  #getStatusUnique(connection: Connection): void {
    const { uniqueBytesMax } = this.#limits
    const name = this.#first(connection)
    if (name.length > uniqueBytesMax) return writeUniqueStatus(connection, name, undefined)
    const unique = this.#text(connection, 0, uniqueBytesMax)
    const job = this.#engine.findJobByUnique(unique)
    if (job !== undefined || unique === '') {
      return writeUniqueStatus(connection, name, shownTo(connection, job) ?? this.#findOther(connection, unique))
    }
    this.#askStore(connection, { kind: 'find unique', unique }, (status) => {
      writeUniqueStatus(connection, name, status)
    })
  }

  /** Several functions may have a job of that unique, of which others are not for this peer. */
  #findOther(connection: Connection, unique: string): Job | undefined {
    if (this.#access.isOpen || unique === '') return undefined
    for (const jobFunction of this.#engine.functions()) {
      const job = shownTo(connection, jobFunction.findByUnique(unique))
      if (job !== undefined) return job
    }
    return undefined
  }

  /** The store may know a job that the engine does not. Until it has answered, no more is read from the connection. */
  #askStore(connection: Connection, request: StoreRequest, reply: (status: Status | undefined) => void): void {
    const mayKnow = this.#journal?.isShared === true || this.#engine.backlogSize > 0
    if (this.#journal === undefined || !mayKnow) return reply(undefined)
    const goOn = connection.pause()
    const finish = (answer: () => void) => {
      if (this.#connections.to(connection.id) === connection) answer()
      goOn()
    }
    this.#journal.lookUp(request, (answer) => {
      if (answer.kind === 'failed') return finish(() => connection.error(lookUpError(answer.failure)))
      const job = answer.kind === 'find' ? answer.job : undefined
      if (job === undefined || !mayAsk(connection.actor, job.function)) return finish(() => reply(undefined))
      const elsewhere = jobElsewhere(this.#members, job)
      if (elsewhere === undefined || job.claimedBy === undefined) return finish(() => reply(queued))
      // The server that has it knows more than the store; without its word it is what can be guessed.
      this.#links.askFor(job.claimedBy, job.number, (known) =>
        finish(() => reply(known === undefined ? (elsewhere.isRunning ? running : queued) : statusThere(known))),
      )
    })
  }

  /** Until it is answered, no more is read from the connection. */
  #answerControl(connection: Connection): void {
    const request = this.#data(connection)
    if (this.#links.receive(connection, request)) return
    const goOn = connection.pause()
    this.#control.performJson(request, connection.actor, (answer) => {
      if (this.#connections.to(connection.id) === connection) {
        connection.output.packet(packets.CONTROL_RES.type, answer.length, 0)
        connection.output.data(answer)
      }
      goOn()
    })
  }

  /** In any case; it can't be taken back. */
  #option(connection: Connection): void {
    if (this.#text(connection, 0, tokenOption.length) === tokenOption) return this.#token(connection)
    const option = this.#text(connection, 0, optionBytesMax).toLowerCase()
    if (option === 'exceptions') connection.session.exceptions = true
    else if (option === 'cancellation') connection.session.cancellation = true
    else if (option === 'tracing') connection.tracing = true
    else return connection.error(wireErrors.UNKNOWN_OPTION)
    this.#repeat(connection, packets.OPTION_RES.type)
  }

  /** Who shows a token is from now on who it is for. It is neither said again nor logged. */
  #token(connection: Connection): void {
    const token = this.#text(connection, 0, tokenOption.length + tokenBytesMax + 1).slice(tokenOption.length)
    const actor = this.#access.identifyWithToken(connection.actor, token)
    if (actor !== undefined) {
      connection.actor = actor
      const { output } = connection
      output.packet(packets.OPTION_RES.type, tokenAnswer.length)
      output.text(tokenAnswer)
      return
    }
    const isLast = ++connection.wrongTokens >= wrongTokensMax
    const end = isLast ? ', and the connection is closed' : ''
    this.#log.warn({ address: connection.address, connection: connection.id }, wrongTokenLine)
    this.#deny(connection, wrongTokenSentence(end))
    if (isLast) connection.close()
  }

  /** The number of the job whose handle is the first argument; -1 for a handle that this server never gave. */
  #jobNumber(connection: Connection): number {
    const { starts, ends } = this.#args
    return this.#handles.read(connection.decoder.bytes, starts[0] ?? 0, ends[0] ?? 0)
  }

  #length(index: number): number {
    return (this.#args.ends[index] ?? 0) - (this.#args.starts[index] ?? 0)
  }

  /** An argument of which no more than so many bytes matter. What a peer may make as long as a packet never is a text. */
  #text(connection: Connection, index: number, bytesMax: number): string {
    const { starts, ends } = this.#args
    const start = starts[index] ?? 0
    return readLatin1(connection.decoder.bytes, start, Math.min(ends[index] ?? 0, start + bytesMax))
  }

  /** A function's name; one that is longer than any comes out as another that is. */
  #name(connection: Connection, index: number): string {
    return this.#text(connection, index, this.#limits.functionNameBytesMax + 1)
  }

  #data(connection: Connection): Uint8Array {
    return keepable(connection, this.#args.dataStart)
  }

  /** A response with the request's body, byte for byte. */
  #repeat(connection: Connection, type: number): void {
    const body = keepable(connection, connection.decoder.start)
    connection.output.packet(type, body.length, 0)
    connection.output.data(body)
  }

  /** The first argument, to be kept. */
  #first({ decoder }: Connection): Uint8Array {
    return new Uint8Array(decoder.bytes.subarray(this.#args.starts[0] ?? 0, this.#args.ends[0] ?? 0))
  }
}

/** What STATUS_RES says of a job. */
type Status = Pick<Job, 'state' | 'numerator' | 'denominator' | 'waiters'>

/** To all others it is as if it were not there. */
function shownTo({ actor }: Connection, job: Job | undefined): Job | undefined {
  return job !== undefined && mayAsk(actor, job.function.name) ? job : undefined
}

/** What is only in the store has not begun, and nobody here waits for it. */
const queued: Status = { state: 'stored', numerator: 0, denominator: 0, waiters: [] }

function statusThere({ state, numerator = 0, denominator = 0 }: JobSummary): Status {
  return { ...(state === 'running' ? running : queued), numerator, denominator }
}

/** Another server's worker has it. */
const running: Status = { ...queued, state: 'running' }

function writeStatus(connection: Connection, handle: Uint8Array, job: Status | undefined): void {
  repeatWith(connection, packets.STATUS_RES.type, handle, statusOf(job))
}

function writeUniqueStatus(connection: Connection, unique: Uint8Array, job: Status | undefined): void {
  const waiters = String(job?.waiters.length ?? 0)
  repeatWith(connection, packets.STATUS_RES_UNIQUE.type, unique, [...statusOf(job), waiters])
}

function statusOf(job: Status | undefined): string[] {
  const { numerator = 0, denominator = 0 } = job ?? {}
  return [job === undefined ? '0' : '1', job?.state === 'running' ? '1' : '0', String(numerator), String(denominator)]
}

/** A response with the request's first argument, byte for byte, and more arguments. */
function repeatWith({ output }: Connection, type: number, first: Uint8Array, args: readonly string[]): void {
  const rest = args.join('\0')
  output.packet(type, first.length + 1 + rest.length, 0)
  output.data(first)
  output.text(`\0${rest}`)
}

/** A number of more digits is none that means anything. */
const digitsMax = 20
const optionBytesMax = 64
/** What a traceparent has today is 55. */
const traceBytesMax = 256
/** The option that a token comes with, and what is answered. */
const tokenOption = 'token:'
const tokenAnswer = 'token'
/** Who guesses has to connect again. */
const wrongTokensMax = 3

/** gearmand's bound on the handle of a WORK_FAIL. */
const handleBytesMax = 63
/** A shorter timeout counts as this one. */
const timeoutMsMin = 1000
const timeoutMsMax = 2 ** 31 - 1

/** Milliseconds; what is no number, not above 0 or beyond reason is none. */
function readTimeoutMs(text: string): number {
  const timeoutMs = Number.parseInt(text, 10)
  if (!(timeoutMs > 0) || timeoutMs > timeoutMsMax) return 0
  return Math.max(timeoutMsMin, timeoutMs)
}

/** Smaller data is copied by whoever keeps it. */
const copiedBytesMin = 8 * 1024

/** The body from `start` on. What others may keep by reference must not lie in a buffer for the next input. */
function keepable({ decoder: { bytes, end, isOwned } }: Connection, start: number): Uint8Array {
  const data = bytes.subarray(start, end)
  return isOwned || data.length < copiedBytesMin ? data : new Uint8Array(data)
}
