import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { Certificates, missingOpenssl } from '../tls/certificates.ts'

/** Where other servers are told to reach it, with PORT for the port that it listens on. */
async function announced(options: LocalOptions): Promise<string | undefined> {
  await using local = await LocalServer.start({ ...options, port: 0 })
  return local.server.linkAddress?.replace(`:${local.port}`, ':PORT')
}

describe('where other servers reach this one', () => {
  it('is where it listens', async () => {
    assert.equal(await announced({}), '127.0.0.1:PORT')
  })

  it('is the name of the host if it listens everywhere', async () => {
    assert.equal(await announced({ listen: '*', insecure: true }), `${hostname()}:PORT`)
    assert.equal(await announced({ listen: '0.0.0.0', insecure: true }), `${hostname()}:PORT`)
  })

  it('is what was set', async () => {
    assert.equal(await announced({ clusterAddress: 'jobs-1.example:4730' }), 'jobs-1.example:4730')
    assert.equal(await announced({ clusterAddress: '[::1]:4730' }), '[::1]:4730')
    assert.equal(await announced({ clusterAddress: 'gearman://jobs-1.example' }), 'jobs-1.example:4730')
    assert.equal(await announced({ clusterAddress: 'gearmans://10.0.0.1:7' }), 'gearmans://10.0.0.1:7')
  })

  it('says that TLS is spoken there', { skip: missingOpenssl() }, async () => {
    using certificates = new Certificates()
    const tls = { ...certificates.selfSigned('server'), clients: 'none' as const }
    assert.equal(await announced({ tls }), 'gearmans://127.0.0.1:PORT')
    assert.equal(await announced({ tls, tlsPort: 0 }), '127.0.0.1:PORT')
    assert.equal(await announced({ tls, clusterAddress: 'jobs-1.example:4730' }), 'gearmans://jobs-1.example:4730')
    assert.equal(await announced({ tls, clusterAddress: 'gearman://jobs-1.example:4730' }), 'jobs-1.example:4730')
  })
})
