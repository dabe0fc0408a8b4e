import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashToken, SettingsError } from '@geartrain/server'
import { type LocalOptions, localServer } from '../server/local-server.ts'
import { MemorySocket } from '../support/memory-socket.ts'
import { PACKET, type RawPeer, request } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { Certificates, missingOpenssl } from '../tls/certificates.ts'
import { LinkedServers, type Member, submit, take } from './links-cluster.ts'

const access = { ops: { token: hashToken('gt_ops'), roles: ['admin' as const] } }
const clusterToken = 'gt_of-the-cluster'

/** A job of the first server is done by a worker of the second. */
async function assertForwards(cluster: LinkedServers, token?: string): Promise<void> {
  const [a, b] = cluster.members
  assert.ok(a && b)
  const worker = await b.local.connect('worker')
  const client = await a.local.connect('client')
  if (token !== undefined) for (const peer of [worker, client]) await show(peer, token)
  worker.send(PACKET.CAN_DO, 'f')
  worker.send(PACKET.PRE_SLEEP)
  await submit(client, 'f', '', 'x')
  const { args } = await take(worker)
  worker.send(PACKET.WORK_COMPLETE, args[0] ?? '', 'done')
  assert.equal((await client.receive()).data.toString(), 'done')
}

/** The same; the second server speaks TLS, and its worker comes by a door of its own. */
async function assertForwardsByTls(cluster: LinkedServers): Promise<void> {
  const [a, b] = cluster.members
  assert.ok(a && b)
  const worker = new MemorySocket()
  b.local.server.accept(worker)
  worker.say(Buffer.concat([request(PACKET.CAN_DO, 'f'), request(PACKET.PRE_SLEEP)]))
  const client = await a.local.connect('client')
  await submit(client, 'f', '', 'x')
  await until('the worker was woken', () => worker.heard().length > 0)
  worker.say(request(PACKET.GRAB_JOB))
  let heard = Buffer.alloc(0)
  await until('it had the job', () => (heard = Buffer.concat([heard, worker.heard()])).includes('\0f\0x'))
  worker.say(
    request(
      PACKET.WORK_COMPLETE,
      heard
        .subarray(12, heard.indexOf('\0f\0x'))
        .toString('latin1')
        .replace(/^.*(?=H:)/s, ''),
      'done',
    ),
  )
  assert.equal((await client.receive()).data.toString(), 'done')
}

async function show(peer: RawPeer, token: string): Promise<void> {
  peer.send(PACKET.OPTION_REQ, `token:${token}`)
  assert.equal((await peer.receive()).name, 'OPTION_RES')
}

async function said({ lines }: Member, text: string): Promise<void> {
  await until(`"${text}" was logged`, () => lines.some((line) => line.includes(text)))
}

async function unequal(
  one: LocalOptions,
  other: LocalOptions,
): Promise<{ cluster: LinkedServers; a: Member; b: Member }> {
  const cluster = new LinkedServers()
  const a = await cluster.add(one)
  const b = await cluster.add(other)
  return { cluster, a, b }
}

