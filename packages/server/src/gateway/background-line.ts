import type { Connection } from '../connection.ts'
import { Problem } from '../http/problem.ts'
import type { Limits } from '../limits.ts'
import type { ServerPacket } from '../server-packet.ts'
import { LocalLink } from './local-link.ts'
import { refusal } from './refusal.ts'
import { type LocalSubmission, sendSubmission } from './submission.ts'

/** Submissions that wait for their replies, and the bytes of their workloads. */
const waitingMax = 20_000
const waitingBytesMax = 256 * 1024 * 1024

interface Waiting {
  readonly bytes: number
  readonly resolve: (handle: string) => void
  readonly reject: (problem: Problem) => void
}

/**
 * Background submissions of all who come over HTTP, on one connection: the server sees them as it would see those of one
 * busy client, whose replies leave together. Each has one reply, a handle or an ERROR, in the order in which they were
 * sent, also where the store is waited for. Who may submit what is for the caller to check.
 */
export class BackgroundLine {
  readonly #limits: Limits
  readonly #connect: (link: LocalLink) => Connection | undefined
  /** Undefined before the first one, and when it was closed. */
  #link: LocalLink | undefined
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0

  constructor(limits: Limits, connect: (link: LocalLink) => Connection | undefined) {
    this.#limits = limits
    this.#connect = connect
  }

  /** The handle of the job, which is kept. Rejects with a Problem. */
  submit(submission: LocalSubmission): Promise<string> {
    const bytes = submission.workload.length
    if (this.#waiting.length >= waitingMax || this.#waitingBytes + bytes > waitingBytesMax) {
      return Promise.reject(new Problem('TOO_MANY_REQUESTS', 'too many jobs wait to be kept: try again in a moment'))
    }
    const link = this.#link ?? this.#open()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject })
      this.#waitingBytes += bytes
      sendSubmission(link, submission, 'background')
    })
  }

  #open(): LocalLink {
    let refused: Problem | undefined
    const link = new LocalLink(this.#limits, (packet) => {
      const isReply = this.#receive(packet)
      // Said before anything was asked, or in the end, it is why the rest is not answered.
      if (packet.name === 'ERROR') refused = isReply ? undefined : problemOf(packet)
    })
    this.#link = link
    link.once('close', () => {
      if (this.#link === link) this.#link = undefined
      const why = refused ?? new Problem('SHUTTING_DOWN', 'the server is closing, and may or may not have kept the job')
      this.#waitingBytes = 0
      for (const { reject } of this.#waiting.splice(0)) reject(why)
    })
    this.#connect(link)
    link.send('SET_CLIENT_ID', ['http'])
    return link
  }

  #receive(packet: ServerPacket): boolean {
    if (packet.name !== 'JOB_CREATED' && packet.name !== 'ERROR') return false
    const reply = this.#waiting.shift()
    if (reply === undefined) return false
    this.#waitingBytes -= reply.bytes
    if (packet.name === 'JOB_CREATED') reply.resolve(packet.args[0] ?? '')
    else reply.reject(problemOf(packet))
    return true
  }
}

function problemOf({ args }: ServerPacket): Problem {
  return refusal(args[0] ?? '', args[1] ?? '')
}
