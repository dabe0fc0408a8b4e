/**
 * The table of Gearman packets: the one place that knows each packet's number, who sends it and what it carries.
 *
 * A packet is a 12-byte header (magic, type, body length; both numbers big-endian) and a body: arguments separated
 * by NUL, then, where `data` is true, opaque bytes after the last argument's NUL. Without data the last argument
 * ends with the body.
 *
 * To add a packet: a row here, a handler in the server's `dispatch.ts`, a line in `docs/protocol.md`.
 */
export const packets = {
  CAN_DO: { type: 1, from: 'worker', args: ['function'], data: false },
  CANT_DO: { type: 2, from: 'worker', args: ['function'], data: false },
  RESET_ABILITIES: { type: 3, from: 'worker', args: [], data: false },
  PRE_SLEEP: { type: 4, from: 'worker', args: [], data: false },
  NOOP: { type: 6, from: 'server', args: [], data: false },
  SUBMIT_JOB: { type: 7, from: 'client', args: ['function', 'unique'], data: true },
  JOB_CREATED: { type: 8, from: 'server', args: ['handle'], data: false },
  GRAB_JOB: { type: 9, from: 'worker', args: [], data: false },
  NO_JOB: { type: 10, from: 'server', args: [], data: false },
  JOB_ASSIGN: { type: 11, from: 'server', args: ['handle', 'function'], data: true },
  WORK_STATUS: { type: 12, from: 'worker', args: ['handle', 'numerator', 'denominator'], data: false },
  WORK_COMPLETE: { type: 13, from: 'worker', args: ['handle'], data: true },
  WORK_FAIL: { type: 14, from: 'worker', args: ['handle'], data: false },
  GET_STATUS: { type: 15, from: 'client', args: ['handle'], data: false },
  ECHO_REQ: { type: 16, from: 'any', args: [], data: true },
  ECHO_RES: { type: 17, from: 'server', args: [], data: true },
  SUBMIT_JOB_BG: { type: 18, from: 'client', args: ['function', 'unique'], data: true },
  ERROR: { type: 19, from: 'server', args: ['code', 'text'], data: false },
  STATUS_RES: {
    type: 20,
    from: 'server',
    args: ['handle', 'known', 'running', 'numerator', 'denominator'],
    data: false,
  },
  SUBMIT_JOB_HIGH: { type: 21, from: 'client', args: ['function', 'unique'], data: true },
  SET_CLIENT_ID: { type: 22, from: 'any', args: ['clientId'], data: false },
  CAN_DO_TIMEOUT: { type: 23, from: 'worker', args: ['function', 'timeoutMs'], data: false },
  ALL_YOURS: { type: 24, from: 'worker', args: [], data: false },
  WORK_EXCEPTION: { type: 25, from: 'worker', args: ['handle'], data: true },
  OPTION_REQ: { type: 26, from: 'any', args: ['option'], data: false },
  OPTION_RES: { type: 27, from: 'server', args: ['option'], data: false },
  WORK_DATA: { type: 28, from: 'worker', args: ['handle'], data: true },
  WORK_WARNING: { type: 29, from: 'worker', args: ['handle'], data: true },
  GRAB_JOB_UNIQ: { type: 30, from: 'worker', args: [], data: false },
  JOB_ASSIGN_UNIQ: { type: 31, from: 'server', args: ['handle', 'function', 'unique'], data: true },
  SUBMIT_JOB_HIGH_BG: { type: 32, from: 'client', args: ['function', 'unique'], data: true },
  SUBMIT_JOB_LOW: { type: 33, from: 'client', args: ['function', 'unique'], data: true },
  SUBMIT_JOB_LOW_BG: { type: 34, from: 'client', args: ['function', 'unique'], data: true },
  SUBMIT_JOB_SCHED: {
    type: 35,
    from: 'client',
    args: ['function', 'unique', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'],
    data: true,
  },
  SUBMIT_JOB_EPOCH: { type: 36, from: 'client', args: ['function', 'unique', 'epoch'], data: true },
  // Both reduce submissions carry a fourth argument that libgearman always sends and nobody reads.
  SUBMIT_REDUCE_JOB: { type: 37, from: 'client', args: ['function', 'unique', 'reducer', 'unused'], data: true },
  SUBMIT_REDUCE_JOB_BACKGROUND: {
    type: 38,
    from: 'client',
    args: ['function', 'unique', 'reducer', 'unused'],
    data: true,
  },
  GRAB_JOB_ALL: { type: 39, from: 'worker', args: [], data: false },
  JOB_ASSIGN_ALL: { type: 40, from: 'server', args: ['handle', 'function', 'unique', 'reducer'], data: true },
  GET_STATUS_UNIQUE: { type: 41, from: 'client', args: ['unique'], data: false },
  STATUS_RES_UNIQUE: {
    type: 42,
    from: 'server',
    args: ['unique', 'known', 'running', 'numerator', 'denominator', 'waiters'],
    data: false,
  },

  // What Gearman does not have. The server sends these only to those who have asked for them.
  CONTROL: { type: 1000, from: 'any', args: [], data: true },
  CONTROL_RES: { type: 1001, from: 'server', args: [], data: true },
  /** The worker is not to go on with the job; the reason is `cancelled` or `timeout`. */
  JOB_CANCEL: { type: 1002, from: 'server', args: ['handle', 'reason'], data: false },
  /** Any submission; see `submit-options.ts`. `trace` is a W3C traceparent, or empty. */
  SUBMIT_JOB_WITH: { type: 1003, from: 'client', args: ['function', 'unique', 'options', 'trace'], data: true },
  /** In place of the other assignments, for a job with a trace, to a worker that has the option `tracing`. */
  JOB_ASSIGN_TRACED: {
    type: 1004,
    from: 'server',
    args: ['handle', 'function', 'unique', 'reducer', 'trace'],
    data: true,
  },
} as const satisfies Record<string, PacketRow>

interface PacketRow {
  readonly type: number
  /** Who sends it. The server also sends every WORK_* packet on to the job's clients. */
  readonly from: 'client' | 'worker' | 'any' | 'server'
  readonly args: readonly string[]
  readonly data: boolean
}

export type PacketName = keyof typeof packets

/** What the table says of one packet type, with its name. */
export interface PacketKind extends PacketRow {
  readonly name: PacketName
}

/** Gearman's own types end before this one. */
const gearmanTypeEnd = 43
const extensionTypeStart = 1000
const packetTypeEnd = 1005

/** Of the others, not even the length of the body can be believed. */
export function isPacketType(type: number): boolean {
  return (type > 0 && type < gearmanTypeEnd) || (type >= extensionTypeStart && type < packetTypeEnd)
}

/** By type number; `undefined` where no packet has the number. */
export const packetKinds: readonly (PacketKind | undefined)[] = byType()

function byType(): (PacketKind | undefined)[] {
  const kinds = Array.from<PacketKind | undefined>({ length: packetTypeEnd })
  for (const [name, row] of Object.entries(packets)) {
    // Object.entries forgets that the keys are the table's own.
    kinds[row.type] = { name: name as PacketName, ...row }
  }
  return kinds
}

/** Bytes of a packet's header. */
export const headerBytes = 12
