import type { Addition, GrabForm, Job, Outbox, Refusal } from '@geartrain/engine'
import { packets, wireErrors } from '@geartrain/protocol'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import type { Handles } from './handles.ts'
import type { Journal } from './journal.ts'

/** The engine's events as packets in the outputs of the connections they are for. */
export class PacketOutbox implements Outbox {
  readonly #connections: Connections
  readonly #handles: Handles

  readonly #journal: Journal | undefined

  constructor(connections: Connections, handles: Handles, journal?: Journal) {
    this.#connections = connections
    this.#handles = handles
    this.#journal = journal
  }

  jobCreated(session: number, job: Job, background: boolean): void {
    const connection = this.#connections.to(session)
    if (connection === undefined) return
    const { output } = connection
    // The job was kept before, but what this connection has said since may not be.
    if (background && job.isStored) this.#journal?.holdUntilKept(connection)
    this.#handles.write(output.packet(packets.JOB_CREATED.type, this.#handles.length), job.number)
  }

  jobPromised(session: number, addition: Addition): void {
    const connection = this.#connections.to(session)
    if (connection === undefined) return
    this.#journal?.promise(connection, addition)
    const writer = connection.output.packet(packets.JOB_CREATED.type, this.#handles.length)
    this.#handles.write(writer, addition.number)
  }

  jobThrottled(session: number, number: number): void {
    const output = this.#connections.to(session)?.output
    if (output !== undefined) this.#handles.write(output.packet(packets.JOB_CREATED.type, this.#handles.length), number)
  }

  jobCancelled(session: number, number: number, reason: 'cancelled' | 'timeout'): void {
    const output = this.#connections.to(session)?.output
    if (output === undefined) return
    const writer = output.packet(packets.JOB_CANCEL.type, this.#handles.length + 1 + reason.length)
    this.#handles.write(writer, number)
    writer.argument('')
    writer.text(reason)
  }

  refused(session: number, refusal: Refusal): void {
    this.#connections.to(session)?.error(wireErrors[refusal])
  }

  jobAssigned(session: number, job: Job, form: GrabForm): void {
    const connection = this.#connections.to(session)
    if (connection === undefined) return
    connection.grabAnswered()
    if (job.trace !== '' && connection.tracing)
      assign(connection, this.#handles, job, packets.JOB_ASSIGN_TRACED.type, 3)
    else if (form === 'all' && job.reducer !== '')
      assign(connection, this.#handles, job, packets.JOB_ASSIGN_ALL.type, 2)
    else if (form === 'plain') assign(connection, this.#handles, job, packets.JOB_ASSIGN.type, 0)
    else assign(connection, this.#handles, job, packets.JOB_ASSIGN_UNIQ.type, 1)
  }

  noJob(session: number): void {
    const connection = this.#connections.to(session)
    connection?.grabAnswered()
    connection?.output.packet(packets.NO_JOB.type, 0)
  }

  noop(session: number): void {
    this.#connections.to(session)?.output.packet(packets.NOOP.type, 0)
  }

  workData(session: number, job: Job, data: Uint8Array): void {
    this.#work(session, job, packets.WORK_DATA.type, data)
  }

  workWarning(session: number, job: Job, data: Uint8Array): void {
    this.#work(session, job, packets.WORK_WARNING.type, data)
  }

  workStatus(session: number, job: Job, numerator: string, denominator: string): void {
    const output = this.#connections.to(session)?.output
    if (output === undefined) return
    const bodyLength = this.#handles.length + 2 + numerator.length + denominator.length
    const writer = output.packet(packets.WORK_STATUS.type, bodyLength)
    this.#handles.write(writer, job.number)
    writer.argument('')
    writer.argument(numerator)
    writer.text(denominator)
  }

  workComplete(session: number, job: Job, result: Uint8Array): void {
    this.#holdUntilKept(session, job)
    this.#work(session, job, packets.WORK_COMPLETE.type, result)
  }

  workFail(session: number, job: Job): void {
    this.#holdUntilKept(session, job)
    const output = this.#connections.to(session)?.output
    if (output === undefined) return
    this.#handles.write(output.packet(packets.WORK_FAIL.type, this.#handles.length), job.number)
  }

  workException(session: number, job: Job, exception: Uint8Array): void {
    this.#holdUntilKept(session, job)
    this.#work(session, job, packets.WORK_EXCEPTION.type, exception)
  }

  /** Whoever is told that a stored job has ended may count on it: it does not come back. */
  #holdUntilKept(session: number, job: Job): void {
    if (!job.isStored && job.addition === undefined) return
    const connection = this.#connections.to(session)
    if (connection !== undefined) this.#journal?.holdUntilForgotten(connection, job.number)
  }

  #work(session: number, job: Job, type: number, data: Uint8Array): void {
    const output = this.#connections.to(session)?.output
    if (output === undefined) return
    const argsLength = this.#handles.length + 1
    const writer = output.packet(type, argsLength + data.length, argsLength)
    this.#handles.write(writer, job.number)
    writer.argument('')
    output.data(data)
  }
}

/** Handle and function, with one more name the unique, with two the reducer as well, with three the trace. */
function assign(connection: Connection, handles: Handles, job: Job, type: number, names: 0 | 1 | 2 | 3): void {
  const { name } = job.function
  const argsLength =
    handles.length +
    1 +
    name.length +
    1 +
    (names > 0 ? job.unique.length + 1 : 0) +
    (names > 1 ? job.reducer.length + 1 : 0) +
    (names > 2 ? job.trace.length + 1 : 0)
  const writer = connection.output.packet(type, argsLength + job.workloadLength, argsLength)
  handles.write(writer, job.number)
  writer.argument('')
  writer.argument(name)
  if (names > 0) writer.argument(job.unique)
  if (names > 1) writer.argument(job.reducer)
  if (names > 2) writer.argument(job.trace)
  connection.output.data(job.workload)
}
