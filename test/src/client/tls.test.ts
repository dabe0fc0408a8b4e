import assert from 'node:assert/strict'
import type tls from 'node:tls'
import { Admin, Client, ConnectError, ConnectionLostError } from '@geartrain/client'
import { missingOpenssl } from '../tls/certificates.ts'
import { Door } from './servers-door.ts'
import { signal } from './signal.ts'
import { onServers, type SiteTest } from './site.ts'
import { type Certificates, makeCertificates } from './tls-certificates.ts'

const skip = missingOpenssl()
let made: Certificates | undefined

/** A test that has certificates, or skips aloud. */
function withCertificates(run: (...args: [...Parameters<SiteTest>, Certificates]) => Promise<void>): SiteTest {
  return async (site, t) => {
    if (skip !== undefined) {
      t.skip(skip)
      return
    }
    made ??= makeCertificates()
    await run(site, t, made)
  }
}

function isConnectError(message: RegExp, code?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof ConnectError, String(error))
    assert.match(error.message, /^no server could be reached: 127\.0\.0\.1:\d+ \(/)
    assert.match(error.message, message)
    if (code !== undefined) {
      assert.ok(error.cause instanceof Error && 'code' in error.cause, String(error.cause))
      assert.equal(error.cause.code, code)
    }
    return true
  }
}

