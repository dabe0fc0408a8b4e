import { type Priority, priorities } from '@geartrain/engine'
import { encodePacket, type PacketName, packets } from '@geartrain/protocol'
import type { Incoming } from './incoming.ts'
import { readable } from './trace.ts'

/** What a peer says to the server: a packet, or a line of text. */
export type Command = PacketCommand | TextCommand

export interface PacketCommand {
  readonly name: PacketName
  readonly args: readonly string[]
  /** One byte a character. */
  readonly data: string
  /** It is sent with a response's magic. */
  readonly isResponse: boolean
}

export interface TextCommand {
  readonly name: 'TEXT'
  readonly line: string
}

export function packet(name: PacketName, args: readonly string[] = [], data = ''): PacketCommand {
  return { name, args, data, isResponse: false }
}

export function text(line: string): TextCommand {
  return { name: 'TEXT', line }
}

export function encode(command: Command): Buffer {
  if (command.name === 'TEXT') return Buffer.from(`${command.line}\n`, 'latin1')
  const { name, args, data, isResponse } = command
  const kind = packets[name]
  return Buffer.from(encodePacket(kind, args, kind.data ? Buffer.from(data, 'latin1') : undefined, !isResponse))
}

export function showCommand(command: Command): string {
  if (command.name === 'TEXT') return `"${readable(command.line)}"`
  const args = command.args.map((arg) => `'${readable(arg)}'`)
  return [command.isResponse ? `RES ${command.name}` : command.name, ...args, readable(command.data)]
    .join(' ')
    .trimEnd()
}

/** The submissions: how soon, and whether anybody waits. */
export const submissions: ReadonlyMap<string, { readonly priority: Priority; readonly background: boolean }> = new Map([
  ['SUBMIT_JOB', { priority: priorities.normal, background: false }],
  ['SUBMIT_JOB_HIGH', { priority: priorities.high, background: false }],
  ['SUBMIT_JOB_LOW', { priority: priorities.low, background: false }],
  ['SUBMIT_REDUCE_JOB', { priority: priorities.normal, background: false }],
  ['SUBMIT_JOB_BG', { priority: priorities.normal, background: true }],
  ['SUBMIT_JOB_HIGH_BG', { priority: priorities.high, background: true }],
  ['SUBMIT_JOB_LOW_BG', { priority: priorities.low, background: true }],
  ['SUBMIT_JOB_EPOCH', { priority: priorities.normal, background: true }],
  ['SUBMIT_REDUCE_JOB_BACKGROUND', { priority: priorities.normal, background: true }],
])

/** The same of SUBMIT_JOB_WITH, by its options. What these say of its policy nobody sees, but the store has to keep it. */
export const optionSubmissions: typeof submissions = new Map([
  ['{"policy":{"timeout":"1h"}}', { priority: priorities.normal, background: false }],
  ['{"background":true,"policy":{"keep-results":"10s"}}', { priority: priorities.normal, background: true }],
  [
    '{"background":true,"policy":{"keep-results":"10s"},"priority":"low"}',
    { priority: priorities.low, background: true },
  ],
])

/** What kind of a submission it is; undefined if it is none. */
export function formOf(command: Command): { readonly priority: Priority; readonly background: boolean } | undefined {
  if (command.name === 'TEXT') return undefined
  return command.name === 'SUBMIT_JOB_WITH'
    ? optionSubmissions.get(command.args[2] ?? '')
    : submissions.get(command.name)
}

/** What a worker says of a job. All go on to the clients that wait for it; the final ones end it. */
export const workPackets: ReadonlySet<string> = new Set([
  'WORK_DATA',
  'WORK_WARNING',
  'WORK_STATUS',
  'WORK_COMPLETE',
  'WORK_FAIL',
  'WORK_EXCEPTION',
])
export const finalPackets: ReadonlySet<string> = new Set(['WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION'])

export function isGrab(name: string): boolean {
  return name === 'GRAB_JOB' || name === 'GRAB_JOB_UNIQ' || name === 'GRAB_JOB_ALL'
}

/** The answer may have to wait until something is on the disk. */
export function mayAwaitDisk(command: Command): boolean {
  const form = formOf(command)
  return form !== undefined && command.name !== 'TEXT' && (form.background || command.args[1] !== '')
}

/** Until it is answered, which may need the store, nothing more is read. */
export function mayAskStore(command: Command): boolean {
  if (command.name === 'TEXT') return /^(cancel job|show jobs|show unique jobs)/.test(command.line)
  return isGrab(command.name) || command.name === 'GET_STATUS' || command.name === 'GET_STATUS_UNIQUE'
}

/**
 * Whether the server answers. always: with one of the answers. refusal: only with an ERROR. never: not at all.
 * close: it closes the connection instead.
 */
export type Answered = 'always' | 'refusal' | 'never' | 'close'

export function answered(command: Command): Answered {
  if (command.name === 'TEXT') return command.line.split(/ +/).length > 5 ? 'close' : 'always'
  if (command.isResponse) return 'always'
  if (workPackets.has(command.name)) return 'refusal'
  return silent.has(command.name) ? 'never' : 'always'
}

const silent: ReadonlySet<string> = new Set([
  'CAN_DO',
  'CAN_DO_TIMEOUT',
  'CANT_DO',
  'RESET_ABILITIES',
  'PRE_SLEEP',
  'SET_CLIENT_ID',
])

/** Whether this can be what the server says to the command. */
export function isAnswer(command: Command, incoming: Incoming): boolean {
  if (command.name === 'TEXT') return incoming.name === 'LINE'
  if (incoming.name === 'LINE') return false
  const allowed = command.isResponse ? wrongMagicAnswers : answers.get(command.name)
  const name = incoming.name === 'ERROR' ? incoming.args[0] : incoming.name
  return name !== undefined && (allowed ?? unexpectedAnswers).includes(name)
}

const wrongMagicAnswers = ['INVALID_MAGIC']
const unexpectedAnswers = ['INVALID_COMMAND']
const submissionAnswers = ['JOB_CREATED', 'QUEUE_ERROR', 'ARGUMENT_TOO_LARGE', 'SHUTTING_DOWN']
const jobNotFound = ['JOB_NOT_FOUND']

/** By name: the packets that can answer it, or the codes of the ERROR that can. */
const answers: ReadonlyMap<string, readonly string[]> = new Map([
  ...[...submissions.keys(), 'SUBMIT_JOB_WITH'].map((name) => [name, submissionAnswers] as const),
  ...[...workPackets].map((name) => [name, jobNotFound] as const),
  ['SUBMIT_JOB_SCHED', ['INVALID_SCHEDULE', 'SHUTTING_DOWN']],
  ['GRAB_JOB', ['NO_JOB', 'JOB_ASSIGN']],
  ['GRAB_JOB_UNIQ', ['NO_JOB', 'JOB_ASSIGN_UNIQ']],
  ['GRAB_JOB_ALL', ['NO_JOB', 'JOB_ASSIGN_UNIQ', 'JOB_ASSIGN_ALL']],
  ['GET_STATUS', ['STATUS_RES', 'QUEUE_ERROR']],
  ['GET_STATUS_UNIQUE', ['STATUS_RES_UNIQUE', 'QUEUE_ERROR']],
  ['ECHO_REQ', ['ECHO_RES']],
  ['OPTION_REQ', ['OPTION_RES', 'UNKNOWN_OPTION']],
])