describe('who may link', () => {
  it('whoever has the token of the cluster, also where there are rules of access', async () => {
    await using cluster = await LinkedServers.start(2, {
      access: { all: { token: hashToken('gt_all'), roles: ['submit', 'work'] } },
      clusterToken,
    })
    await assertForwards(cluster, 'gt_all')
    for (const { lines } of cluster.members) assert.ok(!lines.join('\n').includes(clusterToken))
  })

  it('nobody with another token, which is said at both ends and is no token', async () => {
    const { cluster, a, b } = await unequal({ clusterToken }, { clusterToken: 'gt_another' })
    await using _ = cluster
    await said(a, 'no link to B')
    await said(a, 'B does not let it in: its cluster-token is not that of this server')
    await said(a, "the server B can't link to this one: its cluster-token is not that of this server")
    await said(b, 'A does not let it in')
    assert.deepEqual(
      [a, b].map(({ local }) => local.server.links.open),
      [
        { to: [], from: [] },
        { to: [], from: [] },
      ],
    )
    for (const { lines } of [a, b]) assert.ok(!/gt_/.test(lines.join('\n')))
  })

  it('nobody without a token where there is one', async () => {
    const { cluster, a, b } = await unequal({ clusterToken }, {})
    await using _ = cluster
    await said(b, 'it has shown no token, and this server has a cluster-token: all need the same one')
    await until('A had linked', () => a.local.server.links.open.to.length === 1)
    assert.deepEqual(b.local.server.links.open.to, [])
  })

  it('nobody where there are rules of access and no token, which is said once', async () => {
    const { cluster, a, b } = await unequal({ access }, {})
    await using _ = cluster
    cluster.tell()
    await said(b, 'A does not let it in: this server has access rules, and no cluster-token')
    const lines = a.lines.filter((line) => line.startsWith('no links to other servers such as B'))
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /give all servers of the cluster the same cluster-token/)
  })

  it('no server with itself', async () => {
    const cluster = new LinkedServers()
    await using _ = cluster
    const a = await cluster.add()
    await cluster.add({}, () => a.address)
    await said(a, 'it is this server itself: set cluster-address of that server to where others reach it')
    assert.deepEqual(a.local.server.links.open.to, [])
  })

  it('each with TLS that checks the other', { skip: missingOpenssl() }, async () => {
    using certificates = new Certificates()
    const authority = certificates.authority('ours')
    const { cert, key } = authority.make('server')
    const tls = { cert, key, ca: authority.own.cert, clients: 'require' as const }
    await using cluster = new LinkedServers()
    const reach = (port: number) => `gearmans://localhost:${port}`
    for (let i = 0; i < 2; i++) await cluster.add({ tls, tlsPort: 'same' }, reach)
    await cluster.linked()
    // One that no authority of theirs vouches for, and that is asked for a certificate of theirs.
    const stranger = certificates.selfSigned('stranger')
    const c = await cluster.add({ tls: { ...stranger, clients: 'none' } }, reach)
    const [a] = cluster.members
    assert.ok(a)
    await said(a, 'no link to C')
    await said(c, 'no link to A')
    assert.ok(
      a.lines.some((line) => line.includes('self-signed certificate')),
      a.lines.join('\n'),
    )
    assert.deepEqual(c.local.server.links.open, { to: [], from: [] })
  })

  it('nobody whose authorities can not be read', async () => {
    await using cluster = new LinkedServers()
    const a = await cluster.add({ clusterTlsCa: '/there/is/none.pem' })
    await cluster.add({}, (port) => `gearmans://127.0.0.1:${port}`)
    await said(a, ': cannot read /there/is/none.pem: no such file or directory')
  })

  it('one with TLS and one without', { skip: missingOpenssl() }, async () => {
    using certificates = new Certificates()
    const authority = certificates.authority('ours')
    const { cert, key } = authority.make('server')
    await using cluster = new LinkedServers()
    await cluster.add({ clusterTlsCa: authority.own.cert })
    await cluster.add({ tls: { cert, key, clients: 'none' } }, (port) => `gearmans://127.0.0.1:${port}`)
    // Its own files say nothing of who vouches for others.
    await cluster.linked()
    await assertForwardsByTls(cluster)
  })
})

