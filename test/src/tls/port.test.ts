import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import tls from 'node:tls'
import { Client, Worker } from '@geartrain/client'
import { type ListeningAddress, type Server, silentLog } from '@geartrain/server'
import { type LocalOptions, localServer } from '../server/local-server.ts'
import { connect, PACKET, RawPeer } from '../support/raw.ts'
import { until } from '../support/until.ts'
import { type Authority, Certificates, type KeyPair, missingOpenssl, read } from './certificates.ts'

/** A server that listens, with the ports of both kinds. */
class Ports implements AsyncDisposable {
  readonly server: Server
  readonly #addresses: readonly ListeningAddress[]

  private constructor(server: Server, addresses: readonly ListeningAddress[]) {
    this.server = server
    this.#addresses = addresses
  }

  static async start(options: LocalOptions): Promise<Ports> {
    const server = localServer(options)
    return new Ports(server, await server.listen())
  }

  get plain(): number {
    return this.#port(false)
  }

  get secure(): number {
    return this.#port(true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close(0)
    assert.equal(this.server.connectionCount, 0)
  }

  #port(isTls: boolean): number {
    const found = this.#addresses.find((address) => (address.isTls === true) === isTls)
    assert.ok(found, `a port ${isTls ? 'with' : 'without'} TLS`)
    return found.port
  }
}

/** All that a server logs, by level. */
function recorder() {
  const lines: { readonly level: string; readonly text: string; readonly facts: object }[] = []
  const write = (level: string) => (facts: object | string, text?: string) => {
    lines.push(typeof facts === 'string' ? { level, text: facts, facts: {} } : { level, text: text ?? '', facts })
  }
  const log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  return { log, lines }
}

