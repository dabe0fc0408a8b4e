import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Arguments, packetKinds, packets } from '@geartrain/protocol'
import fc from 'fast-check'
import { latin1 } from './packet-rows.ts'
import { decode } from './stream.ts'

suite('bodies that are not as they should be', () => {
  const rows: [type: number, body: string, shown: string][] = [
    // Too few arguments.
    [packets.SUBMIT_JOB.type, '', 'SUBMIT_JOB incomplete'],
    [packets.SUBMIT_JOB.type, 'f', 'SUBMIT_JOB incomplete'],
    [packets.SUBMIT_JOB.type, 'f\0u', 'SUBMIT_JOB incomplete'],
    [packets.SUBMIT_JOB.type, 'f\0u\0', 'SUBMIT_JOB ["f","u",""]'],
    [packets.SUBMIT_JOB.type, '\0\0', 'SUBMIT_JOB ["","",""]'],
    [packets.WORK_COMPLETE.type, 'H:x:1', 'WORK_COMPLETE incomplete'],
    [packets.WORK_COMPLETE.type, 'H:x:1\0', 'WORK_COMPLETE ["H:x:1",""]'],
    [packets.WORK_STATUS.type, 'H:x:1\x001', 'WORK_STATUS incomplete'],
    [packets.CAN_DO_TIMEOUT.type, 'f', 'CAN_DO_TIMEOUT incomplete'],
    [packets.SUBMIT_REDUCE_JOB.type, 'f\0u\0r\0data', 'SUBMIT_REDUCE_JOB incomplete'],
    [packets.SUBMIT_REDUCE_JOB.type, 'f\0u\0r\0\0data', 'SUBMIT_REDUCE_JOB ["f","u","r","","data"]'],
    [packets.SUBMIT_JOB_SCHED.type, 'f\0u\x001\x002\x003\x004\0data', 'SUBMIT_JOB_SCHED incomplete'],
    // An only argument may be empty, and may end with a NUL.
    [packets.CAN_DO.type, '', 'CAN_DO [""]'],
    [packets.CAN_DO.type, '\0', 'CAN_DO [""]'],
    [packets.CAN_DO.type, 'f\0', 'CAN_DO ["f"]'],
    [packets.GET_STATUS.type, 'H:x:1\0', 'GET_STATUS ["H:x:1"]'],
    [packets.WORK_STATUS.type, 'H:x:1\x001\x002\0', 'WORK_STATUS ["H:x:1","1","2"]'],
    [packets.CAN_DO_TIMEOUT.type, 'f\0', 'CAN_DO_TIMEOUT ["f",""]'],
    // NULs in data are data.
    [packets.SUBMIT_JOB.type, 'f\0u\0a\0b\0', 'SUBMIT_JOB ["f","u","a\\u0000b\\u0000"]'],
    [packets.ECHO_REQ.type, '\0\0', 'ECHO_REQ ["\\u0000\\u0000"]'],
    // What stands behind a packet that carries nothing is passed over.
    [packets.GRAB_JOB.type, 'anything', 'GRAB_JOB []'],
    [packets.PRE_SLEEP.type, '\0\0', 'PRE_SLEEP []'],
  ]
  for (const [type, body, shown] of rows) {
    test(`type ${type} ${JSON.stringify(body)}`, () => {
      // The packet behind it begins with a NUL, which must not end an argument of the one before.
      const packet = Buffer.concat([
        Buffer.from([0, 0x52, 0x45, 0x51, 0, 0, 0, type, 0, 0, 0, body.length]),
        latin1(body),
      ])
      assert.deepEqual(decode([Buffer.concat([packet, packet])]), [`REQ ${shown}`, `REQ ${shown}`])
    })
  }
})

test('arguments and data lie in the body, one behind the other, and fill it', () => {
  const kinds = packetKinds.filter((kind) => kind !== undefined)
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
  const sparse = fc
    .array(fc.constantFrom(0, 1, 65, 255), { minLength: 1, maxLength: 40 })
    .map((a) => Uint8Array.from(a))
  const split = new Arguments()
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.oneof(bytes, sparse), fc.nat(), fc.nat(), (kind, around, one, other) => {
      const [start = 0, end = 0] = [one, other].map((at) => at % (around.length + 1)).toSorted((a, b) => a - b)
      const count = kind.args.length
      const nulsNeeded = kind.data ? count : Math.max(0, count - 1)
      const nuls = around.subarray(start, end).filter((byte) => byte === 0).length
      const isComplete = split.split(kind, around, start, end)
      assert.equal(isComplete, nuls >= nulsNeeded)
      if (!isComplete) return
      let at = start
      for (let i = 0; i < count; i++) {
        assert.equal(split.starts[i], at)
        const argumentEnd = split.ends[i] ?? -1
        assert.ok(argumentEnd >= at && argumentEnd <= end)
        if (i < count - 1 || kind.data) assert.ok(!around.subarray(at, argumentEnd).includes(0))
        at = argumentEnd + 1
      }
      assert.equal(split.dataStart, kind.data ? at : end)
      assert.ok(split.dataStart <= end)
    }),
    { numRuns: 2000 },
  )
})