onServers('TLS', (test) => {
  const trusting = ({ server }: Certificates) => ({ tls: { ca: server.cert } })

  test(
    'the text commands',
    withCertificates(async (site, _t, certificates) => {
      await using door = await Door.to(site.server.port, { tls: certificates.server })
      await using admin = await Admin.connect(door.address, trusting(certificates))
      assert.match(await admin.version(), /^\d/)
    }),
  )

  test(
    'all that a client does, with the certificate known',
    withCertificates(async (site, _t, certificates) => {
      await using door = await Door.to(site.server.port, { tls: certificates.server })
      const f = site.functionName()
      await site
        .worker({ concurrency: 10 })
        .handle(f, async (job) => {
          await job.data('part')
          return job.workload
        })
        .start()
      const client = await site.client(trusting(certificates), door.address)
      const large = new Uint8Array(3_000_000).map((_, i) => i % 251)
      const jobs = [client.submit(f, large), ...Array.from({ length: 500 }, (_, i) => client.submit(f, String(i)))]
      const results = await Promise.all(jobs.map((job) => job.result()))
      assert.ok(Buffer.from(results[0] ?? '').equals(large))
      assert.deepEqual(
        results.slice(1).map((result) => Buffer.from(result).toString()),
        Array.from({ length: 500 }, (_, i) => String(i)),
      )
      assert.match(await client.submitBackground(f, ''), /^H:/)
      assert.equal((await client.status('H:x:1')).isKnown, false)
      assert.equal(door.connections, 1)
    }),
  )

  test(
    'a worker',
    withCertificates(async (site, _t, certificates) => {
      await using door = await Door.to(site.server.port, { tls: certificates.server })
      const f = site.functionName()
      await site
        .worker(trusting(certificates), door.address)
        .handle(f, (job) => job.text())
        .start()
      assert.equal(await (await site.client()).submit(f, 'x').text(), 'x')
    }),
  )

  test(
    'a certificate that nobody vouches for, and tls: true',
    withCertificates(async (site, _t, certificates) => {
      await using door = await Door.to(site.server.port, { tls: certificates.server })
      for (const tls of [true, {}]) {
        await assert.rejects(
          Client.connect(door.address, { tls }),
          isConnectError(/self-signed certificate/, 'DEPTH_ZERO_SELF_SIGNED_CERT'),
        )
      }
      // The same as a job that nobody can take.
      const client = site.keep(new Client(door.address, { tls: true }))
      await assert.rejects(client.submit('f', '').result(), isConnectError(/self-signed certificate/))
      const careless = await site.client({ tls: { rejectUnauthorized: false } }, door.address)
      assert.equal(Buffer.from(await careless.echo('x')).toString(), 'x')
    }),
  )

  test(
    'a certificate of another name, unless that name is asked for',
    withCertificates(async (site, _t, { elsewhere }) => {
      await using door = await Door.to(site.server.port, { tls: elsewhere })
      await assert.rejects(
        Client.connect(door.address, { tls: { ca: elsewhere.cert } }),
        isConnectError(/127\.0\.0\.1/, 'ERR_TLS_CERT_ALTNAME_INVALID'),
      )
      const byHost = door.address.replace('127.0.0.1', 'localhost')
      await assert.rejects(Client.connect(byHost, { tls: { ca: elsewhere.cert } }), /localhost.*altnames/)
      const servername = 'elsewhere.example'
      const client = await site.client({ tls: { ca: elsewhere.cert, servername } }, door.address)
      assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
    }),
  )

  test(
    'the name of the host is what is asked for',
    withCertificates(async (site, _t, certificates) => {
      const asked = signal<string | undefined>()
      await using door = await Door.to(site.server.port, {
        tls: {
          ...certificates.server,
          SNICallback: (name, done) => {
            asked.give(name)
            done(null)
          },
        },
      })
      await site.client(trusting(certificates), door.address.replace('127.0.0.1', 'localhost'))
      assert.equal(await asked.given, 'localhost')
    }),
  )

  test(
    "the client's own certificate is shown; without it the server does not let it in",
    withCertificates(async (site, _t, certificates) => {
      const seen = signal<unknown>()
      await using door = await Door.to(site.server.port, {
        tls: { ...certificates.server, ca: certificates.client.cert, requestCert: true, rejectUnauthorized: true },
        onSecure: (socket: tls.TLSSocket) => seen.give(socket.getPeerCertificate().subject.CN),
      })
      await assert.rejects(
        Client.connect(door.address, trusting(certificates)),
        isConnectError(/certificate|closed|ECONNRESET|lost/i),
      )
      const client = await site.client({ tls: { ca: certificates.server.cert, ...certificates.client } }, door.address)
      assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
      assert.equal(await seen.given, 'client-17')
    }),
  )

  test(
    'a client without TLS, where TLS is spoken',
    withCertificates(async (site, _t, certificates) => {
      await using door = await Door.to(site.server.port, { tls: certificates.server })
      await assert.rejects(
        Client.connect(door.address),
        isConnectError(/closed the connection|lost|not the Gearman protocol/),
      )
    }),
  )

  test(
    'a client with TLS, where none is spoken',
    withCertificates(async (site) => {
      await assert.rejects(
        Client.connect(site.address, { tls: { rejectUnauthorized: false }, connectTimeoutMs: 1000 }),
        isConnectError(/./),
      )
    }),
  )

  test(
    'a connection that is lost comes back as it was, and brings its jobs',
    withCertificates(async (site, _t, certificates) => {
      await using door = await Door.to(site.server.port, { tls: certificates.server })
      const f = site.functionName()
      const client = await site.client({ ...trusting(certificates), reconnect: { minMs: 1, maxMs: 5 } }, door.address)
      const job = client.submit(f, 'x')
      await job.created()
      await door.shut()
      await assert.rejects(
        client.echo(''),
        (error) => error instanceof ConnectionLostError || error instanceof ConnectError,
      )
      await door.open()
      await site
        .worker({ concurrency: 2 })
        .handle(f, () => 'done')
        .start()
      assert.equal(await job.text(), 'done')
    }),
  )

  test(
    'a server of the list whose certificate is refused is passed over',
    withCertificates(async (site, _t, certificates) => {
      await using bad = await Door.to(site.server.port, { tls: certificates.elsewhere })
      await using good = await Door.to(site.server.port, { tls: certificates.server })
      const client = await site.client(trusting(certificates), `${bad.address},${good.address}`)
      assert.equal(Buffer.from(await client.echo('x')).toString(), 'x')
      assert.equal(good.connections, 1)
    }),
  )
})
