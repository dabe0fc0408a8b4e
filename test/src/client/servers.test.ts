import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Client, ConnectError, InvalidArgumentError, parseServers, type Servers } from '@geartrain/client'
import fc from 'fast-check'
// No user's concern, so the package does not export it.
import { ServerOrder } from '../../../packages/client/dist/server-order.js'
import { PACKET } from '../support/raw.ts'
import { FakeServer, response } from './proxy.ts'
import { Door } from './servers-door.ts'
import { onFleet } from './servers-fleet.ts'
import { signal } from './signal.ts'
import { onServers } from './site.ts'

const options = { timeout: 60_000 }

describe('where servers are', () => {
  const rows: readonly [string, Servers, readonly string[]][] = [
    ['a host', 'queue.example.org', ['queue.example.org:4730']],
    ['a port alone', ':4731', ['127.0.0.1:4731']],
    ['IPv6 with a port', '[::1]:4731', ['[::1]:4731']],
    ['IPv6 in brackets', '[2001:db8::1]', ['[2001:db8::1]:4730']],
    ['IPv6 bare', '2001:db8::1', ['[2001:db8::1]:4730']],
    ['IPv4 in IPv6', '::ffff:10.0.0.1', ['[::ffff:10.0.0.1]:4730']],
    ['a list with blanks', ' a:1 , [::1]:2,c ', ['a:1', '[::1]:2', 'c:4730']],
    ['an object', { host: '::1', port: 5 }, ['[::1]:5']],
    ['a mixed list', ['a,b:2', { port: 3 }], ['a:4730', 'b:2', '127.0.0.1:3']],
  ]
  for (const [name, servers, expected] of rows) {
    it(name, () => {
      assert.deepEqual(
        parseServers(servers).map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
        expected,
      )
    })
  }
  for (const servers of ['a:0', 'a:65536', 'a:x', '[::1', 'a,,b', 'http://a', []] as const) {
    it(`refused: ${JSON.stringify(servers)}`, () => {
      assert.throws(() => new Client(servers), InvalidArgumentError)
    })
  }
})

describe('the order of servers for a unique', () => {
  const addresses = fc.uniqueArray(fc.record({ host: fc.domain(), port: fc.integer({ min: 1, max: 65_535 }) }), {
    minLength: 1,
    maxLength: 12,
    selector: ({ host, port }) => `${host}:${port}`,
  })
  const key = fc.uint8Array({ maxLength: 40 })
  const named = (servers: readonly { host: string; port: number }[], keyBytes: Uint8Array) =>
    new ServerOrder(servers).of(keyBytes).map((index) => servers[index])

  it('has each server once, and does not depend on the order of the list', () => {
    fc.assert(
      fc.property(addresses, key, fc.nat(), (servers, keyBytes, turn) => {
        const order = new ServerOrder(servers).of(keyBytes)
        assert.deepEqual(
          [...order].sort((a, b) => a - b),
          [...servers.keys()],
        )
        const turned = [...servers.slice(turn % servers.length), ...servers.slice(0, turn % servers.length)]
        assert.deepEqual(named(turned, keyBytes), named(servers, keyBytes))
      }),
    )
  })

  it('without one of the servers the others stand as before: only its own keys move', () => {
    fc.assert(
      fc.property(addresses, key, fc.nat(), (servers, keyBytes, index) => {
        const gone = servers[index % servers.length]
        const rest = servers.filter((server) => server !== gone)
        assert.deepEqual(
          named(rest, keyBytes),
          named(servers, keyBytes).filter((server) => server !== gone),
        )
      }),
    )
  })

  for (const [name, servers] of [
    ['ports in a row', [0, 1, 2, 3, 4].map((i) => ({ host: '10.0.0.1', port: 4730 + i }))],
    ['hosts in a row', [0, 1, 2, 3, 4].map((i) => ({ host: `10.0.0.${i}`, port: 4730 }))],
  ] as const) {
    for (const [keys, keyAt] of [
      ['numbers', (i: number) => String(i)],
      ['a prefix and numbers', (i: number) => `mail-${i}`],
      ['a long prefix', (i: number) => `${'x'.repeat(50)}${i}`],
      ['numbers and a suffix', (i: number) => `${i}@example.org`],
    ] as const) {
      it(`spreads evenly, as first and as second choice: ${name}, ${keys}`, () => {
        const order = new ServerOrder(servers)
        const total = 5000
        for (const choice of [0, 1]) {
          const counts = servers.map(() => 0)
          for (let i = 0; i < total; i++) {
            const index = order.of(Buffer.from(keyAt(i)))[choice] ?? -1
            counts[index] = (counts[index] ?? 0) + 1
          }
          // Six standard deviations of 5,000 fair choices among five are 170.
          for (const count of counts) assert.ok(Math.abs(count - total / 5) < 170, counts.join())
        }
      })
    }
  }
})

