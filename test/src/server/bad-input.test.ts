import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PACKET, type PacketName, printable, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { LocalServer } from './local-server.ts'

// What can't be right: the peer hears why where that is possible, is closed where it can't be understood any more, and
// nobody else notices.

/** A packet with any header. */
function packet(type: number, length: number, body = '', magic = '\0REQ'): Buffer {
  const header = Buffer.alloc(12)
  header.write(magic, 'latin1')
  header.writeUInt32BE(type, 4)
  header.writeUInt32BE(length, 8)
  return Buffer.concat([header, Buffer.from(body, 'latin1')])
}

describe('a connection that is closed without a word', () => {
  for (const bytes of [
    packet(16, 0, '', '\0XYZ'),
    packet(16, 0, '', '\0req'),
    packet(16, 0, '', '\0RE\0'),
    packet(16, 0, '', '\0\0\0\0'),
    Buffer.from('\0GET', 'latin1'),
    packet(0, 0),
    packet(43, 0),
    packet(256, 0),
    packet(0x0100_0010, 0),
    packet(2 ** 31, 0),
    packet(2 ** 32 - 1, 2 ** 32 - 1),
    Buffer.from(`${'x'.repeat(9000)}\n`),
    Buffer.from('maxqueue f 1 2 3 4\n'),
    Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(9000, 'x'), 'latin1'),
  ]) {
    it(printable(bytes, 40), async () => {
      await using local = await LocalServer.start()
      const peer = await local.connectSilently()
      peer.sendBytes(bytes)
      await peer.expectClosed()
      await until('it is forgotten', () => local.server.connectionCount === 0)
      await local.assertServes()
    })
  }
})

describe('packets that are too short for their type', () => {
  // For each packet with arguments: one argument too few.
  const rows: readonly (readonly [PacketName, string])[] = [
    ['SUBMIT_JOB', 'f\0u'],
    ['SUBMIT_JOB', ''],
    ['SUBMIT_JOB_BG', 'f\0u'],
    ['SUBMIT_JOB_HIGH', 'f\0'],
    ['SUBMIT_JOB_HIGH_BG', 'f'],
    ['SUBMIT_JOB_LOW', 'f\0u'],
    ['SUBMIT_JOB_LOW_BG', 'f\0u'],
    ['SUBMIT_JOB_EPOCH', 'f\0u\x000'],
    ['SUBMIT_REDUCE_JOB', 'f\0u\0r\0'],
    ['SUBMIT_REDUCE_JOB_BG', 'f\0u\0r\0'],
    ['CAN_DO_TIMEOUT', 'f'],
    ['WORK_STATUS', 'H:x:1\x001'],
    ['WORK_COMPLETE', 'H:x:1'],
    ['WORK_DATA', 'H:x:1'],
    ['WORK_WARNING', ''],
    ['WORK_EXCEPTION', 'H:x:1'],
  ]
  for (const [name, body] of rows) {
    it(`${name} ${printable(body)}: ERROR and the end, and nothing is borrowed from the next packet`, async () => {
      await using local = await LocalServer.start()
      const peer = await local.connect()
      peer.sendBytes(
        Buffer.concat([packet(PACKET[name], body.length, body), request(PACKET.ECHO_REQ, 'a\0b\0c\0d\0e')]),
      )
      const { args } = await peer.receive('ERROR')
      assert.deepEqual(args, ['INVALID_PACKET', 'The packet has fewer arguments than its type needs'])
      await peer.expectClosed()
      assert.equal(local.server.engine.jobCount, 0)
      await local.assertServes()
    })
  }

  it('a length that lies too low cuts the packet, and what is left is no packet', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connect()
    peer.sendBytes(packet(PACKET.SUBMIT_JOB_BG, 6, 'f\0u\0workload'))
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    // `rkload` begins a line that has no end; with one it is an unknown command.
    peer.sendBytes('\n')
    assert.equal(await peer.receiveText('\n'), 'ERR UNKNOWN_COMMAND Unknown+server+commandrkload\r\n')
    await peer.sync()
  })

  it('a length that lies too high swallows the next packet, and nobody else', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connect()
    const echo = request(PACKET.ECHO_REQ, 'x')
    peer.sendBytes(Buffer.concat([packet(PACKET.SUBMIT_JOB_BG, 5 + echo.length, 'f\0u\0w'), echo, echo]))
    assert.equal((await peer.receive()).name, 'JOB_CREATED')
    assert.equal((await peer.receive()).name, 'ECHO_RES')
    await peer.expectNothing()
  })
})

describe('what a server does not take', () => {
  for (const type of [5, 6, 8, 10, 11, 17, 19, 20, 24, 27, 31, 40, 42]) {
    it(`type ${type}: ERROR, and the connection stays`, async () => {
      await using local = await LocalServer.start()
      const peer = await local.connect()
      for (const body of ['', 'a\0b\0c\0d\0e\0f\0g\0h']) {
        peer.sendBytes(packet(type, body.length, body))
        assert.deepEqual((await peer.receive()).args, ['INVALID_COMMAND', 'Command not expected'])
      }
      await peer.sync()
    })
  }

  it('the magic of responses: ERROR, and the connection stays', async () => {
    await using local = await LocalServer.start()
    const peer = await local.connect()
    for (const type of [1, 7, 13, 42]) {
      peer.sendBytes(packet(type, 3, 'a\0b', '\0RES'))
      assert.deepEqual((await peer.receive()).args, ['INVALID_MAGIC', 'Request magic expected'])
    }
    await peer.sync()
  })
})

