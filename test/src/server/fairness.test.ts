import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { localServer } from './local-server.ts'
import { response } from './response.ts'

// One peer says very much at once, and reads all the answers at once. Others are answered turn by turn all the same.

/** Time goes on with each look at it, as it does where there is much to do. */
class TickingClock extends SteppedClock {
  #looks = 0

  override now(): number {
    return super.now() + this.#looks++
  }
}

const manyFunctions = Buffer.concat(Array.from({ length: 2000 }, (_, n) => request(PACKET.CAN_DO, `function-${n}`)))

/** What is said before, and what is said then, so many times. */
const floods: readonly (readonly [string, Buffer, Buffer, number])[] = [
  ['ECHO', Buffer.alloc(0), request(PACKET.ECHO_REQ, 'x'.repeat(1000)), 20_000],
  ['small ECHO', Buffer.alloc(0), request(PACKET.ECHO_REQ), 100_000],
  ['empty lines', Buffer.alloc(0), Buffer.from('\n'), 100_000],
  ['status of many functions', manyFunctions, Buffer.from('status\n'), 300],
  ['workers', manyFunctions, Buffer.from('workers\n'), 300],
  ['grabs of many functions', manyFunctions, request(PACKET.GRAB_JOB), 10_000],
  ['sleep with many functions', manyFunctions, request(PACKET.PRE_SLEEP), 10_000],
  ['a unique in many functions', manyFunctions, request(PACKET.GET_STATUS_UNIQUE, 'none'), 10_000],
]

describe('others are answered during a flood of', () => {
  for (const [name, before, said, count] of floods) {
    it(name, async () => {
      const clock = new TickingClock()
      const server = localServer({}, clock)
      const [flooder, other] = [new MemorySocket(), new MemorySocket()]
      server.accept(flooder)
      server.accept(other)
      flooder.say(before)
      await clock.settle()
      flooder.heard()

      flooder.say(Buffer.alloc(count * said.length, said))
      flooder.say(request(PACKET.ECHO_REQ, 'the end'))
      let turns = 0
      let last = ''
      for (; !last.endsWith('the end'); turns++) {
        other.say(request(PACKET.ECHO_REQ, 'quick'))
        await clock.turn()
        assert.equal(other.heard().toString('latin1'), response('ECHO_RES', 'quick'))
        const heard = flooder.heard()
        assert.ok(heard.length <= 4 * 1024 * 1024, `${heard.length} bytes in one turn`)
        last = (last + heard.toString('latin1', Math.max(0, heard.length - 10))).slice(-10)
        assert.ok(turns < 100_000, 'the flood is answered in the end')
      }
      assert.ok(turns >= 5, `all was answered in ${turns} turns`)
    })
  }
})
