import type { PacketName, SubmitOptions } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { Problem } from '../http/problem.ts'
import type { Limits } from '../limits.ts'
import type { LocalLink } from './local-link.ts'

/** A job that somebody wants to submit. Names are as on the wire. */
export interface LocalSubmission {
  readonly function: string
  readonly unique: string
  readonly workload: Uint8Array
  /** Nothing but what was asked for: most have none. */
  readonly options: Omit<SubmitOptions, 'background'>
  /** A W3C traceparent, or empty. */
  readonly trace: string
}

const backgroundPackets = {
  high: 'SUBMIT_JOB_HIGH_BG',
  normal: 'SUBMIT_JOB_BG',
  low: 'SUBMIT_JOB_LOW_BG',
} as const satisfies Record<string, PacketName>
/** The packet's arguments beside the names: `background`, and what lies between them. */
const otherBytes = 64

/** Throws a Problem if the actor may not submit it, or if no packet has room for it. */
export function checkSubmission(submission: LocalSubmission, actor: Actor, { packetBytesMax }: Limits): void {
  const { function: name, unique, workload, trace, options } = submission
  for (const each of options.then === undefined ? [name] : [name, options.then]) {
    if (!actor.may('submit', each)) {
      throw new Problem('ACCESS_DENIED', `${actor.name} may not submit jobs of this function`)
    }
  }
  const optionsBytes = JSON.stringify(options).length
  const bytes = workload.length + name.length + unique.length + trace.length + optionsBytes + otherBytes
  // It would be the end of the connection, which others use as well.
  if (bytes > packetBytesMax) {
    throw new Problem('BODY_TOO_LARGE', `a packet may have ${packetBytesMax} bytes, and this job takes ${bytes}`)
  }
}

export function sendBackground(link: LocalLink, submission: LocalSubmission): void {
  const { function: name, unique, options, trace, workload } = submission
  const { priority = 'normal', ...others } = options
  if (trace === '' && isEmpty(others)) link.send(backgroundPackets[priority], [name, unique], workload)
  else sendWith(link, submission, true)
}

export function sendForeground(link: LocalLink, submission: LocalSubmission): void {
  sendWith(link, submission, false)
}

function sendWith(
  link: LocalLink,
  { function: name, unique, options, trace, workload }: LocalSubmission,
  background: boolean,
): void {
  link.send('SUBMIT_JOB_WITH', [name, unique, asAscii(JSON.stringify({ background, ...options })), trace], workload)
}

/** Names in it have characters of one byte, which is not what UTF-8 makes of them. */
function asAscii(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}
