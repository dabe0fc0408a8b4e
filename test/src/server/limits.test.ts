import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gearmandLimits, type Limits } from '@geartrain/server'
import { SteppedClock } from '../support/manual-clock.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, type PacketName, type RawPeer, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer, localServer } from './local-server.ts'

// Each limit of `limits.ts`: what is at the limit is served, one past it is refused, and the server goes on.

async function error(peer: RawPeer): Promise<string> {
  const { name, args } = await peer.receive('ERROR')
  return `${name} ${args.join(' ')}`
}

/** Packets that carry names, with the place of the name that is as long as the limit or one byte longer. */
const functionRows: readonly (readonly [PacketName, (name: string) => readonly string[]])[] = [
  ['CAN_DO', (name) => [name]],
  ['CAN_DO_TIMEOUT', (name) => [name, '1000']],
  ['SUBMIT_JOB', (name) => [name, '', 'x']],
  ['SUBMIT_JOB_HIGH', (name) => [name, '', 'x']],
  ['SUBMIT_JOB_LOW', (name) => [name, '', 'x']],
  ['SUBMIT_JOB_BG', (name) => [name, '', 'x']],
  ['SUBMIT_JOB_HIGH_BG', (name) => [name, '', 'x']],
  ['SUBMIT_JOB_LOW_BG', (name) => [name, '', 'x']],
  ['SUBMIT_JOB_EPOCH', (name) => [name, '', '0', 'x']],
  ['SUBMIT_REDUCE_JOB', (name) => [name, '', '', '', 'x']],
  ['SUBMIT_REDUCE_JOB_BG', (name) => [name, '', '', '', 'x']],
]

const uniqueRows: readonly (readonly [PacketName, (unique: string) => readonly string[]])[] = [
  ['SUBMIT_JOB', (unique) => ['f', unique, 'x']],
  ['SUBMIT_JOB_HIGH', (unique) => ['f', unique, 'x']],
  ['SUBMIT_JOB_LOW', (unique) => ['f', unique, 'x']],
  ['SUBMIT_JOB_BG', (unique) => ['f', unique, 'x']],
  ['SUBMIT_JOB_HIGH_BG', (unique) => ['f', unique, 'x']],
  ['SUBMIT_JOB_LOW_BG', (unique) => ['f', unique, 'x']],
  ['SUBMIT_JOB_EPOCH', (unique) => ['f', unique, '0', 'x']],
  ['SUBMIT_REDUCE_JOB', (unique) => ['f', unique, 'r', '', 'x']],
  ['SUBMIT_REDUCE_JOB_BG', (unique) => ['f', unique, 'r', '', 'x']],
  ['SUBMIT_REDUCE_JOB', (reducer) => ['f', '', reducer, '', 'x']],
  ['SUBMIT_REDUCE_JOB_BG', (reducer) => ['f', '', reducer, '', 'x']],
]

const answered = ['CAN_DO', 'CAN_DO_TIMEOUT'] as readonly PacketName[]

describe('limits: names', () => {
  for (const functionNameBytesMax of [1, 512, gearmandLimits.functionNameBytesMax]) {
    it(`functionNameBytesMax ${functionNameBytesMax}`, async () => {
      await using local = await LocalServer.start({ limits: { functionNameBytesMax } })
      const peer = await local.connect()
      for (const [packet, args] of functionRows) {
        peer.send(PACKET[packet], ...args('n'.repeat(functionNameBytesMax)))
        if (answered.includes(packet)) await peer.expectNothing()
        else assert.equal((await peer.receive(packet)).name, 'JOB_CREATED', packet)
        peer.send(PACKET[packet], ...args('n'.repeat(functionNameBytesMax + 1)))
        assert.equal(await error(peer), 'ERROR ARGUMENT_TOO_LARGE Function name too large', packet)
      }
      await peer.expectNothing()
    })
  }

  for (const command of ['create function N', 'maxqueue N 5']) {
    it(`functionNameBytesMax holds for ${command}`, async () => {
      await using local = await LocalServer.start({ limits: { functionNameBytesMax: 20 } })
      const peer = await local.connect()
      peer.sendLine(`${command.replace('N', 'n'.repeat(20))}\r\n`)
      assert.equal(await peer.receiveText('\n'), 'OK\r\n')
      peer.sendLine(`${command.replace('N', 'm'.repeat(21))}\r\n`)
      assert.match(await peer.receiveText('\n'), /^ERR \S+ \S+\r\n$/)
      assert.deepEqual(
        [...local.server.engine.functions()].map(({ name }) => name),
        ['n'.repeat(20)],
      )
    })
  }

  it('uniqueBytesMax 64, of uniques and reducers', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connect()
    for (const [packet, args] of uniqueRows) {
      peer.send(PACKET[packet], ...args('u'.repeat(64)))
      assert.equal((await peer.receive(packet)).name, 'JOB_CREATED', packet)
      peer.send(PACKET[packet], ...args('u'.repeat(65)))
      assert.equal(await error(peer), 'ERROR ARGUMENT_TOO_LARGE Unique value too large', packet)
    }
    await peer.expectNothing()
  })

  it('uniqueBytesMax: all 64 bytes tell jobs apart', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connect()
    for (const last of ['a', 'b', 'a']) peer.send(PACKET.SUBMIT_JOB_BG, 'f', 'u'.repeat(63) + last, 'x')
    const handles = [await peer.receive(), await peer.receive(), await peer.receive()].map(({ body }) => String(body))
    assert.notEqual(handles[0], handles[1])
    assert.equal(handles[0], handles[2])
  })

  for (const [length, shown] of [
    [126, 126],
    [127, 127],
    [128, 127],
    [100_000, 127],
  ] as const) {
    it(`clientIdBytesMax 127: of ${length} bytes ${shown} are shown`, async () => {
      await using local = await LocalServer.start()
      const peer = await local.connect()
      peer.send(PACKET.SET_CLIENT_ID, 'i'.repeat(length))
      peer.sendLine('workers')
      assert.match(await peer.receiveText('.\n'), new RegExp(`^\\d+ 127.0.0.1 i{${shown}} :\n`))
    })
  }
})