describe('what another server says', () => {
  const greeting = { op: 'link', instance: 'i', name: 'N' }

  it('is nothing for strangers, and nothing that breaks a server', async () => {
    await using cluster = await LinkedServers.start(1)
    const [a] = cluster.members
    assert.ok(a)
    const peer = await a.local.connect()
    const ask = async (message: unknown) => {
      peer.send(1000, typeof message === 'string' ? message : JSON.stringify(message))
      const { type, body } = await peer.receive()
      assert.equal(type, 1001)
      const answer: unknown = JSON.parse(body.toString())
      return answer
    }
    const refusedAs = (message: string) => ({ ok: false, error: { code: 'BAD_REQUEST', message } })
    const strangers = 'only another server of the cluster can ask that'
    assert.deepEqual(await ask({ op: 'link job', number: 1 }), refusedAs(strangers))
    assert.deepEqual(await ask({ op: 'link return', handle: 'H:A:1', isLost: true }), refusedAs(strangers))
    assert.deepEqual(await ask({ op: 'link' }), refusedAs(strangers))
    assert.deepEqual(await ask('{"op":"link'), refusedAs(strangers))
    assert.deepEqual(await ask({ ...greeting, name: 'two words' }), refusedAs(strangers))
    assert.deepEqual(await ask({ ...greeting, token: 'gt_some', more: { of: ['a', 'newer', 'version'] } }), {
      ok: true,
      answer: {
        instance: ((await ask(greeting)) as { answer: { instance: string } }).answer.instance,
        name: 'A',
        packetBytesMax: 64 * 1024 * 1024,
      },
    })
    const unknown = refusedAs('this version does not know what that is')
    assert.deepEqual(await ask({ op: 'link dance' }), unknown)
    assert.deepEqual(await ask({ op: 'link job', number: 'x' }), unknown)
    assert.deepEqual(await ask({ op: 'link job', number: 1.5 }), unknown)
    // What it does not have, it can't give back; there is no answer.
    const { handle, client, worker } = await a.local.jobInHand()
    peer.send(1000, JSON.stringify({ op: 'link return', handle, isLost: true }))
    peer.send(1000, JSON.stringify({ op: 'link return', handle: 'nonsense', isLost: false }))
    await peer.expectNothing()
    worker.send(PACKET.WORK_COMPLETE, handle, 'done')
    assert.equal((await client.receive()).data.toString(), 'done')
    await a.local.assertServes()
  })

  it('is how its jobs stand', async () => {
    await using cluster = await LinkedServers.start(2)
    const [a, b] = cluster.members
    assert.ok(a && b)
    const { links } = a.local.server
    const { worker, handle } = await b.local.jobInHand()
    worker.send(PACKET.SET_CLIENT_ID, 'w')
    worker.send(PACKET.WORK_STATUS, handle, '3', '4')
    await worker.sync()
    const number = Number(/\d+$/.exec(handle)?.[0])
    const job = await links.jobOf(cluster.idOf(b), number)
    assert.deepEqual(
      [job?.handle, job?.state, job?.numerator, job?.denominator, job?.worker],
      [handle, 'running', 3, 4, 'w 127.0.0.1'],
    )
    assert.equal(await links.jobOf(cluster.idOf(b), number + 1), undefined)
    assert.equal(await links.jobOf(99, number), undefined)
  })
})

describe('settings', () => {
  const fault = (options: LocalOptions) => {
    try {
      localServer(options)
    } catch (error) {
      assert.ok(error instanceof SettingsError)
      return error.message
    }
    return undefined
  }

  it('one token and not two, and one that can be sent', () => {
    using certificates = new Certificates()
    const file = certificates.file('token', 'gt_in-a-file\n')
    assert.equal(fault({ clusterTokenFile: file }), undefined)
    assert.match(
      fault({ clusterToken, clusterTokenFile: file }) ?? '',
      /^cluster-token and cluster-token-file are both given/,
    )
    assert.match(
      fault({ clusterTokenFile: `${file}s` }) ?? '',
      /^cannot read .*tokens \(cluster-token-file\): no such file/,
    )
    assert.match(fault({ clusterTokenFile: certificates.file('empty', '\n') }) ?? '', /^there is no token in .*empty/)
    const bad = fault({ clusterToken: 'two words' }) ?? ''
    assert.match(bad, /visible ASCII characters without blanks/)
    assert.ok(!bad.includes('words'))
    assert.match(fault({ clusterToken: 'x'.repeat(257) }) ?? '', /more than 256 bytes/)
  })
})