onFleet('servers of a client', (test) => {
  test('at connect the first one that is there is taken', async (fleet) => {
    const f = fleet.functionName()
    await fleet.work(f, (index) => () => String(index))
    await fleet.door(0).shut()
    const client = await fleet.client()
    assert.equal(await client.submit(f, '').text(), '1')
    await fleet.door(1).shut()
    assert.equal(await client.submit(f, '').text(), '2')
  })

  test('a server that goes away is left for the next one, and used again when it is back', async (fleet) => {
    const f = fleet.functionName()
    await fleet.work(f, (index) => () => String(index))
    const client = await fleet.client()
    const one = () => client.submit(f, '').text()
    assert.equal(await one(), '0')
    await fleet.door(0).shut()
    assert.equal(await one(), '1')
    await fleet.door(1).shut()
    assert.equal(await one(), '2')
    await fleet.door(1).open()
    while ((await one()) !== '1');
    await fleet.door(0).open()
    while ((await one()) !== '0');
    assert.equal(await one(), '0')
  })

  test('a server that is down is tried in the background, while nothing is asked of it', async (fleet) => {
    await fleet.door(0).shut()
    const client = await fleet.client()
    await fleet.door(0).open()
    const before = fleet.door(0).connections
    while (fleet.door(0).connections === before) await new Promise(setImmediate)
    assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
  })

  test('all servers gone, a job is refused with the reason of each; when one is back it is taken', async (fleet) => {
    const f = fleet.functionName()
    await fleet.work(f, () => () => 'done')
    const client = await fleet.client({ resubmissions: 0 })
    for (const door of fleet.doors) await door.shut()
    // The loss may not have been noticed yet: then this is what notices it.
    await client.echo('').catch(() => undefined)
    await assert.rejects(client.submit(f, '').result(), (error) => {
      assert.ok(error instanceof ConnectError, String(error))
      for (const address of fleet.addresses) assert.ok(error.message.includes(`${address} (`), error.message)
      return true
    })
    await fleet.door(2).open()
    for (;;) {
      const text = await client
        .submit(f, '')
        .text()
        .catch(() => '')
      if (text === 'done') break
    }
  })

  test('equal uniques of two clients meet at one server, whatever the order of their lists', async (fleet) => {
    const f = fleet.functionName()
    const [a, b] = [await fleet.client(), await fleet.client({}, [...fleet.addresses].reverse())]
    const uniques = Array.from({ length: 30 }, (_, i) => `${f}-${i}`)
    for (const unique of uniques) {
      await Promise.all([a, b].map((client) => client.submit(f, '', { unique }).created()))
      assert.equal((await a.statusByUnique(unique)).waiters, 2, unique)
    }
    let runs = 0
    const servers = new Set<number>()
    const jobs = uniques.map((unique) => b.submit(f, '', { unique, priority: 'high' }))
    await Promise.all(jobs.map((job) => job.created()))
    await fleet.work(f, (index) => () => {
      runs++
      servers.add(index)
    })
    await Promise.all(jobs.map((job) => job.result()))
    assert.equal(runs, uniques.length)
    // Not all of 30 at one of three.
    assert.ok(servers.size > 1)
  })

  test('so do equal workloads with the unique -', async (fleet) => {
    const f = fleet.functionName()
    const [a, b] = [await fleet.client(), await fleet.client({}, [...fleet.addresses].reverse())]
    const workloads = Array.from({ length: 30 }, (_, i) => `workload ${i}`)
    const jobs = workloads.flatMap((workload) => [a, b].map((client) => client.submit(f, workload, { unique: '-' })))
    await Promise.all(jobs.map((job) => job.created()))
    const runs: string[] = []
    await fleet.work(f, () => (job) => {
      runs.push(job.text())
      return job.text()
    })
    const results = await Promise.all(jobs.map((job) => job.text()))
    assert.deepEqual(
      results,
      workloads.flatMap((workload) => [workload, workload]),
    )
    assert.deepEqual(runs.sort(), [...workloads].sort())
  })

  test('a server that is down moves its uniques and no others, and has them back when it is', async (fleet) => {
    const f = fleet.functionName()
    await fleet.work(f, (index) => () => String(index))
    const client = await fleet.client()
    const uniques = Array.from({ length: 60 }, (_, i) => `${f}-${i}`)
    const places = () => Promise.all(uniques.map((unique) => client.submit(f, '', { unique }).text()))
    const before = await places()
    assert.ok(['0', '1', '2'].every((place) => before.includes(place)))
    await fleet.door(1).shut()
    const without = await places()
    for (const [i, place] of without.entries()) {
      if (before[i] === '1') assert.notEqual(place, '1')
      else assert.equal(place, before[i], uniques[i])
    }
    await fleet.door(1).open()
    const moved = uniques[before.indexOf('1')]
    while ((await client.submit(f, '', { unique: moved }).text()) !== '1');
    assert.deepEqual(await places(), before)
  })

  test('status() and statusByUnique() find a job on whichever server has it', async (fleet) => {
    const f = fleet.functionName()
    const unique = `${f}-unique`
    const client = await fleet.client()
    const others = [await fleet.client({}, [fleet.door(0).address]), await fleet.client({}, [fleet.door(1).address])]
    const last = await fleet.client({}, [fleet.door(2).address])
    // Servers of one host may give the same handle twice.
    let handle: string
    do {
      handle = await last.submitBackground(f, '')
    } while ((await Promise.all(others.map((other) => other.status(handle)))).some((status) => status.isKnown))
    await last.submitBackground(f, '', { unique })
    assert.equal((await client.status(handle)).isKnown, true)
    assert.equal((await client.statusByUnique(unique)).isKnown, true)
    assert.equal((await client.status('H:nowhere:1')).isKnown, false)

    // The job is where it was, and another is not asked in vain.
    await fleet.door(0).shut()
    assert.equal((await client.status(handle)).isKnown, true)
    assert.equal((await client.statusByUnique(unique)).isKnown, true)

    // Nobody can say that there is no such job.
    await assert.rejects(client.status('H:nowhere:1'), { code: 'CONNECT_FAILED' })
    await fleet.door(0).open()
    await fleet.door(2).shut()
    await assert.rejects(client.status(handle), (error: { code: string }) =>
      // The first to ask may be the one who notices.
      ['CONNECT_FAILED', 'CONNECTION_LOST'].includes(error.code),
    )
    await assert.rejects(client.statusByUnique(unique), { code: 'CONNECT_FAILED' })
    await fleet.door(2).open()
    for (;;) {
      const status = await client.status(handle).catch(() => undefined)
      if (status === undefined) continue
      assert.equal(status.isKnown, true)
      break
    }
  })

  test('status() of a job that one server knows does not wait for another that says nothing', async (fleet) => {
    const f = fleet.functionName()
    const asked = signal()
    await using silent = await FakeServer.toClients((socket) => {
      socket.once('data', () => asked.give())
    })
    const [address = ''] = fleet.addresses
    const client = await fleet.client({ closeTimeoutMs: 1 }, [address, silent.address])
    const handle = await (await fleet.client({}, [address])).submitBackground(f, '')
    const abort = new AbortController()
    const status = client.status(handle, { signal: abort.signal })
    await asked.given
    // The status is answered before the first echo, and told before the second.
    const twoEchoes = client.echo('').then(() => client.echo(''))
    const first = await Promise.race([status, twoEchoes.then(() => undefined)])
    abort.abort()
    assert.equal((await status).isKnown, true)
    assert.notEqual(first, undefined)
  })

  test('status() in a list with a server that is down: an argument that is refused ends nothing else', async (fleet) => {
    const client = await fleet.client()
    await fleet.door(1).shut()
    await assert.rejects(client.status('H:x:1', { timeoutMs: 0 }), InvalidArgumentError)
    // An unhandled rejection would be seen here.
    await client.status('H:x:1').catch(() => undefined)
    assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
  })

  test('a client that is closed while a server is down tries it no more', async (fleet) => {
    const client = await fleet.client({ reconnect: { minMs: 1, maxMs: 1 } })
    await client.status('H:x:1')
    await fleet.door(0).shut()
    await client.echo('x').catch(() => client.echo('x'))
    await client.close()
    await fleet.door(0).open()
    const before = fleet.door(0).connections
    // Far more turns of the event loop than the wait between two attempts takes.
    await (await fleet.client({}, [fleet.door(1).address])).echo('x')
    for (let i = 0; i < 1000; i++) await new Promise(setImmediate)
    assert.equal(fleet.door(0).connections, before)
    await assert.rejects(client.echo('x'), { code: 'CLOSED' })
  })

  test('many at once while the first server is unreachable: all are answered by the next one', async (fleet) => {
    const f = fleet.functionName()
    await fleet.work(f, (index) => (job) => `${index} ${job.text()}`)
    await fleet.door(0).shut()
    const client = fleet.keep(new Client(fleet.addresses, { reconnect: { minMs: 1, maxMs: 5 } }))
    const numbers = Array.from({ length: 300 }, (_, i) => i)
    const answers = await Promise.all(numbers.map((i) => client.submit(f, String(i)).text()))
    assert.deepEqual(
      answers,
      numbers.map((i) => `1 ${i}`),
    )
  })
})

