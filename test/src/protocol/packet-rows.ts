import { headerBytes, type PacketName } from '@geartrain/protocol'

/** REQ goes to the server, RES comes from it. */
export type Magic = 'REQ' | 'RES'

/** A packet in words and the same one in bytes: magic, type, length, then argument, NUL, argument, NUL ... data. */
export type PacketRow = readonly [
  magic: Magic,
  name: PacketName,
  args: readonly string[],
  data: string | undefined,
  hex: string,
]

/** Every packet in every direction it travels. The bytes do not come from the encoder under test. */
// biome-ignore format: a table
export const packetRows: readonly PacketRow[] = [
  ['REQ', 'CAN_DO', ['reverse'], undefined, '00524551 00000001 00000007 72657665727365'],
  ['REQ', 'CANT_DO', ['reverse'], undefined, '00524551 00000002 00000007 72657665727365'],
  ['REQ', 'RESET_ABILITIES', [], undefined, '00524551 00000003 00000000'],
  ['REQ', 'PRE_SLEEP', [], undefined, '00524551 00000004 00000000'],
  ['RES', 'NOOP', [], undefined, '00524553 00000006 00000000'],
  ['REQ', 'SUBMIT_JOB', ['reverse', 'u1'], 'World!', '00524551 00000007 00000011 72657665727365 00 7531 00 576f726c6421'],
  ['RES', 'JOB_CREATED', ['H:lap:1'], undefined, '00524553 00000008 00000007 483a6c61703a31'],
  ['REQ', 'GRAB_JOB', [], undefined, '00524551 00000009 00000000'],
  ['RES', 'NO_JOB', [], undefined, '00524553 0000000a 00000000'],
  ['RES', 'JOB_ASSIGN', ['H:lap:1', 'reverse'], 'World!', '00524553 0000000b 00000016 483a6c61703a31 00 72657665727365 00 576f726c6421'],
  ['REQ', 'WORK_STATUS', ['H:lap:1', '1', '4'], undefined, '00524551 0000000c 0000000b 483a6c61703a31 00 31 00 34'],
  ['REQ', 'WORK_COMPLETE', ['H:lap:1'], '!dlroW', '00524551 0000000d 0000000e 483a6c61703a31 00 21646c726f57'],
  ['REQ', 'WORK_FAIL', ['H:lap:1'], undefined, '00524551 0000000e 00000007 483a6c61703a31'],
  ['RES', 'WORK_STATUS', ['H:lap:1', '1', '4'], undefined, '00524553 0000000c 0000000b 483a6c61703a31 00 31 00 34'],
  ['RES', 'WORK_COMPLETE', ['H:lap:1'], '!dlroW', '00524553 0000000d 0000000e 483a6c61703a31 00 21646c726f57'],
  ['RES', 'WORK_FAIL', ['H:lap:1'], undefined, '00524553 0000000e 00000007 483a6c61703a31'],
  ['REQ', 'GET_STATUS', ['H:lap:1'], undefined, '00524551 0000000f 00000007 483a6c61703a31'],
  ['REQ', 'ECHO_REQ', [], 'a\0b', '00524551 00000010 00000003 610062'],
  ['RES', 'ECHO_RES', [], 'a\0b', '00524553 00000011 00000003 610062'],
  ['REQ', 'SUBMIT_JOB_BG', ['reverse', ''], '', '00524551 00000012 00000009 72657665727365 00 00'],
  ['RES', 'ERROR', ['QUEUE_ERROR', 'Job queue is full'], undefined, '00524553 00000013 0000001d 51554555455f4552524f52 00 4a6f622071756575652069732066756c6c'],
  ['RES', 'STATUS_RES', ['H:lap:1', '1', '1', '3', '10'], undefined, '00524553 00000014 00000010 483a6c61703a31 00 31 00 31 00 33 00 3130'],
  ['REQ', 'SUBMIT_JOB_HIGH', ['reverse', '-'], '\0', '00524551 00000015 0000000b 72657665727365 00 2d 00 00'],
  ['REQ', 'SET_CLIENT_ID', ['my id'], undefined, '00524551 00000016 00000005 6d79206964'],
  ['REQ', 'CAN_DO_TIMEOUT', ['reverse', '1500'], undefined, '00524551 00000017 0000000c 72657665727365 00 31353030'],
  ['REQ', 'ALL_YOURS', [], undefined, '00524551 00000018 00000000'],
  ['REQ', 'WORK_EXCEPTION', ['H:lap:1'], 'oops', '00524551 00000019 0000000c 483a6c61703a31 00 6f6f7073'],
  ['RES', 'WORK_EXCEPTION', ['H:lap:1'], 'oops', '00524553 00000019 0000000c 483a6c61703a31 00 6f6f7073'],
  ['REQ', 'OPTION_REQ', ['exceptions'], undefined, '00524551 0000001a 0000000a 657863657074696f6e73'],
  ['RES', 'OPTION_RES', ['exceptions'], undefined, '00524553 0000001b 0000000a 657863657074696f6e73'],
  ['REQ', 'WORK_DATA', ['H:lap:1'], 'par\0t', '00524551 0000001c 0000000d 483a6c61703a31 00 7061720074'],
  ['REQ', 'WORK_WARNING', ['H:lap:1'], 'hm', '00524551 0000001d 0000000a 483a6c61703a31 00 686d'],
  ['RES', 'WORK_DATA', ['H:lap:1'], 'par\0t', '00524553 0000001c 0000000d 483a6c61703a31 00 7061720074'],
  ['RES', 'WORK_WARNING', ['H:lap:1'], 'hm', '00524553 0000001d 0000000a 483a6c61703a31 00 686d'],
  ['REQ', 'GRAB_JOB_UNIQ', [], undefined, '00524551 0000001e 00000000'],
  ['RES', 'JOB_ASSIGN_UNIQ', ['H:lap:1', 'reverse', 'u1'], 'World!', '00524553 0000001f 00000019 483a6c61703a31 00 72657665727365 00 7531 00 576f726c6421'],
  ['REQ', 'SUBMIT_JOB_HIGH_BG', ['', 'u1'], 'x', '00524551 00000020 00000005 00 7531 00 78'],
  ['REQ', 'SUBMIT_JOB_LOW', ['f\xe9', '\xff'], '\xe9\xff', '00524551 00000021 00000007 66e9 00 ff 00 e9ff'],
  ['REQ', 'SUBMIT_JOB_LOW_BG', ['pre\tf', 'u1'], 'x', '00524551 00000022 0000000a 7072650966 00 7531 00 78'],
  ['REQ', 'SUBMIT_JOB_SCHED', ['f', 'u', '0', '4', '', '', '1'], 'x', '00524551 00000023 0000000d 66 00 75 00 30 00 34 00 00 00 31 00 78'],
  ['REQ', 'SUBMIT_JOB_EPOCH', ['f', 'u', '1900000000'], 'x', '00524551 00000024 00000010 66 00 75 00 31393030303030303030 00 78'],
  ['REQ', 'SUBMIT_REDUCE_JOB', ['f', 'u', 'sum', ''], 'x', '00524551 00000025 0000000a 66 00 75 00 73756d 00 00 78'],
  ['REQ', 'SUBMIT_REDUCE_JOB_BACKGROUND', ['f', '', 'sum', ''], '', '00524551 00000026 00000008 66 00 00 73756d 00 00'],
  ['REQ', 'GRAB_JOB_ALL', [], undefined, '00524551 00000027 00000000'],
  ['RES', 'JOB_ASSIGN_ALL', ['H:lap:1', 'f', 'u', 'sum'], 'x', '00524553 00000028 00000011 483a6c61703a31 00 66 00 75 00 73756d 00 78'],
  ['REQ', 'GET_STATUS_UNIQUE', ['u1'], undefined, '00524551 00000029 00000002 7531'],
  ['RES', 'STATUS_RES_UNIQUE', ['u1', '1', '0', '0', '0', '2'], undefined, '00524553 0000002a 0000000c 7531 00 31 00 30 00 30 00 30 00 32'],
  ['REQ', 'CONTROL', [], '{}', '00524551 000003e8 00000002 7b7d'],
  ['RES', 'CONTROL_RES', [], '{}', '00524553 000003e9 00000002 7b7d'],
  ['RES', 'JOB_CANCEL', ['H:lap:1', 'timeout'], undefined, '00524553 000003ea 0000000f 483a6c61703a31 00 74696d656f7574'],
  ['REQ', 'SUBMIT_JOB_WITH', ['f', 'u', '{"background":true}', ''], 'data', '00524551 000003eb 0000001d 6600 7500 7b226261636b67726f756e64223a747275657d00 00 64617461'],
  ['RES', 'JOB_ASSIGN_TRACED', ['H:lap:1', 'f', 'u', '', 't'], 'data', '00524553 000003ec 00000013 483a6c61703a3100 6600 7500 00 7400 64617461'],
]

/** `00524551 ...` to bytes; blanks are for the reader. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** A header with any magic, type and length. */
export function header(type: number, length: number, magic = '\0REQ'): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.write(magic, 'latin1')
  bytes.writeUInt32BE(type, 4)
  bytes.writeUInt32BE(length, 8)
  return bytes
}
