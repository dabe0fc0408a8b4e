import type { Random } from '../simulation/random.ts'
import { PACKET, type PacketName, request } from '../support/raw.ts'

// What peers say, as they should say it: few names, so that what they say meets.

/** The handles that a server with this prefix gives when its clock shows what the fuzzed server's shows. */
export const handlePrefix = 'P'
const firstHandleNumber = 1_790_000_001_000_001

const functions = ['f', 'f', 'f', 'f', 'g', 'g', 'h', '', 'prefix\tf', 'n'.repeat(20), 'n'.repeat(21)]
const uniques = ['', '', 'u', 'v', '-', 'u'.repeat(64), 'u'.repeat(65)]
const numbers = ['0', '1', '100', '-1', '', 'x', '1790000002', '9999999999', '9'.repeat(40), '1e9', ' 7']
export const packetAsWorkload = '\0REQ\0\0\0\x10\0\0\0\0'
const options = ['exceptions', 'EXCEPTIONS', 'other', '']
const lines = [
  'version',
  'status',
  'prioritystatus',
  'workers',
  'getpid',
  'verbose',
  'show jobs',
  'show unique jobs',
  'SHOW  JOBS',
  'show',
  'shutdown',
  '',
  ' ',
]

type Argument = (random: Random) => string

const aFunction: Argument = (random) => random.pick(functions)
const aUnique: Argument = (random) => random.pick(uniques)
const aNumber: Argument = (random) => random.pick(numbers)
const anOption: Argument = (random) => random.pick(options)
const nothing: Argument = () => ''

function aHandle(random: Random): string {
  if (random.chance(0.1)) return random.pick(['', 'P', 'P:', 'P:1', `${'P'.repeat(70)}:1`, `P:${'9'.repeat(16)}`])
  const number = Math.floor(random.exponential(3))
  return `${handlePrefix}:${firstHandleNumber + Math.min(number, 20)}`
}

function aWorkload(random: Random): string {
  return random.weighted<() => string>([
    [4, () => 'x'],
    [2, () => ''],
    [2, () => 'same '.repeat(random.between(0, 3))],
    [2, () => 'l'.repeat(random.between(0, 3000))],
    [1, () => 'L'.repeat(random.pick([8192, 8193, 32_767, 40_000]))],
    [1, () => packetAsWorkload],
  ])()
}

const submission = [aFunction, aUnique] as const

type Packet = readonly [weight: number, name: PacketName, args: readonly Argument[]]

/** How often each packet is said among those of its kind, and what it carries. */
const submissions: readonly Packet[] = [
  [6, 'SUBMIT_JOB', [...submission, aWorkload]],
  [3, 'SUBMIT_JOB_HIGH', [...submission, aWorkload]],
  [3, 'SUBMIT_JOB_LOW', [...submission, aWorkload]],
  [4, 'SUBMIT_JOB_BG', [...submission, aWorkload]],
  [2, 'SUBMIT_JOB_HIGH_BG', [...submission, aWorkload]],
  [2, 'SUBMIT_JOB_LOW_BG', [...submission, aWorkload]],
  [2, 'SUBMIT_JOB_EPOCH', [...submission, aNumber, aWorkload]],
  [2, 'SUBMIT_REDUCE_JOB', [...submission, aUnique, nothing, aWorkload]],
  [1, 'SUBMIT_REDUCE_JOB_BG', [...submission, aUnique, nothing, aWorkload]],
  [1, 'SUBMIT_JOB_SCHED', [...submission, aNumber, aNumber, aNumber, aNumber, aNumber, aWorkload]],
]
const abilities: readonly Packet[] = [
  [6, 'CAN_DO', [aFunction]],
  [2, 'CAN_DO_TIMEOUT', [aFunction, aNumber]],
  [2, 'CANT_DO', [aFunction]],
  [1, 'RESET_ABILITIES', []],
]
const grabs: readonly Packet[] = [
  [4, 'PRE_SLEEP', []],
  [6, 'GRAB_JOB', []],
  [3, 'GRAB_JOB_UNIQ', []],
  [4, 'GRAB_JOB_ALL', []],
]
const work: readonly Packet[] = [
  [4, 'WORK_DATA', [aHandle, aWorkload]],
  [2, 'WORK_WARNING', [aHandle, aWorkload]],
  [3, 'WORK_STATUS', [aHandle, aNumber, aNumber]],
]
const results: readonly Packet[] = [
  [7, 'WORK_COMPLETE', [aHandle, aWorkload]],
  [3, 'WORK_FAIL', [aHandle]],
  [3, 'WORK_EXCEPTION', [aHandle, aWorkload]],
]
const questions: readonly Packet[] = [
  [2, 'GET_STATUS', [aHandle]],
  [2, 'GET_STATUS_UNIQUE', [aUnique]],
  [4, 'ECHO_REQ', [aWorkload]],
  [1, 'SET_CLIENT_ID', [aUnique]],
  [2, 'OPTION_REQ', [anOption]],
  [1, 'ALL_YOURS', []],
  [1, 'NOOP', []],
  [1, 'JOB_CREATED', [aHandle]],
]

function aPacket(kinds: readonly Packet[]): (random: Random) => Buffer {
  const weighted = kinds.map(([weight, ...packet]) => [weight, packet] as const)
  return (random) => {
    const [name, args] = random.weighted(weighted)
    return request(PACKET[name], ...args.map((argument) => argument(random)))
  }
}

function aTextLine(random: Random): Buffer {
  return Buffer.from(aLine(random) + random.pick(['\n', '\r\n']), 'latin1')
}

type Said = readonly (readonly [weight: number, say: (random: Random) => Buffer])[]

const client: Said = [
  [8, aPacket(submissions)],
  [3, aPacket(questions)],
]
const worker: Said = [
  [3, aPacket(abilities)],
  [8, aPacket(grabs)],
  [6, aPacket(work)],
  [5, aPacket(results)],
]
const administrator: Said = [
  [6, aTextLine],
  [1, aPacket(submissions)],
]
const anyone: Said = [...client, ...worker, ...administrator]

/** Packets and lines of a peer that has a part to play, each as bytes of its own. */
export function aConversation(random: Random, length: number): Buffer[] {
  const part = random.weighted([
    [3, client],
    [3, worker],
    [1, administrator],
    [2, anyone],
  ])
  return Array.from({ length }, () => random.weighted(part)(random))
}

/** What a worker says of a job that it has: now and then it forgets to finish it, or says too much. */
export function workOn(handle: string, random: Random): Buffer[] {
  const ofHandle = (packets: readonly Packet[]): Buffer => {
    const [, name, [, ...args]] = random.pick(packets)
    return request(PACKET[name], handle, ...args.map((argument) => argument(random)))
  }
  const said = Array.from({ length: random.between(0, 4) }, () => ofHandle(work))
  if (random.chance(0.9)) said.push(ofHandle(results))
  if (random.chance(0.1)) said.push(ofHandle(work))
  if (random.chance(0.7)) said.push(request(PACKET.GRAB_JOB_UNIQ))
  return said
}

/** A text line without its end. */
export function aLine(random: Random): string {
  switch (random.between(0, 4)) {
    case 0:
      return `cancel job ${aHandle(random)}`
    case 1:
      return `${random.pick(['create', 'drop'])} function ${aFunction(random)}`
    case 2:
      return ['maxqueue', aFunction(random), aNumber(random), aNumber(random), aNumber(random)]
        .slice(0, random.between(1, 5))
        .join(' ')
    default:
      return random.pick(lines)
  }
}