describe('a server that takes connections and says nothing', () => {
  it('is given up after connectTimeoutMs, and the next one is used meanwhile and afterwards', options, async () => {
    const [accepted, seen] = [response(PACKET.OPTION_RES, 'exceptions'), signal()]
    await using silent = await FakeServer.start(() => seen.give())
    await using good = await FakeServer.start((socket) => {
      socket.once('data', () => {
        socket.write(accepted)
        socket.on('data', () => socket.write(response(PACKET.ECHO_RES, 'x')))
      })
    })
    await using client = await Client.connect([silent.address, good.address], {
      connectTimeoutMs: 500,
      reconnect: { minMs: 1, maxMs: 1 },
    })
    await seen.given
    for (let i = 0; i < 10; i++) assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
  })
})

onServers('addresses', (test) => {
  test('IPv6', async (site) => {
    await using door = await Door.to(site.server.port, { host: '::1' })
    assert.match(door.address, /^\[::1\]:\d+$/)
    const f = site.functionName()
    await site
      .worker({}, door.address)
      .handle(f, () => 'done')
      .start()
    const client = await site.client({}, door.address)
    assert.equal(await client.submit(f, '').text(), 'done')
  })

  test('a list in GEARMAN_SERVERS, the first of which is not there', async (site, t) => {
    const before = process.env['GEARMAN_SERVERS']
    t.after(() => {
      if (before === undefined) delete process.env['GEARMAN_SERVERS']
      else process.env['GEARMAN_SERVERS'] = before
    })
    await using door = await Door.to(site.server.port, { host: '::1' })
    const gone = await Door.to(site.server.port)
    await gone.shut()
    process.env['GEARMAN_SERVERS'] = `${gone.address}, ${door.address},${site.address}`
    const client = site.keep(await Client.connect())
    assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
    assert.equal(door.connections, 1)
  })
})
