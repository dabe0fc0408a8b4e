import assert from 'node:assert/strict'
import { once } from 'node:events'
import https from 'node:https'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { Server } from '@geartrain/server'
import { type LocalOptions, localServer } from '../server/local-server.ts'
import { type Authority, Certificates, type KeyPair, missingOpenssl, read } from './certificates.ts'

describe('HTTPS', { skip: missingOpenssl() ?? false }, () => {
  let files: Certificates
  let authority: Authority
  let pair: KeyPair
  before(() => {
    files = new Certificates()
    authority = files.authority('ours')
    pair = authority.make('server')
  })
  after(() => files[Symbol.dispose]())

  async function start(options: LocalOptions = {}): Promise<Server> {
    const tls = { ...pair, clients: 'none' } as const
    const server = localServer({ http: '127.0.0.1:0', httpTls: true, tls, ...options })
    await server.listen()
    return server
  }

  function portOf({ httpAddress }: Server): number {
    assert.ok(httpAddress)
    return httpAddress.port
  }

  /** Status and body. */
  function get(server: Server, path: string, options: https.RequestOptions = {}): Promise<[number, string]> {
    return new Promise((resolve, reject) => {
      const trust = { ca: read(authority.own).cert, agent: false }
      const request = https.get({ host: '127.0.0.1', port: portOf(server), path, ...trust, ...options }, (response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        response.on('end', () => resolve([response.statusCode ?? 0, body]))
      })
      request.on('error', reject)
    })
  }

  it('answers those who trust the authority, and only by TLS', async () => {
    await using server = await start()
    const [status, body] = await get(server, '/api/nothing')
    assert.equal(status, 404)
    assert.match(body, /NOT_FOUND/)
    await assert.rejects(get(server, '/api/nothing', { ca: [] }), /unable to verify/)
    await assert.rejects(fetch(`http://127.0.0.1:${portOf(server)}/api/nothing`))
  })

  it('the Gearman port may go without', async () => {
    await using server = await start({ tlsPort: 'off' })
    assert.equal((await get(server, '/api/nothing'))[0], 404)
  })

  it('closes what is no TLS, and a handshake that stands still', async () => {
    const { defaultLimits } = await import('@geartrain/server')
    await using server = await start({ limits: { ...defaultLimits, tlsHandshakeTimeoutMs: 300 } })
    for (const bytes of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', '', '\u0016\u0003\u0001']) {
      const socket = net.connect({ host: '127.0.0.1', port: portOf(server) })
      socket.on('error', () => {})
      socket.resume()
      socket.write(bytes, 'latin1')
      await once(socket, 'close')
    }
    assert.equal((await get(server, '/api/nothing'))[0], 404)
  })

  it('a client shows its certificate, and is known by it', async () => {
    const client = read(authority.make('client-17'))
    const stranger = read(files.authority('others').make('client-17'))
    const tls = { ...pair, ca: authority.own.cert }
    const access = { known: { certificate: 'client-17', roles: 'view' }, all: { roles: 'submit' } } as const
    const asked = { access, tls: { ...tls, clients: 'request' } } as const
    const listed = '/metrics'
    {
      await using server = await start(asked)
      assert.equal((await get(server, listed, client))[0], 200)
      assert.notEqual((await get(server, listed, stranger))[0], 200)
      assert.notEqual((await get(server, listed))[0], 200)
    }
    await using server = await start({ ...asked, tls: { ...tls, clients: 'require' } })
    assert.equal((await get(server, listed, client))[0], 200)
    await assert.rejects(get(server, listed, stranger), /ECONNRESET|hang up|disconnected/)
    await assert.rejects(get(server, listed), /certificate required/)
  })

  it('new files are for new connections', async () => {
    const cert = files.file('changing.pem', read(pair).cert)
    const key = files.file('changing.key', read(pair).key)
    await using server = await start({ tls: { cert, key, clients: 'none' } })
    assert.equal((await get(server, '/api/nothing'))[0], 404)
    const later = files.authority('later')
    const next = read(later.make('server'))
    files.file('changing.pem', next.cert)
    files.file('changing.key', next.key)
    server.reloadTls()
    await assert.rejects(get(server, '/api/nothing'), /unable to verify/)
    assert.equal((await get(server, '/api/nothing', { ca: read(later.own).cert }))[0], 404)
  })
})
