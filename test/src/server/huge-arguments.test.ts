import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PACKET, request } from '../support/raw.ts'
import { LocalServer } from './local-server.ts'

const huge = 'A'.repeat(8 * 1024 * 1024)
const pieceBytes = 64 * 1024

/** Packets with an argument of 8 MiB, and what they come to. */
const rows: readonly (readonly [name: string, bytes: Buffer, answer: RegExp | undefined])[] = [
  ['CAN_DO', request(PACKET.CAN_DO, huge), /^ERROR ARGUMENT_TOO_LARGE/],
  ['CANT_DO', request(PACKET.CANT_DO, huge), undefined],
  ['CAN_DO_TIMEOUT, time', request(PACKET.CAN_DO_TIMEOUT, 'f', huge), undefined],
  ['SET_CLIENT_ID', request(PACKET.SET_CLIENT_ID, huge), undefined],
  ['OPTION_REQ', request(PACKET.OPTION_REQ, huge), /^ERROR UNKNOWN_OPTION/],
  ['GET_STATUS', request(PACKET.GET_STATUS, huge), /^STATUS_RES A{1000}/],
  ['GET_STATUS_UNIQUE', request(PACKET.GET_STATUS_UNIQUE, huge), /^STATUS_RES_UNIQUE A{1000}/],
  ['SUBMIT_JOB, function', request(PACKET.SUBMIT_JOB, huge, '', 'x'), /^ERROR ARGUMENT_TOO_LARGE Function/],
  ['SUBMIT_JOB, unique', request(PACKET.SUBMIT_JOB, 'f', huge, 'x'), /^ERROR ARGUMENT_TOO_LARGE Unique/],
  ['SUBMIT_JOB_EPOCH, epoch', request(PACKET.SUBMIT_JOB_EPOCH, 'f', '', huge, 'x'), /^JOB_CREATED/],
  [
    'SUBMIT_REDUCE_JOB, reducer',
    request(PACKET.SUBMIT_REDUCE_JOB, 'f', '', huge, '', 'x'),
    /^ERROR ARGUMENT_TOO_LARGE/,
  ],
  ['WORK_STATUS, numerator', request(PACKET.WORK_STATUS, 'H:x:1', huge, '1'), /^ERROR JOB_NOT_FOUND/],
  ['WORK_FAIL', request(PACKET.WORK_FAIL, huge), /^ERROR ARGUMENT_TOO_LARGE/],
  ['WORK_COMPLETE', request(PACKET.WORK_COMPLETE, huge, 'x'), /^ERROR JOB_NOT_FOUND/],
]

describe('an argument of 8 MiB that comes in pieces', () => {
  for (const [name, bytes, answer] of rows) {
    it(name, async () => {
      await using local = await LocalServer.start()
      const [peer, other] = [await local.connect(), await local.connect('other')]
      for (let at = 0; at < bytes.length; at += pieceBytes) peer.sendBytes(bytes.subarray(at, at + pieceBytes))
      await other.sync()
      if (answer !== undefined) {
        const packet = await peer.receive()
        assert.match([packet.name, ...packet.args].join(' ').slice(0, 2000), answer)
      }
      await peer.sync()
    })
  }
})
