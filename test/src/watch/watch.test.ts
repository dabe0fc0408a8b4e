import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freePort } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { FakeServer, honest, type Script } from './fake-server.ts'
import { TestMonitor } from './monitor.ts'

describe('a server that is watched', () => {
  test('is asked for its version once, and every 2 s while somebody has asked within 15 s', async () => {
    await using fake = await FakeServer.start()
    await using monitor = await TestMonitor.start([fake.address])
    await monitor.ask()
    assert.deepEqual(fake.lines, ['version', 'status', 'workers'])
    const delays = [2000, 5000, 2000]
    for (let looks = 2; looks <= 8; looks++) {
      assert.deepEqual(monitor.clock.delays, delays)
      monitor.clock.advance(2000)
      delays.push(5000, 2000)
      await monitor.untilDelays(delays.length)
      assert.equal(fake.lines.length, 1 + 2 * looks)
    }
    // The next one would be 16 s after it was asked.
    monitor.clock.advance(60_000)
    assert.deepEqual([monitor.clock.delays, monitor.clock.timerCount], [delays, 0])
    assert.deepEqual([fake.lines.length, fake.connections], [17, 1])
    // Whoever asks then waits for a new look, over the same connection.
    const { lookedAt } = await monitor.first()
    assert.equal(lookedAt, monitor.clock.wallNow())
    assert.deepEqual(fake.lines.slice(17), ['status', 'workers'])
    assert.deepEqual([fake.connections, fake.gone], [1, 0])
  })

  test('is not asked at all before somebody wants to know', async () => {
    await using fake = await FakeServer.start()
    await using monitor = await TestMonitor.start([fake.address])
    assert.equal(monitor.clock.timerCount, 0)
    monitor.clock.advance(60_000)
    await fetch(`${monitor.origin}/api/about`)
    assert.deepEqual([fake.connections, fake.lines], [0, []])
  })

  test('is told with what it has', async () => {
    const status = 'resize\t12\t5\t3\nmail.größe\t1\t0\t0\nodd\tname\t7\t4294967295\t0\n\t0\t0\t1\n.\n'
    const workers = [
      '34 10.0.0.7 - : resize',
      '35 10.0.0.8 joe and ann : mail.größe resize',
      '36 127.0.0.1 - :',
      '37 ::1 a:b :c : resize',
    ]
    await using fake = await FakeServer.start(honest({ status, workers: `${workers.join('\r\n')}\r\n.\r\n` }))
    await using monitor = await TestMonitor.start([fake.address])
    const { lookedAt, ...server } = await monitor.first()
    assert.equal(lookedAt, monitor.clock.wallNow())
    assert.deepEqual(server, {
      address: fake.address,
      isThis: false,
      tookMs: 0,
      version: '1.1.20',
      functions: [
        { name: 'resize', queued: 7, running: 5, workers: 3 },
        { name: 'mail.größe', queued: 1, running: 0, workers: 0 },
        { name: 'odd\tname', queued: 0, running: 4_294_967_295, workers: 0 },
        { name: '', queued: 0, running: 0, workers: 1 },
      ],
      workers: [
        { number: 34, address: '10.0.0.7', clientId: '-', functions: ['resize'] },
        { number: 35, address: '10.0.0.8', clientId: 'joe and ann', functions: ['mail.größe', 'resize'] },
        { number: 37, address: '::1', clientId: 'a:b :c', functions: ['resize'] },
      ],
    })
  })

  test('can have names with line ends in it, and be read for all that', async () => {
    await using fake = await FakeServer.start(
      honest({ status: 'a\nb\t1\t0\t0\nc\t2\t0\t0\n.\n', workers: '3 ::1 joe\n : a\n4 ::1 ann : c\n.\n' }),
    )
    await using monitor = await TestMonitor.start([fake.address])
    const { functions, workers, failure } = await monitor.first()
    assert.equal(failure, undefined)
    assert.deepEqual(
      [functions.map(({ name }) => name), workers.map(({ clientId }) => clientId)],
      [['b', 'c'], ['ann']],
    )
  })

  test('may answer in small pieces', async () => {
    const script = honest({ status: 'f\t3\t1\t2\n.\n', workers: '3 ::1 - : f\n.\n' })
    await using fake = await FakeServer.start((line, socket) => {
      sendByBytes(socket, script(line, socket) ?? '')
      return undefined
    })
    await using monitor = await TestMonitor.start([fake.address])
    const { version, functions, workers } = await monitor.first()
    assert.deepEqual([version, functions.length, workers.length], ['1.1.20', 1, 1])
  })

  const versions: readonly [line: string, version: string | undefined][] = [
    ['OK 1.1.20+ds', '1.1.20+ds'],
    ['0.14', '0.14'],
    ['ERR UNKNOWN_COMMAND Unknown+server+command', undefined],
  ]
  for (const [line, version] of versions) {
    test(`says of its version ${JSON.stringify(line)}`, async () => {
      await using fake = await FakeServer.start(honest({ version: `${line}\n` }))
      await using monitor = await TestMonitor.start([fake.address])
      const server = await monitor.first()
      assert.deepEqual([server.version, server.failure], [version, undefined])
    })
  }

  test('may take 2 s before others are told without it, and 5 s before it has failed', async () => {
    await using slow = await FakeServer.start(() => undefined)
    await using quick = await FakeServer.start()
    await using monitor = await TestMonitor.start([slow.address, quick.address])
    const asked = monitor.ask()
    await until('both are asked', () => slow.lines.length === 1 && quick.lines.length === 3)
    // Of each the wait and the look, and of the quick one the next look.
    assert.deepEqual(await monitor.untilDelays(5), [2000, 5000, 2000, 5000, 2000])
    monitor.clock.advance(2000)
    const [first, second] = await asked
    assert.deepEqual(first, { address: slow.address, isThis: false, functions: [], workers: [] })
    assert.equal(second?.version, '1.1.20')
    monitor.clock.advance(2999)
    assert.equal((await monitor.first()).failure, undefined)
    monitor.clock.advance(1)
    await until('the connection was given up', () => slow.gone === 1)
    const { failure, failingSince } = await monitor.first()
    assert.equal(failure, `${slow.address} has not answered "version" for 5 s`)
    assert.equal(failingSince, monitor.clock.wallNow())
  })

  test('that fails is tried again after 1, 2, 4, 8 and then 15 s', async () => {
    await using fake = await FakeServer.start(undefined, (socket) => socket.destroy())
    await using monitor = await TestMonitor.start([fake.address])
    const failingSince = monitor.clock.wallNow()
    const delays = [2000]
    for (const seconds of [1, 2, 4, 8, 15, 15]) {
      const watched = await monitor.first()
      assert.deepEqual(
        [watched.failure, watched.failingSince],
        [`${fake.address} has closed the connection`, failingSince],
      )
      delays.push(5000, seconds * 1000)
      assert.deepEqual(await monitor.untilDelays(delays.length), delays)
      monitor.clock.advance(seconds * 1000 - 1)
      // Somebody still wants to know.
      await monitor.first()
      assert.deepEqual(monitor.clock.delays, delays)
      monitor.clock.advance(1)
      await monitor.untilDelays(delays.length + 2)
    }
  })

  test('is left when the monitor ends, also in the midst of a look', async () => {
    await using fake = await FakeServer.start(() => undefined)
    await using idle = await FakeServer.start()
    {
      await using monitor = await TestMonitor.start([fake.address, idle.address])
      monitor.ask().catch(() => {})
      await until('both are asked', () => fake.lines.length === 1 && idle.lines.length === 3)
    }
    await until('both were left', () => fake.gone === 1 && idle.gone === 1)
  })

  test('that comes back is asked for its version again, and until then shown as it was last', async () => {
    await using fake = await FakeServer.start(honest({ status: 'f\t3\t1\t2\n.\n' }))
    await using monitor = await TestMonitor.start([fake.address])
    const before = await monitor.first()
    fake.script = (_line, socket) => {
      socket.destroy()
      return undefined
    }
    fake.cut()
    await until('the connection has gone', () => fake.gone === 1)
    monitor.clock.advance(2000)
    const failedAt = monitor.clock.wallNow()
    assert.deepEqual((await monitor.untilDelays(5)).slice(3), [5000, 1000])
    const failed = await monitor.first()
    assert.deepEqual(failed, {
      ...before,
      failure: `${fake.address} has closed the connection`,
      failingSince: failedAt,
    })
    fake.script = honest({ version: 'OK 2.0\n' })
    monitor.clock.advance(1000)
    assert.deepEqual((await monitor.untilDelays(7)).slice(5), [5000, 2000])
    assert.deepEqual(await monitor.first(), {
      ...before,
      version: '2.0',
      functions: [],
      lookedAt: monitor.clock.wallNow(),
    })
  })
})