describe('workers that say what is not theirs to say', () => {
  const rows: readonly (readonly [PacketName, readonly string[], string])[] = [
    ['WORK_COMPLETE', [''], 'Job given in work result not found'],
    ['WORK_FAIL', [], 'Job given in work result not found'],
    ['WORK_STATUS', ['1', '2'], 'Job given in work result not found'],
    ['WORK_DATA', ['x'], 'Job does not exist on server'],
    ['WORK_WARNING', ['x'], 'Job does not exist on server'],
    ['WORK_EXCEPTION', ['x'], 'An exception was received for a job that does not exist'],
  ]

  for (const [name, rest, text] of rows) {
    const error = ['JOB_NOT_FOUND', text]

    it(`${name} of a job that another worker has`, async () => {
      await using local = await LocalServer.start()
      const { client, worker, handle } = await local.jobInHand()
      const other = await local.connect('other worker')
      other.send(PACKET.CAN_DO, 'f')
      other.send(PACKET[name], handle, ...rest)
      assert.deepEqual((await other.receive('ERROR')).args, error)
      await client.expectNothing()
      worker.send(PACKET.WORK_COMPLETE, handle, 'mine')
      assert.equal((await client.receive()).data.toString(), 'mine')
    })

    it(`${name} of a job that waits, from its own client`, async () => {
      await using local = await LocalServer.start()
      const client = await local.connect('client')
      client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
      const handle = (await client.receive()).body
      client.send(PACKET[name], handle, ...rest)
      assert.deepEqual((await client.receive('ERROR')).args, error)
      assert.equal(local.server.engine.jobCount, 1)
    })

    it(`${name} of a job that this worker has finished`, async () => {
      await using local = await LocalServer.start()
      for (const last of ['WORK_COMPLETE', 'WORK_FAIL', 'WORK_EXCEPTION'] as const) {
        const { client, worker, handle } = await local.jobInHand()
        const result = last === 'WORK_FAIL' ? [] : ['result']
        const finish = request(PACKET[last], handle, ...result)
        // In one write, so that both are in the server's hands at once.
        worker.sendBytes(Buffer.concat([finish, request(PACKET[name], handle, ...rest)]))
        assert.deepEqual((await worker.receive('ERROR')).args, error)
        await client.receive(last)
        await client.expectNothing()
        assert.equal(local.server.engine.jobCount, 0)
      }
    })

    for (const [what, handle] of [
      ['empty', ''],
      ['cut', 'H:'],
      ["another server's", 'H:somewhere:1'],
      ['of 63 bytes', `H:${'x'.repeat(61)}`],
      ['not ASCII', '\xff\xfe\x01'],
    ] as const) {
      it(`${name} with a handle that is ${what}`, async () => {
        await using local = await LocalServer.start()
        const { client, worker, handle: own } = await local.jobInHand()
        worker.send(PACKET[name], handle, ...rest)
        assert.deepEqual((await worker.receive('ERROR')).args, error)
        worker.send(PACKET.WORK_COMPLETE, own, '')
        assert.equal((await client.receive()).name, 'WORK_COMPLETE')
      })
    }
  }

  it('handles next to a real one', async () => {
    await using local = await LocalServer.start()
    const { client, worker, handle } = await local.jobInHand()
    const last = Number(handle.at(-1))
    const near = [
      handle.slice(0, -1),
      `${handle}0`,
      `${handle} `,
      handle.slice(0, -1) + ((last + 1) % 10),
      `h${handle.slice(1)}`,
      handle.replace(/:(\d+)$/, ';$1'),
      handle.replace(/\d+$/, (digits) => '9'.repeat(digits.length)),
      handle.replace(/\d+$/, (digits) => '0'.repeat(digits.length)),
      handle.replace(/\d/g, '-'),
    ]
    for (const wrong of near) {
      worker.send(PACKET.WORK_COMPLETE, wrong, 'x')
      assert.deepEqual((await worker.receive(wrong)).args, ['JOB_NOT_FOUND', 'Job given in work result not found'])
      worker.send(PACKET.GET_STATUS, wrong)
      assert.deepEqual((await worker.receive(wrong)).args, [wrong, '0', '0', '0', '0'])
    }
    await client.expectNothing()
    worker.send(PACKET.WORK_COMPLETE, handle, 'x')
    assert.equal((await client.receive()).name, 'WORK_COMPLETE')
  })

  it('WORK_FAIL with a handle of 64 bytes is answered as gearmand does', async () => {
    await using local = await LocalServer.start()
    const worker = await local.connect()
    worker.send(PACKET.WORK_FAIL, 'x'.repeat(64))
    assert.equal((await worker.receive()).args[0], 'ARGUMENT_TOO_LARGE')
    await worker.sync()
  })
})