describe('the Gearman port with TLS', { skip: missingOpenssl() ?? false }, () => {
  let files: Certificates
  let authority: Authority
  let server: KeyPair
  let ca: string

  before(() => {
    files = new Certificates()
    authority = files.authority('ours')
    server = authority.make('server')
    ca = authority.own.cert
  })
  after(() => files[Symbol.dispose]())

  const own = (more: object = {}) => ({ tls: { ...server, clients: 'none' as const, ...more } })
  const trust = () => ({ ca: read(authority.own).cert })

  async function connectTls(port: number, options: tls.ConnectionOptions = {}): Promise<RawPeer> {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: '', ...trust(), ...options })
    const peer = new RawPeer(socket, 'TLS peer')
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    return peer
  }

  it('a client and a worker do all that they do', async () => {
    await using ports = await Ports.start(own())
    const options = { tls: trust() }
    await using worker = new Worker(`127.0.0.1:${ports.secure}`, { ...options, concurrency: 10 })
    worker.handle('f', async (job) => {
      await job.data('part')
      return job.workload
    })
    await worker.start()
    await using client = await Client.connect(`127.0.0.1:${ports.secure}`, options)
    const large = new Uint8Array(5_000_000).map((_, i) => i % 251)
    const small = Array.from({ length: 500 }, (_, i) => String(i))
    const results = await Promise.all([large, ...small].map((workload) => client.submit('f', workload).result()))
    assert.ok(Buffer.from(results[0] ?? '').equals(large))
    assert.deepEqual(
      results.slice(1).map((result) => Buffer.from(result).toString()),
      small,
    )
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`speaks ${version}`, async () => {
      await using ports = await Ports.start(own())
      const socket = tls.connect({
        port: ports.secure,
        servername: '',
        ...trust(),
        minVersion: version,
        maxVersion: version,
      })
      await once(socket, 'secureConnect')
      assert.equal(socket.getProtocol(), version)
      socket.destroy()
    })
  }

  it('speaks nothing older', async () => {
    await using ports = await Ports.start(own())
    await assert.rejects(
      // OpenSSL's own floor would keep the client from asking for it.
      connectTls(ports.secure, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      /protocol version/,
    )
  })

  it('answers a peer that has said its last, and takes it for gone then', async () => {
    await using ports = await Ports.start(own())
    const socket = tls.connect({ port: ports.secure, servername: '', ...trust() })
    await once(socket, 'secureConnect')
    const ended = once(socket, 'end')
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
    })
    socket.end('maxqueue\nversion\n')
    await ended
    assert.match(answer, /^ERR.*\r\nOK .*\n$/)
    socket.destroy()
    await until('the connection was gone', () => ports.server.connectionCount === 0)
  })

  it('closes at once what does not speak TLS, and says so in the log at debug only', async () => {
    const { log, lines } = recorder()
    await using ports = await Ports.start({ ...own(), log })
    for (const bytes of [
      'status\n',
      '\0REQ\0\0\0\u0010\0\0\0\0',
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'X'.repeat(10_000),
    ]) {
      await using peer = await connect(ports.secure)
      peer.sendBytes(bytes)
      await until('it was closed', () => peer.isClosed)
      // An alert of TLS, if anything.
      assert.ok(peer.pending.length <= 7, `${peer.pending.length} bytes`)
    }
    assert.deepEqual(
      lines.map(({ level, text }) => `${level} ${text}`),
      Array.from({ length: 4 }, () => 'debug no handshake by TLS'),
    )
    const good = await connectTls(ports.secure)
    await good.sync()
    await good.close()
  })

  it('closes at once a client of TLS where none is spoken', async () => {
    const { log, lines } = recorder()
    await using ports = await Ports.start({ log })
    await assert.rejects(connectTls(ports.plain), /disconnected before secure TLS connection/)
    assert.deepEqual(
      lines.map(({ level, text }) => `${level} ${text}`),
      ['debug TLS where none is spoken'],
    )
    const peer = await connect(ports.plain)
    await peer.sync()
    await peer.close()
  })

  it('a text command that is no TLS may begin with any letter', async () => {
    await using ports = await Ports.start({})
    const peer = await connect(ports.plain)
    peer.sendLine('\u0017\n')
    assert.match(await peer.receiveText('\n'), /^ERR/)
    // Only what comes first can be a handshake.
    peer.sendLine('\u0016\n')
    assert.match(await peer.receiveText('\n'), /^ERR/)
    await peer.close()
  })

  it('a browser, whose page would have text commands in its requests, is not let in', async () => {
    await using ports = await Ports.start(own())
    await assert.rejects(connectTls(ports.secure, { ALPNProtocols: ['h2', 'http/1.1'] }), /no application protocol/)
    const knowing = await connectTls(ports.secure, { ALPNProtocols: ['gearman'] })
    await knowing.sync()
    await knowing.close()
  })

  it('both ports at a time: jobs go from one to the other', async () => {
    await using ports = await Ports.start({ ...own(), tlsPort: 0 })
    const worker = await connectTls(ports.secure)
    worker.send(PACKET.CAN_DO, 'f')
    worker.send(PACKET.GRAB_JOB)
    await worker.receive('NO_JOB')
    const client = await connect(ports.plain)
    client.send(PACKET.SUBMIT_JOB, 'f', '', 'x')
    const handle = (await client.receive()).body.toString()
    worker.send(PACKET.GRAB_JOB)
    assert.equal((await worker.receive('JOB_ASSIGN')).data.toString(), 'x')
    worker.send(PACKET.WORK_COMPLETE, handle, 'y')
    assert.equal((await client.receive('WORK_COMPLETE')).data.toString(), 'y')
    await client.close()
    await worker.close()
  })

  it('the Gearman port goes without where TLS is for HTTP only', async () => {
    await using ports = await Ports.start({ ...own(), tlsPort: 'off' })
    const peer = await connect(ports.plain)
    await peer.sync()
    await peer.close()
    assert.throws(() => ports.secure)
  })

  it('a thousand handshakes that stand still stop nobody', async () => {
    await using ports = await Ports.start(own())
    const sockets = Array.from({ length: 1000 }, () => net.connect({ host: '127.0.0.1', port: ports.secure }))
    // Half of them say nothing, half as much as gearmand waits for in a loop.
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    for (const socket of sockets.slice(500)) socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]))
    const good = await connectTls(ports.secure)
    await good.sync()
    good.sendLine('version')
    assert.match(await good.receiveText('\n'), /^OK /)
    assert.equal(ports.server.connectionCount, 1)
    await good.close()
    // And the server can be stopped with all of them there.
    await ports.server.close(0)
    for (const socket of sockets) socket.destroy()
  })

  it('a handshake has its time, however slowly it goes on', async () => {
    const { log, lines } = recorder()
    await using ports = await Ports.start({ ...own(), log, limits: { tlsHandshakeTimeoutMs: 300 } })
    const silent = net.connect({ host: '127.0.0.1', port: ports.secure })
    const slow = net.connect({ host: '127.0.0.1', port: ports.secure })
    for (const socket of [silent, slow]) socket.on('error', () => {})
    const hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]
    const drip = setInterval(() => {
      const byte = hello.shift()
      if (byte !== undefined && slow.writable) slow.write(Buffer.from([byte]))
    }, 60)
    await Promise.all([once(silent.resume(), 'close'), once(slow.resume(), 'close')])
    clearInterval(drip)
    assert.ok(hello.length > 0, 'it was closed with the handshake under way')
    assert.deepEqual(
      lines.map(({ level, text }) => `${level} ${text}`),
      Array.from({ length: 2 }, () => 'debug no handshake by TLS'),
    )
    // One whose handshake is done has no such limit.
    const good = await connectTls(ports.secure)
    await good.sync()
    await good.close()
  })

  it('handshakes count as connections, and give their place back', async () => {
    await using ports = await Ports.start({ ...own(), tlsPort: 0, limits: { connectionsMax: 3 } })
    const good = await connectTls(ports.secure)
    await good.sync()
    const idle = [await connect(ports.secure, 'idle'), await connect(ports.secure, 'idle')]
    await using late = await connect(ports.secure, 'late')
    await late.expectClosed()
    await using plain = await connect(ports.plain, 'plain')
    assert.match((await plain.receive()).body.toString(), /^TOO_MANY_CONNECTIONS/)
    for (const peer of idle) peer.destroy()
    for (;;) {
      const next = await connect(ports.plain)
      next.send(PACKET.ECHO_REQ, 'x')
      const { name } = await next.receive()
      next.destroy()
      if (name === 'ECHO_RES') break
    }
    await good.sync()
    await good.close()
  })

  it('new files are for new connections; those that are there stay', async () => {
    const cert = files.file('changing.pem', read(server).cert)
    const key = files.file('changing.key', read(server).key)
    const other = files.authority('later')
    const later = other.make('server')
    await using ports = await Ports.start(own({ cert, key }))
    const before = await connectTls(ports.secure)
    await before.sync()
    files.file('changing.pem', read(later).cert)
    assert.throws(() => ports.server.reloadTls(), /the key in .*changing\.key .* does not belong to the certificate/)
    const between = await connectTls(ports.secure)
    await between.sync()
    files.file('changing.key', read(later).key)
    assert.equal(ports.server.reloadTls(), true)
    await assert.rejects(connectTls(ports.secure), /unable to verify|self-signed|local issuer/)
    const later1 = await connectTls(ports.secure, { ca: read(other.own).cert })
    for (const peer of [before, between, later1]) {
      await peer.sync()
      await peer.close()
    }
  })

  it('there is nothing to read again without TLS', async () => {
    await using ports = await Ports.start({})
    assert.equal(ports.server.reloadTls(), false)
  })

  describe('certificates of clients', () => {
    let shown: Readonly<Record<string, KeyPair | undefined>>
    let crl: string

    before(() => {
      const others = files.authority('others')
      shown = {
        none: undefined,
        good: authority.make('client-17'),
        expired: authority.make('client-old', { isExpired: true }),
        revoked: authority.make('client-bad', { isRevoked: true }),
        'of another authority': others.make('client-17'),
        'self-signed': files.selfSigned('client-17'),
      }
      crl = authority.revocations()
    })

    /** Whether it gets in and may do anything; what the log says of it. */
    async function tryWith(clients: 'none' | 'request' | 'require', pair: KeyPair | undefined, hasCrl: boolean) {
      const { log, lines } = recorder()
      await using ports = await Ports.start({
        ...own(clients === 'none' ? {} : { clients, ca, ...(hasCrl ? { crl } : {}) }),
        access: { known: { certificate: 'client-*', roles: 'submit' }, others: { roles: 'work' } },
        log,
      })
      let outcome = 'refused'
      try {
        const peer = await connectTls(ports.secure, pair === undefined ? {} : read(pair))
        peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', '')
        outcome = (await peer.receive()).name === 'JOB_CREATED' ? 'known' : 'let in'
        peer.destroy()
      } catch {}
      const problems = lines.flatMap(({ level, facts }) =>
        level === 'warn' && 'problem' in facts && 'address' in facts
          ? [`${String(facts.address)} ${String(facts.problem)}`]
          : [],
      )
      return { outcome, problems }
    }

    const table: readonly [kind: string, none: string, request: string, require: string, problem?: string][] = [
      ['none', 'let in', 'let in', 'refused'],
      ['good', 'let in', 'known', 'known'],
      ['expired', 'let in', 'let in', 'refused', 'CERT_HAS_EXPIRED'],
      ['revoked', 'let in', 'let in', 'refused', 'CERT_REVOKED'],
      ['of another authority', 'let in', 'let in', 'refused', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ['self-signed', 'let in', 'let in', 'refused', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ]
    for (const [kind, none, request, require, problem] of table) {
      it(kind, async () => {
        const pair = shown[kind]
        // With one, an authority that gives none is as bad as one that nobody knows.
        const hasCrl = kind === 'good' || kind === 'revoked'
        const outcomes = [await tryWith('none', pair, hasCrl), await tryWith('request', pair, hasCrl)]
        const required = await tryWith('require', pair, hasCrl)
        assert.deepEqual(
          [...outcomes, required].map(({ outcome }) => outcome),
          [none, request, require],
        )
        assert.deepEqual(required.problems, problem === undefined ? [] : [`127.0.0.1 ${problem}`])
        // Only one that must be shown is worth a line.
        assert.deepEqual(
          outcomes.flatMap(({ problems }) => problems),
          [],
        )
      })
    }

    it('without a list of them, a revoked one is as good as any', async () => {
      assert.equal((await tryWith('require', shown['revoked'], false)).outcome, 'known')
    })

    it('a session that is taken up again has the certificate it began with', async () => {
      await using ports = await Ports.start({
        ...own({ clients: 'require', ca }),
        access: { known: { certificate: 'client-17', roles: 'submit' } },
      })
      const pair = shown['good']
      assert.ok(pair)
      const options = { port: ports.secure, servername: '', ...trust(), ...read(pair) }
      const first = tls.connect(options)
      first.resume()
      const [session] = (await once(first, 'session')) as [Buffer]
      first.destroy()
      const again = tls.connect({ ...options, session })
      const peer = new RawPeer(again, 'again')
      await once(again, 'secureConnect')
      assert.equal(again.isSessionReused(), true)
      peer.send(PACKET.SUBMIT_JOB_BG, 'f', '', '')
      assert.equal((await peer.receive()).name, 'JOB_CREATED')
      await peer.close()
    })

    it('our client says what may be the matter', async () => {
      await using ports = await Ports.start({ ...own({ clients: 'require', ca }), log: silentLog })
      const address = `127.0.0.1:${ports.secure}`
      await assert.rejects(Client.connect(address), /does it want TLS\?|ECONNRESET|lost/)
      await assert.rejects(Client.connect(address, { tls: trust() }), /certificate required/)
      const stranger = shown['self-signed']
      assert.ok(stranger)
      await assert.rejects(
        Client.connect(address, { tls: { ...trust(), ...read(stranger) } }),
        /know the certificate of this client|ECONNRESET/,
      )
    })
  })

  describe('what our client makes of the server', () => {
    const cases: readonly [what: string, pair: () => KeyPair, expected: RegExp][] = [
      [
        'of another authority',
        () => files.authority('strangers').make('server'),
        /unable to verify the first certificate/,
      ],
      ['expired', () => authority.make('late', { isExpired: true }), /certificate has expired/],
      ['self-signed', () => files.selfSigned('alone'), /self-signed certificate/],
      ['of another name', () => authority.make('elsewhere', { names: 'DNS:elsewhere.example' }), /127\.0\.0\.1/],
    ]
    for (const [what, pair, expected] of cases) {
      it(what, async () => {
        await using ports = await Ports.start(own(pair()))
        await assert.rejects(Client.connect(`127.0.0.1:${ports.secure}`, { tls: trust() }), expected)
      })
    }
  })
})