describe('limits: sizes', () => {
  it('packetBytesMax', async () => {
    await using local = await LocalServer.start({ limits: { packetBytesMax: 1000 } })
    const peer = await local.connect()
    peer.send(PACKET.ECHO_REQ, 'e'.repeat(1000))
    assert.equal((await peer.receive()).body.length, 1000)
    peer.send(PACKET.ECHO_REQ, 'e'.repeat(1001))
    assert.equal(await error(peer), 'ERROR PACKET_TOO_LARGE A packet may have 1000 bytes on this server')
    await peer.expectClosed()
    await local.assertServes()
  })

  it('packetBytesMax: a job whose result is larger ends, and is not done again and again', async () => {
    await using local = await LocalServer.start({ limits: { packetBytesMax: 1000 } })
    for (const type of [PACKET.WORK_COMPLETE, PACKET.WORK_EXCEPTION]) {
      const [client, worker, other] = [await local.connect(), await local.connect(), await local.connect()]
      client.send(PACKET.OPTION_REQ, 'exceptions')
      await client.receive('OPTION_RES')
      client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
      const handle = (await client.receive('JOB_CREATED')).body.toString()
      worker.send(PACKET.CAN_DO, 'f')
      worker.send(PACKET.GRAB_JOB)
      await worker.receive('JOB_ASSIGN')
      worker.send(type, handle, 'r'.repeat(1001))
      assert.match(await error(worker), /^ERROR PACKET_TOO_LARGE /)
      await worker.expectClosed()
      assert.deepEqual((await client.receive('WORK_EXCEPTION')).args, [handle])
      other.send(PACKET.CAN_DO, 'f')
      other.send(PACKET.GRAB_JOB)
      await other.receive('NO_JOB')
    }
    await local.assertServes()
  })

  it('packetBytesMax: the header alone is enough to be refused', async () => {
    await using local = await LocalServer.start({ limits: { packetBytesMax: 1000 } })
    for (const length of [1001, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
      const peer = await local.connect()
      const header = request(PACKET.SUBMIT_JOB)
      header.writeUInt32BE(length, 8)
      peer.sendBytes(header)
      assert.match(await error(peer), /^ERROR PACKET_TOO_LARGE /)
      await peer.expectClosed()
    }
    await local.assertServes()
  })

  for (const lineEnd of ['\n', '\r\n']) {
    it(`lineBytesMax, with ${JSON.stringify(lineEnd)}`, async () => {
      await using local = await LocalServer.start({ limits: { lineBytesMax: 100 } })
      const peer = await local.connect()
      const atLimit = 'x'.repeat(100 - lineEnd.length)
      for (let i = 0; i < 3; i++) peer.sendBytes(atLimit + lineEnd)
      for (let i = 0; i < 3; i++) {
        assert.equal(await peer.receiveText('\r\n'), `ERR UNKNOWN_COMMAND Unknown+server+command${atLimit}\r\n`)
      }
      peer.sendBytes(`${atLimit}x${lineEnd}`)
      await peer.expectClosed()
    })
  }

  it('lineBytesMax: a line without an end is cut off at the limit, however it comes', async () => {
    await using local = await LocalServer.start({ limits: { lineBytesMax: 100 } })
    const peer = await local.connect()
    for (let i = 0; i < 100; i++) peer.sendBytes('x')
    await until('the line has come', () => true)
    assert.equal(peer.isClosed, false)
    peer.sendBytes('x')
    await peer.expectClosed()
    await local.assertServes()
  })

  for (const [excess, survives] of [
    [0, true],
    [1, false],
  ] as const) {
    it(`outputBytesMax: ${excess} bytes past it wait, then one more packet comes`, async () => {
      const outputBytesMax = 100_000
      const { client, workers, clock } = await workersOfOneClient(3, { outputBytesMax })
      const [first, second, third] = workers
      assert.ok(first && second && third)
      client.stopReading()
      const firstBytes = first.workData(20_000)
      await clock.settle()
      const emptyBytes = request(PACKET.WORK_DATA, first.handle, '').length
      second.workData(outputBytesMax + excess - firstBytes - emptyBytes)
      await clock.settle()
      assert.equal(client.destroyed, false)
      const thirdBytes = third.workData(1000)
      await clock.settle()
      assert.equal(client.destroyed, !survives)
      client.readOn()
      await clock.settle()
      if (survives) assert.equal(client.heard().length, outputBytesMax + thirdBytes)
    })
  }
})

/** A client that has as many jobs as there are workers, one with each, each of a function of its own. */
async function workersOfOneClient(count: number, limits: Partial<Limits>) {
  const clock = new SteppedClock()
  const server = localServer({ limits }, clock)
  const client = new MemorySocket()
  server.accept(client)
  const workers = []
  for (let i = 0; i < count; i++) {
    client.say(request(PACKET.SUBMIT_JOB, `f${i}`, '', ''))
    await clock.settle()
    const handle = client.heard().subarray(12).toString('latin1')
    const socket = new MemorySocket()
    server.accept(socket)
    socket.say(request(PACKET.CAN_DO, `f${i}`))
    socket.say(request(PACKET.GRAB_JOB))
    await clock.settle()
    const workData = (dataBytes: number) => {
      const bytes = request(PACKET.WORK_DATA, handle, Buffer.alloc(dataBytes))
      socket.say(bytes)
      return bytes.length
    }
    workers.push({ handle, workData })
  }
  return { client, workers, clock }
}

describe('limits: counts', () => {
  it('connectionsMax', async () => {
    await using local = await LocalServer.start({ limits: { connectionsMax: 3 } })
    const peers = [await local.connect('1'), await local.connect('2'), await local.connect('3')]
    const refused = await local.connectSilently('4')
    const text = 'This server has all the connections it may have'
    assert.equal(await error(refused), `ERROR TOO_MANY_CONNECTIONS ${text}`)
    await refused.expectClosed()
    for (const peer of peers) await peer.sync()
    peers[1]?.destroy()
    await until('one has left', () => local.server.connectionCount === 2)
    await (await local.connect('5')).sync()
    assert.match(await error(await local.connectSilently('6')), /TOO_MANY_CONNECTIONS/)
    assert.equal(local.server.connectionCount, 3)
  })

  it('functionsMax', async () => {
    await using local = await LocalServer.start({ limits: { functionsMax: 3 } })
    const peer = await local.connect()
    peer.send(PACKET.CAN_DO, 'one')
    peer.send(PACKET.SUBMIT_JOB_BG, 'two', '', 'x')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    peer.sendLine('maxqueue three 9\r\n')
    assert.equal(await peer.receiveText('\n'), 'OK\r\n')
    const full = 'ERROR QUEUE_ERROR Too many functions'
    peer.send(PACKET.CAN_DO, 'four')
    assert.equal(await error(peer), full)
    peer.send(PACKET.CAN_DO_TIMEOUT, 'four', '1000')
    assert.equal(await error(peer), full)
    peer.send(PACKET.SUBMIT_JOB, 'four', '', 'x')
    assert.equal(await error(peer), full)
    for (const command of ['create function four', 'maxqueue four 1']) {
      peer.sendLine(`${command}\r\n`)
      assert.match(await peer.receiveText('\n'), /^ERR \S+ \S+\r\n$/, command)
    }
    // What is there already is not new.
    peer.send(PACKET.SUBMIT_JOB_BG, 'three', '', 'x')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    peer.send(PACKET.CANT_DO, 'one')
    peer.sendLine('drop function one\r\n')
    assert.equal(await peer.receiveText('\n'), 'OK\r\n')
    peer.send(PACKET.CAN_DO, 'four')
    await peer.expectNothing()
  })

  it('functionsMax: a new function takes the place of the oldest idle one', async () => {
    await using local = await LocalServer.start({ limits: { functionsMax: 2 } })
    const peer = await local.connect()
    for (const name of ['one', 'two', 'three']) {
      peer.send(PACKET.SUBMIT_JOB_BG, name, '', 'x')
      assert.equal((await peer.receive()).name, 'JOB_CREATED', name)
      peer.send(PACKET.CAN_DO, name)
      peer.send(PACKET.GRAB_JOB)
      const { args } = await peer.receive('JOB_ASSIGN')
      peer.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
      peer.send(PACKET.CANT_DO, name)
    }
    peer.sendLine('status\r\n')
    assert.equal(await peer.receiveText('.\n'), 'two\t0\t0\t0\nthree\t0\t0\t0\n.\n')
  })

  it('jobsMax, over all functions', async () => {
    await using local = await LocalServer.start({ limits: { jobsMax: 2 } })
    const peer = await local.connect()
    for (const [name, answer] of [
      ['f', 'JOB_CREATED'],
      ['g', 'JOB_CREATED'],
      ['h', 'ERROR'],
    ] as const) {
      peer.send(PACKET.SUBMIT_JOB_BG, name, '', 'x')
      assert.equal((await peer.receive()).name, answer)
    }
  })

  it('workloadBytesMax, over all functions, and free again when a job ends', async () => {
    await using local = await LocalServer.start({ limits: { workloadBytesMax: 100 } })
    const peer = await local.connect()
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'.repeat(60))
    const { name, args } = await peer.receive()
    assert.equal(name, 'JOB_CREATED')
    peer.send(PACKET.SUBMIT_JOB, 'g', '', 'x'.repeat(41))
    assert.equal(await error(peer), 'ERROR QUEUE_ERROR Job queue is full')
    peer.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x'.repeat(40))
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    peer.sendLine(`cancel job ${args[0]}\r\n`)
    assert.equal(await peer.receiveText('\n'), 'OK\r\n')
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x'.repeat(60))
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
  })

  it('waitsPerConnectionMax, joined jobs included', async () => {
    await using local = await LocalServer.start({ limits: { waitsPerConnectionMax: 2 } })
    const [peer, other] = [await local.connect(), await local.connect('other')]
    for (const unique of ['same', 'same']) {
      peer.send(PACKET.SUBMIT_JOB, 'f', unique, 'x')
      assert.equal((await peer.receive()).name, 'JOB_CREATED')
    }
    for (const unique of ['same', 'another']) {
      peer.send(PACKET.SUBMIT_JOB, 'f', unique, 'x')
      assert.equal(await error(peer), 'ERROR QUEUE_ERROR This connection waits for as many jobs as it may')
    }
    // Nobody waits for a background job, and each connection has waits of its own.
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', 'another', 'x')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    other.send(PACKET.SUBMIT_JOB, 'f', 'same', 'x')
    assert.equal((await other.receive()).name, 'JOB_CREATED')
  })

  it('jobsPerFunctionMax', async () => {
    await using local = await LocalServer.start({ limits: { jobsPerFunctionMax: 3 } })
    const peer = await local.connect()
    for (const unique of ['a', 'b', 'c']) {
      peer.send(PACKET.SUBMIT_JOB_BG, 'f', unique, 'x')
      assert.equal((await peer.receive()).name, 'JOB_CREATED')
    }
    for (const packet of ['SUBMIT_JOB', 'SUBMIT_JOB_BG', 'SUBMIT_JOB_HIGH', 'SUBMIT_JOB_LOW_BG'] as const) {
      peer.send(PACKET[packet], 'f', '', 'x')
      assert.equal(await error(peer), 'ERROR QUEUE_ERROR Job queue is full', packet)
    }
    peer.send(PACKET.SUBMIT_JOB_EPOCH, 'f', '', '9999999999', 'x')
    assert.equal(await error(peer), 'ERROR QUEUE_ERROR Job queue is full')
    // To join a job is not to add one, and other functions have room of their own.
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', 'b', 'x')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    peer.send(PACKET.SUBMIT_JOB_BG, 'g', '', 'x')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    // A job that runs still counts, one that has ended does not.
    peer.send(PACKET.CAN_DO, 'f')
    peer.send(PACKET.GRAB_JOB)
    const { args } = await peer.receive('JOB_ASSIGN')
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    assert.equal(await error(peer), 'ERROR QUEUE_ERROR Job queue is full')
    peer.send(PACKET.WORK_COMPLETE, args[0] ?? '', '')
    peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', 'x')
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
  })
})
