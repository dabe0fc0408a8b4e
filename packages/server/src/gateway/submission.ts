import type { PacketName, PriorityName, SubmitOptions } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import { deniedSentence } from '../access/denied.ts'
import { Problem } from '../http/problem.ts'
import type { Limits } from '../limits.ts'
import { fromWire } from '../policies/function-name.ts'
import type { LocalLink } from './local-link.ts'

/** A job that somebody wants to submit. Names are as on the wire. */
export interface LocalSubmission {
  readonly function: string
  readonly unique: string
  readonly workload: Uint8Array
  /** Nothing but what was asked for: most have none. Names in it, too, are as on the wire. */
  readonly options: Omit<SubmitOptions, 'background'>
  /** A W3C traceparent, or empty. */
  readonly trace: string
}

/** For those that ask for no more than a priority. */
const plainPackets = {
  background: { high: 'SUBMIT_JOB_HIGH_BG', normal: 'SUBMIT_JOB_BG', low: 'SUBMIT_JOB_LOW_BG' },
  foreground: { high: 'SUBMIT_JOB_HIGH', normal: 'SUBMIT_JOB', low: 'SUBMIT_JOB_LOW' },
} as const satisfies Record<string, Record<PriorityName, PacketName>>
/** The packet's arguments beside the names: `background`, and what lies between them. */
const otherBytes = 64

/** Throws a Problem if the actor may not submit it, or if no packet has room for it. */
export function checkSubmission(submission: LocalSubmission, actor: Actor, { packetBytesMax }: Limits): void {
  const { function: name, unique, workload, trace, options } = submission
  const isAllowed = actor.may('submit', name) && (options.then === undefined || actor.may('submit', options.then))
  if (!isAllowed) throw new Problem('ACCESS_DENIED', deniedSentence(['submit'], 'this function'))
  const optionsBytes = isEmpty(options) ? 0 : optionsText(options, false).length
  const bytes = workload.length + name.length + unique.length + trace.length + optionsBytes + otherBytes
  // It would be the end of the connection, which others use as well.
  if (bytes > packetBytesMax) {
    throw new Problem('BODY_TOO_LARGE', `a packet may have ${packetBytesMax} bytes, and this job takes ${bytes}`)
  }
}

export function sendSubmission(link: LocalLink, submission: LocalSubmission, kind: keyof typeof plainPackets): void {
  const { function: name, unique, options, trace, workload } = submission
  const { priority = 'normal', ...others } = options
  if (trace === '' && isEmpty(others)) link.send(plainPackets[kind][priority], [name, unique], workload)
  else link.send('SUBMIT_JOB_WITH', [name, unique, optionsText(options, kind === 'background'), trace], workload)
}

/** In JSON names are text. All of it is ASCII, since a packet's arguments have one byte a character. */
function optionsText({ then, reducer, ...options }: LocalSubmission['options'], background: boolean): string {
  const names = {
    ...(then === undefined ? {} : { then: fromWire(then) }),
    ...(reducer === undefined ? {} : { reducer: fromWire(reducer) }),
  }
  const json = JSON.stringify({ background, ...options, ...names })
  return json.replace(notAscii, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// One half of a pair at a time, as JSON has them.
const notAscii = /[\u0080-\uffff]/g

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}