describe('what is no Gearman server', () => {
  const endless = (text: string): Script => {
    return (_line, socket) => {
      const more = () => {
        while (socket.writable && socket.write(text)) {}
      }
      socket.on('drain', more)
      more()
      return undefined
    }
  }
  const rows: readonly [what: string, script: Script, failure: string][] = [
    [
      'HTTP',
      () => 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n',
      'it answers "version" with "HTTP/1.1 400 Bad Request": it is no Gearman server',
    ],
    ['bytes', () => '\0\x01\x02\xff\n', 'it answers "version" with "???ÿ": it is no Gearman server'],
    ['rows that are none', honest({ status: 'a\nb\n.\n' }), 'it answers "status" with "a": it is no Gearman server'],
    [
      'rows of words',
      honest({ status: 'a\tb\tc\td\n.\n' }),
      'it answers "status" with "a?b?c?d": it is no Gearman server',
    ],
    [
      'rows without end',
      honest({ workers: 'a\n'.repeat(11) }),
      'it answers "workers" with "a": it is no Gearman server',
    ],
    [
      'a long line',
      honest({ version: `${'x'.repeat(200)}\n` }),
      `it answers "version" with "${'x'.repeat(120)}...": it is no Gearman server`,
    ],
    [
      'one that does not let us ask',
      honest({ status: 'ERR ACCESS_DENIED This+is+not+allowed+to+you\r\n' }),
      'it refuses "status": ACCESS_DENIED This is not allowed to you',
    ],
    ['two answers', honest({ version: 'OK 1\nOK 2\n' }), 'says what nobody has asked for: it is no Gearman server'],
    ['bytes without end', endless('x'.repeat(65_536)), 'to "version" has more than 100000 bytes'],
    [
      'rows without end',
      (line, socket) => (line === 'version' ? 'OK 1\n' : endless('f\t1\t1\t1\n'.repeat(1000))(line, socket)),
      'to "status" has more than 100000 bytes',
    ],
  ]
  for (const [what, script, failure] of rows) {
    test(`${what}: ${failure}`, async () => {
      await using fake = await FakeServer.start(script)
      await using other = await FakeServer.start()
      await using monitor = await TestMonitor.start([fake.address, other.address], { watchAnswerBytesMax: 100_000 })
      const [first, second] = await monitor.ask()
      assert.ok(first?.failure?.endsWith(failure), first?.failure)
      assert.deepEqual([first?.functions, first?.lookedAt], [[], undefined])
      assert.deepEqual([second?.version, second?.failure], ['1.1.20', undefined])
      await until('it was left', () => fake.gone === 1)
    })
  }

  test('more functions than any server has', async () => {
    const status = (count: number) => `${'f\t0\t0\t0\n'.repeat(count)}.\n`
    await using fake = await FakeServer.start(honest({ status: status(100_000) }))
    await using monitor = await TestMonitor.start([fake.address])
    assert.equal((await monitor.first()).functions.length, 100_000)
    fake.script = honest({ status: status(100_001) })
    monitor.clock.advance(2000)
    await until('it was left', () => fake.gone === 1)
    assert.equal((await monitor.first()).failure, 'its answer to "status" has more than 100000 rows')
  })

  test('a line that is longer than that of any worker', async () => {
    const workers = `1 10.0.0.1 - :${' f'.repeat(600_000)}\n.\n`
    await using fake = await FakeServer.start(honest({ workers }))
    await using monitor = await TestMonitor.start([fake.address])
    const { failure } = await monitor.first()
    assert.equal(failure, `${fake.address} answers "workers" with a line of more than 1048576 bytes`)
  })

  test('says something without being asked', async () => {
    await using fake = await FakeServer.start()
    await using monitor = await TestMonitor.start([fake.address])
    await monitor.ask()
    fake.script = (_line, socket) => {
      socket.write('.\n.\n')
      return undefined
    }
    monitor.clock.advance(2000)
    await until('it was left', () => fake.gone === 1)
    assert.match((await monitor.first()).failure ?? '', /says what nobody has asked for/)
  })

  test('an answer may have as many bytes as the limit says, and none more', async () => {
    const status = `${'x'.repeat(91)}\t1\t0\t0\n.\n`
    await using fake = await FakeServer.start(honest({ status }))
    for (const [watchAnswerBytesMax, failure] of [
      [status.length, undefined],
      [status.length - 1, `the answer of ${fake.address} to "status" has more than ${status.length - 1} bytes`],
    ] as const) {
      await using monitor = await TestMonitor.start([fake.address], { watchAnswerBytesMax })
      assert.equal((await monitor.first()).failure, failure)
    }
  })

  test('nothing listens there', async () => {
    const place = `127.0.0.1:${await freePort()}`
    await using monitor = await TestMonitor.start([place])
    assert.equal((await monitor.first()).failure, `nothing listens on ${place}`)
  })

  test('the name has no address', async () => {
    await using monitor = await TestMonitor.start(['name.invalid'])
    assert.equal((await monitor.first()).failure, 'there is no address for the name name.invalid')
  })
})

function sendByBytes(socket: { write(text: string, done: () => void): void }, text: string): void {
  if (text === '') return
  socket.write(text.slice(0, 1), () => setImmediate(() => sendByBytes(socket, text.slice(1))))
}
