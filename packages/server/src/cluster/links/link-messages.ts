import type { ControlAnswer, JobSummary } from '@geartrain/protocol'
import { z } from 'zod'
import type { WatchedEvent } from '../../job-watch.ts'

/**
 * What servers of a cluster say to each other in CONTROL packets, as JSON. Each begins with `{"op":"link`, by which it is
 * told from what everybody may ask. A newer server may say more; what is not known is passed over.
 */
const messages = z.discriminatedUnion('op', [
  /** The first word on a connection. The answer is a LinkWelcome. */
  z.object({
    op: z.literal('link'),
    /** Another one for each start of a server: one that has dialled itself knows itself by it. */
    instance: z.string().regex(/^[\w-]{1,100}$/),
    name: z.string().regex(/^[!-~]{1,255}$/),
    token: z.string().max(1024).exactOptional(),
  }),
  /**
   * The sender has had this job and will not do it. `isLost`: its worker was lost, and an attempt has ended; else nobody
   * has begun it. There is no answer.
   */
  z.object({ op: z.literal('link return'), handle: z.string().max(64), isLost: z.boolean() }),
  /** How a job stands that the other server has: a LinkedJob, by the digits of its handle. */
  z.object({ op: z.literal('link job'), number: z.int() }),
  /**
   * What becomes of a job there, from now on until `link unwatch`: an answer with this id and a LinkedEvent for each thing
   * that happens. It need not be there yet.
   */
  z.object({ op: z.literal('link watch'), id: z.int(), number: z.int() }),
  z.object({ op: z.literal('link unwatch'), id: z.int() }),
  /** What waits there of a function is to end. The answer has this id, and is a LinkedPurge. */
  z.object({ op: z.literal('link purge'), id: z.int(), function: z.string() }),
])

export type LinkMessage = z.infer<typeof messages>
export type LinkGreeting = Extract<LinkMessage, { op: 'link' }>

export interface LinkWelcome {
  readonly instance: string
  readonly name: string
  /** A larger packet is not to be sent. */
  readonly packetBytesMax: number
}

export interface LinkedJob {
  /** Null: it is not in the memory of that server. */
  readonly job: JobSummary | null
}

export type LinkedEvent = WatchedEvent

export interface LinkedPurge {
  readonly purged: number
}

/** With an id it is the answer to the question that has it; without one to the first that has none and is not answered. */
export type LinkAnswer<Answer> = ControlAnswer<Answer> & { readonly id?: number }

const opening = Buffer.from('{"op":"link')
/** The longest has the name of a function; what is longer is none, and is not read. */
const messageBytesMax = 512 * 1024

export function isLinkMessage(data: Uint8Array): boolean {
  return data.length <= messageBytesMax && opening.equals(data.subarray(0, opening.length))
}

/** Undefined: it is none that this version knows. */
export function readLinkMessage(data: Uint8Array): LinkMessage | undefined {
  return messages.safeParse(parse(data)).data
}

const numbered = z.object({ id: z.int() })

/** That of a question which this version does not know, so that whoever has asked knows what is answered. */
export function readLinkId(data: Uint8Array): { readonly id?: number } {
  return numbered.safeParse(parse(data)).data ?? {}
}

export function writeLinkMessage(message: LinkMessage): Buffer {
  // Its opening is what it is known by.
  const { op, ...rest } = message
  return Buffer.from(JSON.stringify({ op, ...rest }))
}

/** What a server has answered. Who speaks our protocol over a link is one of ours, by its token. */
export function readLinkAnswer(data: Uint8Array): LinkAnswer<unknown> {
  const answer = parse(data)
  if (typeof answer === 'object' && answer !== null && 'ok' in answer) return answer as LinkAnswer<unknown>
  return { ok: false, error: { code: 'BAD_REQUEST', message: 'its answer is none that this version knows' } }
}

/** Undefined: it is no JSON. */
function parse(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString('utf8'))
  } catch {
    return undefined
  }
}
