import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock, SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, request } from '../support/raw.ts'
import { type LocalOptions, localServer } from './local-server.ts'
import { response } from './response.ts'

/** The handles of so many jobs on a server that starts at this time. */
async function handlesOf(count: number, startedAtMs: number, options: LocalOptions = {}): Promise<string[]> {
  const clock = new SteppedClock(startedAtMs - new ManualClock(0).wallNow())
  const server = localServer(options, clock)
  const socket = new MemorySocket()
  server.accept(socket)
  const submit = request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
  socket.say(Buffer.alloc(count * submit.length, submit))
  await clock.settle()
  const heard = socket.heard()
  const handles: string[] = []
  for (let at = 0; at < heard.length; ) {
    assert.equal(heard.readUInt32BE(at + 4), PACKET.JOB_CREATED)
    const end = at + 12 + heard.readUInt32BE(at + 8)
    handles.push(heard.toString('latin1', at + 12, end))
    at = end
  }
  assert.equal(handles.length, count)
  return handles
}

const now = 1_790_000_000_000

describe('handles', () => {
  it('never come again, though the server starts anew every 10 ms with 9,999 jobs each time', async () => {
    const seen = new Set<string>()
    const starts = 10
    for (let start = 0; start < starts; start++) {
      for (const handle of await handlesOf(9999, now + start * 10)) seen.add(handle)
    }
    assert.equal(seen.size, starts * 9999)
  })

  it('of a server that ran before are unknown, and do not stand for jobs of this one', async () => {
    const [before = ''] = await handlesOf(1, now)
    const clock = new SteppedClock(now)
    const socket = new MemorySocket()
    localServer({}, clock).accept(socket)
    socket.say(request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'))
    await clock.settle()
    socket.heard()
    socket.say(request(PACKET.GET_STATUS, before))
    socket.say(Buffer.from(`cancel job ${before}\n`))
    await clock.settle()
    const unknown = response('STATUS_RES', before, '0', '0', '0', '0')
    assert.equal(socket.heard().toString('latin1'), `${unknown}ERR UNKNOWN_JOB\r\n`)
  })

  for (const [what, startedAtMs] of [
    ['in 1970', 0],
    ['in 2001, when the microseconds get a digit more', 1_000_000_000_000 - 1],
    ['when the low digits run over', 1_790_000_099_999],
    ['in 2200', 7_260_000_000_000],
  ] as const) {
    it(`have one form on a machine that is ${what}`, async () => {
      const handles = await handlesOf(3000, startedAtMs, { handlePrefix: 'H:here' })
      for (const handle of handles) assert.match(handle, /^H:here:\d{16}$/)
      assert.equal(new Set(handles).size, handles.length)
      assert.deepEqual(handles, handles.toSorted())
    })
  }

  for (const [prefix, kept] of [
    ['', ''],
    ['x', 'x'],
    ['H:a:b:1', 'H:a:b:1'],
    ['p'.repeat(46), 'p'.repeat(46)],
    ['p'.repeat(47), 'p'.repeat(46)],
    ['p'.repeat(500), 'p'.repeat(46)],
  ] as const) {
    it(`begin with a prefix of ${prefix.length} bytes, and have 63 at most`, async () => {
      const [handle = ''] = await handlesOf(1, now, { handlePrefix: prefix })
      assert.equal(handle.replace(/\d{16}$/, ''), `${kept}:`)
      assert.ok(handle.length <= 63)
    })
  }

  it('are found again in every place that takes one', async () => {
    const clock = new SteppedClock(now)
    const server = localServer({}, clock)
    const socket = new MemorySocket()
    server.accept(socket)
    const ask = async (...said: readonly (Buffer | string)[]) => {
      for (const bytes of said) socket.say(Buffer.from(bytes))
      await clock.settle()
      return socket.heard().toString('latin1')
    }
    const submit = request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    const handle = (await ask(submit)).slice(12)
    assert.equal(await ask(request(PACKET.GET_STATUS, handle)), response('STATUS_RES', handle, '1', '0', '0', '0'))
    // Some clients end it with a NUL.
    assert.equal(
      await ask(request(PACKET.GET_STATUS, `${handle}\0`)),
      response('STATUS_RES', handle, '1', '0', '0', '0'),
    )
    assert.equal(await ask('show jobs\n'), `${handle}\t0\t0\t1\n.\n`)
    await ask(request(PACKET.CAN_DO, 'f'), request(PACKET.GRAB_JOB))
    assert.equal(await ask(request(PACKET.WORK_STATUS, handle, '3', '4')), '')
    assert.equal(await ask(request(PACKET.GET_STATUS, handle)), response('STATUS_RES', handle, '1', '1', '3', '4'))
    assert.equal(await ask(`cancel job ${handle}\n`), 'OK\r\n')
    assert.equal(await ask(`cancel job ${handle}\n`), 'ERR UNKNOWN_JOB\r\n')
  })
})
