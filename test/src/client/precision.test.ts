import assert from 'node:assert/strict'
import net from 'node:net'
import { Client } from '@geartrain/client'
import { PACKET } from '../support/raw.ts'
import { FakeServer } from './proxy.ts'
import { signal } from './signal.ts'
import { onServers, type Site } from './site.ts'

// Times of delayed jobs: to the millisecond for servers that read fractions of a second, which Debian's gearmand passes over.

const far = 4_000_000_000

/** A way to the site's server, with the packets that a client sends it: their types, and the last argument of EPOCH. */
async function tap(site: Site): Promise<{ readonly address: string; readonly sent: () => string[] }> {
  const chunks: Buffer[] = []
  const relay = await FakeServer.start((near) => {
    const server = net.connect(site.server.port, '127.0.0.1')
    near.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      server.write(chunk)
    })
    near.on('close', () => server.destroy())
    server.on('error', () => near.destroy()).pipe(near)
  })
  site.keep(relay)
  return { address: relay.address, sent: () => packetsOf(Buffer.concat(chunks)) }
}

function packetsOf(bytes: Buffer): string[] {
  const packets: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at + 8)
    const [, unique, epoch] = bytes.toString('latin1', at + 12, end).split('\0')
    const type = bytes.readUInt32BE(at + 4)
    if (type === PACKET.SUBMIT_JOB_EPOCH) packets.push(`${unique} ${epoch}`)
    else if (type === PACKET.OPTION_REQ) packets.push(bytes.toString('latin1', at + 12, end))
    at = end
  }
  return packets
}

onServers('times of delayed jobs', (test) => {
  test('a fraction of a second is for a server that reads it; for others it is the next second', async (site) => {
    const f = site.functionName()
    const { address, sent } = await tap(site)
    const client = await site.client({}, address)
    const later = (unique: string, ms: number) => ({ unique, runAt: new Date(far * 1000 + ms) })
    // Those that come before it is known what the server reads are sent as well, in their order.
    const handles = await Promise.all([
      client.submitBackground(f, '', later('a', 1)),
      client.submitBackground(f, '', later('b', 250)),
      client.submitBackground(f, '', later('c', 3000)),
    ])
    handles.push(await client.submitBackground(f, '', later('d', 999)))
    assert.equal(new Set(handles).size, 4)
    const [a, b, d] =
      site.kind === 'ours' ? ['.001', '.250', '.999'].map((end) => `${far}${end}`) : Array(3).fill(far + 1)
    assert.deepEqual(sent(), ['exceptions', 'cancellation', `c ${far + 3}`, `a ${a}`, `b ${b}`, `d ${d}`])
  })

  test('whole seconds ask nothing', async (site) => {
    const { address, sent } = await tap(site)
    const client = await site.client({}, address)
    await client.submitBackground(site.functionName(), '', { unique: 'a', runAt: new Date(far * 1000) })
    assert.deepEqual(sent(), ['exceptions', `a ${far}`])
  })

  test('a client that is closed at once has sent what it had', async (site) => {
    const { address, sent } = await tap(site)
    const client = await Client.connect(address)
    const submitted = client.submitBackground(site.functionName(), '', { unique: 'a', runAt: new Date(far * 1000 + 1) })
    await client.close()
    assert.match(await submitted, /^H:/)
    assert.equal(sent().length, 3)
  })

  test('a connection that is lost before it is known fails them', async (site) => {
    const server = await FakeServer.toClients((socket) => {
      socket.once('data', () => socket.destroy())
    })
    site.keep(server)
    const client = await site.client({}, server.address)
    const submit = () => client.submitBackground('f', '', { runAt: new Date(far * 1000 + 1) })
    const outcomes = await Promise.allSettled([submit(), submit()])
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
      ['CONNECTION_LOST', 'CONNECTION_LOST'],
    )
  })

  test('the server has it: not before its time, whatever it makes of a fraction', async (site) => {
    const f = site.functionName()
    const client = await site.client()
    const ran = signal<number>()
    const worker = site.worker().handle(f, () => ran.give(Date.now()))
    await worker.start()
    const runAt = Math.ceil(Date.now() / 1000) * 1000 + 300
    await client.submitBackground(f, '', { runAt: new Date(runAt) })
    const asking = setInterval(() => {
      // gearmand 1.1 wakes nobody when the time comes; a new function makes the worker ask for jobs again.
      if (site.kind === 'gearmand') worker.handle(site.functionName(), () => undefined)
    }, 100)
    try {
      assert.ok((await ran.given) >= runAt - 50)
    } finally {
      clearInterval(asking)
    }
  })
})
