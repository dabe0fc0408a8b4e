import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, type RawPeer, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer, localServer } from './local-server.ts'

// Listings of a hundred thousand rows: written in portions as their reader takes them, while others are served.

const jobCount = 100_000

async function submitMany(peer: RawPeer, count: number): Promise<void> {
  const submit = request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
  peer.sendBytes(Buffer.alloc(count * submit.length, submit))
  const { body } = await peer.receive('JOB_CREATED')
  await peer.receiveBytes((count - 1) * (12 + body.length))
}

describe('show jobs with 100,000 jobs', () => {
  it('is complete and in order, and what was asked behind it is answered behind it', async () => {
    await using local = await LocalServer.start()
    await submitMany(await local.connect(), jobCount)
    const peer = await local.connectSlowly()
    peer.sendBytes(Buffer.concat([Buffer.from('show jobs\nversion\n'), request(PACKET.ECHO_REQ, 'behind')]))
    const rows = (await peer.takeUntil('\n.\n')).split('\n')
    assert.equal(rows.length, jobCount + 2)
    const handles = rows.slice(0, jobCount).map((row) => row.split('\t')[0] ?? '')
    assert.deepEqual(handles, handles.toSorted())
    assert.equal(new Set(handles).size, jobCount)
    assert.deepEqual(new Set(rows.slice(0, jobCount).map((row) => row.replace(/^\S+/, ''))), new Set(['\t0\t0\t1']))
    assert.match(await peer.takeUntil('\n'), /^OK \S+\n$/)
    assert.equal((await peer.takePacket()).body.toString(), 'behind')
  })

  it('others are served between its portions', async () => {
    const clock = new SteppedClock()
    const server = localServer({}, clock)
    const submitter = new MemorySocket()
    server.accept(submitter)
    const submit = request(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    submitter.say(Buffer.alloc(jobCount * submit.length, submit))
    await clock.settle()
    const reader = new MemorySocket()
    server.accept(reader)
    reader.stopReading()
    reader.say(Buffer.from('show jobs\n'))
    await clock.settle()
    let heard = 0
    let portions = 0
    const other = new MemorySocket()
    server.accept(other)
    for (; ; portions++) {
      other.say(request(PACKET.ECHO_REQ, 'quick'))
      reader.readOnce()
      await clock.settle()
      assert.equal(other.heard().length, 17)
      const portion = reader.heard()
      heard += portion.length
      assert.ok(portion.length <= 1024 * 1024, `${portion.length} bytes in one portion`)
      if (portion.subarray(-3).toString() === '\n.\n') break
    }
    const rowBytes = heard / jobCount
    assert.ok(portions >= 10 && rowBytes > 20, `${portions} portions of ${heard} bytes in all`)
  })

  it('a reader that stops is not written for; when it reads on, it gets the rest', async () => {
    await using local = await LocalServer.start()
    await submitMany(await local.connect(), jobCount)
    const reader = await local.connectSlowly()
    reader.sendBytes('show jobs\n')
    const first = await reader.take(1000)
    await local.assertServes()
    // A job that runs, one that comes and one that goes change nothing about what is right.
    const worker = await local.connect('worker')
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    const { args } = await worker.receive('JOB_ASSIGN')
    worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
    await worker.sync()
    const rows = (first.toString() + (await reader.takeUntil('\n.\n'))).split('\n').slice(0, -2)
    assert.equal(new Set(rows).size, jobCount)
    reader.sendBytes('show jobs\n')
    const again = (await reader.takeUntil('\n.\n')).split('\n').slice(0, -2)
    assert.equal(new Set(again).size, jobCount - 1)
  })

  it('a reader that leaves midway is forgotten', async () => {
    await using local = await LocalServer.start()
    await submitMany(await local.connect(), jobCount)
    for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const reader = await local.connectSlowly()
      reader.sendBytes('show jobs\n')
      await reader.take(1000)
      assert.equal(local.server.connectionCount, 2)
      reader.socket[leave]()
      if (leave === 'end') reader.socket.destroy()
      await until('it is forgotten', () => local.server.connectionCount === 1)
      await local.assertServes()
      await until('the strangers have left', () => local.server.connectionCount === 1)
    }
  })

  it('all that goes on among its rows stays whole', async () => {
    // Jobs come and go between the portions; every row is a row, and the listing ends.
    await using local = await LocalServer.start()
    const peer = await local.connect()
    await submitMany(peer, jobCount)
    const reader = await local.connectSlowly()
    reader.sendBytes('show jobs\n')
    await reader.take(1)
    peer.send(PACKET.CAN_DO, 'f')
    for (let i = 0; i < 300; i++) {
      peer.send(PACKET.GRAB_JOB)
      const { args } = await peer.receive('JOB_ASSIGN')
      peer.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
      peer.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x')
      await peer.receive('JOB_CREATED')
    }
    const rows = (await reader.takeUntil('\n.\n')).split('\n').slice(1, -2)
    for (const row of rows) assert.match(row, /^H:\S+:\d{16}\t0\t0\t1$/)
  })
})

it('show unique jobs, status and workers of many rows', async () => {
  await using local = await LocalServer.start()
  const peer = await local.connect()
  const count = 10_000
  peer.sendBytes(
    Buffer.concat(
      Array.from({ length: count }, (_, n) => request(PACKET.SUBMIT_JOB_BG, `function-${n}`, `unique-${n}`, 'x')),
    ),
  )
  const { body } = await peer.receive()
  await peer.receiveBytes((count - 1) * (12 + body.length))
  const reader = await local.connectSlowly()
  reader.sendBytes('show unique jobs\nstatus\nprioritystatus\n')
  const expected = (row: (n: number) => string) => `${Array.from({ length: count }, (_, n) => row(n)).join('')}.\n`
  assert.equal(
    await reader.takeUntil('\n.\n'),
    expected((n) => `unique-${n}\n`),
  )
  assert.equal(
    await reader.takeUntil('\n.\n'),
    expected((n) => `function-${n}\t1\t0\t0\n`),
  )
  assert.equal(
    await reader.takeUntil('\n.\n'),
    expected((n) => `function-${n}\t0\t1\t0\t0\n`),
  )
})
