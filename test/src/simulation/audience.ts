import { finalPackets, showCommand } from './command.ts'
import type { IncomingPacket } from './incoming.ts'
import type { JobRecord, Wait } from './job-record.ts'
import type { Ledger } from './ledger.ts'
import type { Entry, Line } from './line.ts'

/**
 * Those who wait for jobs: whoever has submitted a job gets all that its workers say from then on, once for each
 * submission, and one end.
 */
export class Audience {
  readonly #ledger: Ledger
  /** Those that have got their end in this turn. */
  #finished: Wait[] = []

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** The line is told that it has submitted the job. */
  join(line: Line, job: JobRecord): void {
    const { handle } = job
    const wait = line.waits.get(handle) ?? { job, joinedAt: [], ends: 0, copies: new Map<Entry, number>() }
    if (wait.ends > 0) this.#ledger.fail(`${line.name} is joined to ${handle}, of which it has had the end`)
    wait.joinedAt.push(this.#ledger.moment)
    line.waits.set(handle, wait)
    job.waits.set(line, wait)
  }

  /** The line gets what a worker says of a job, or its end. */
  event(line: Line, packet: IncomingPacket): void {
    if (line.state === 'gone') return
    const ledger = this.#ledger
    const handle = packet.args[0] ?? ''
    const what = `${line.name}: ${packet.name} of ${handle}`
    const wait = line.waits.get(handle)
    if (wait === undefined) return ledger.fail(`${what}, for which it does not wait`)
    ledger.count(packet.name)
    const { job, joinedAt } = wait
    const source = job.works.findLast((work) => isSame(work, packet))
    if (wait.ends === joinedAt.length) return ledger.fail(`${what}, after its end`)
    if (!finalPackets.has(packet.name)) return this.#hear(wait, source, what)
    wait.ends++
    if (wait.ends === joinedAt.length) this.#finished.push(wait)
    if (!this.#isCaused(line, packet, job, source)) ledger.fail(`${what}, which nothing has caused`)
    ledger.durability.told(job, line)
    ledger.end(job)
  }

  settle(): void {
    for (const wait of this.#finished) this.#checkCopies(wait)
    this.#finished = []
  }

  /** Nobody is there any more. */
  leave(): void {
    this.#finished = []
  }

  /** All jobs are done: nobody who is still there waits. */
  finish(): void {
    for (const line of this.#ledger.lines) {
      if (line.state !== 'open') continue
      for (const { job, joinedAt, ends } of line.waits.values()) {
        if (ends === joinedAt.length) continue
        this.#ledger.fail(`${line.name} waits ${joinedAt.length} times for ${job.handle} and got ${ends} ends`)
      }
    }
  }

  #hear({ ends, joinedAt, copies }: Wait, source: Entry | undefined, what: string): void {
    if (ends > 0) return this.#ledger.fail(`${what}, after its end`)
    if (source === undefined) return this.#ledger.fail(`${what}, which no worker has said`)
    const count = (copies.get(source) ?? 0) + 1
    copies.set(source, count)
    if (count > joinedAt.length) this.#ledger.fail(`${what}, once too often`)
  }

  /** Whether the end is what the worker said, or comes of what else can end a job. */
  #isCaused(line: Line, packet: IncomingPacket, job: JobRecord, source: Entry | undefined): boolean {
    const hasExceptions = this.#ledger.options.exceptions || line.hasExceptions
    const { outcome } = job
    if (packet.name === 'WORK_COMPLETE') return outcome === undefined ? source !== undefined : isSame(outcome, packet)
    const sure = outcome?.command.name
    if (sure === 'WORK_COMPLETE') return false
    if (packet.name === 'WORK_EXCEPTION') return hasExceptions && source !== undefined && sure !== 'WORK_FAIL'
    if (source !== undefined || job.mayBeCancelled || job.mayBeExhausted) return true
    return !hasExceptions && job.works.some(({ command }) => command.name === 'WORK_EXCEPTION')
  }

  /** Who waited got all that the worker said from then on. */
  #checkCopies({ job, joinedAt, copies }: Wait): void {
    for (const work of job.works) {
      if (!work.isAccepted || finalPackets.has(work.command.name)) continue
      const expected = joinedAt.filter((moment) => moment < work.deliveredAt).length
      if ((copies.get(work) ?? 0) >= expected) continue
      this.#ledger.fail(`${job.handle}: a client misses ${showCommand(work.command)}`)
    }
  }
}

/** The packet is what the worker said. */
function isSame({ command }: Entry, packet: IncomingPacket): boolean {
  if (command.name !== packet.name || command.data !== packet.data) return false
  return command.args.every((arg, i) => arg === packet.args[i])
}
