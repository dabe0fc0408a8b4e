import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { missing, startServer } from '../support/peers.ts'
import { type Authority, Certificates, type KeyPair, missingOpenssl } from '../tls/certificates.ts'
import { php, Theatre } from './program.ts'

/** Where test/peers/build-libgearman-tls.js has put what Debian builds without TLS. */
const peers = join(process.env['GEARTRAIN_PEERS'] ?? join(homedir(), '.cache/geartrain'), 'libgearman-tls')
const gearman = join(peers, 'gearman')

function absent(): string | false {
  if (!existsSync(gearman)) return 'libgearman is not built with TLS: node test/peers/build-libgearman-tls.js'
  return missingOpenssl() ?? missing('php') ?? false
}

describe('libgearman with TLS', { skip: absent() }, () => {
  let files: Certificates
  let authority: Authority
  let server: KeyPair
  let client: KeyPair
  before(() => {
    files = new Certificates()
    authority = files.authority('ours')
    server = authority.make('server')
    client = authority.make('client-17')
  })
  after(() => files[Symbol.dispose]())

  /** What the C library looks at. */
  function environment(pair: KeyPair) {
    return {
      env: {
        LD_LIBRARY_PATH: peers,
        GEARMAND_CA_CERTIFICATE: authority.own.cert,
        GEARMAN_CLIENT_PEM: pair.cert,
        GEARMAN_CLIENT_KEY: pair.key,
      },
    }
  }

  /** A server with a port of each kind: the theatre watches on the one that is not encrypted. */
  async function onStage(clients: string, play: (theatre: Theatre, port: number) => Promise<void>): Promise<void> {
    const tls = ['--tls-cert', server.cert, '--tls-key', server.key, '--tls-port', '0']
    const asked = clients === 'none' ? [] : ['--tls-clients', clients, '--tls-ca', authority.own.cert]
    await using running = await startServer('ours', ['--store', 'memory', ...tls, ...asked])
    await using theatre = new Theatre(running)
    const [, port] = /"tlsPort":(\d+)/.exec(running.log()) ?? []
    assert.ok(port, running.log())
    await play(theatre, Number(port))
  }

  const tool = (port: number, ...args: string[]) => [gearman, '-S', '-h', '127.0.0.1', '-p', String(port), ...args]

  for (const clients of ['none', 'request', 'require']) {
    it(`PHP: a client and a worker, certificates of clients: ${clients}`, async () => {
      await onStage(clients, async (theatre, port) => {
        theatre.start(php('tls_worker.php', port), environment(client))
        await theatre.untilStatus('reverse\t0\t0\t1')
        assert.equal(await theatre.output(php('tls_client.php', port, 'abc', 1), '', environment(client)), 'cba')
        const large = await theatre.output(php('tls_client.php', port, 'abc', 1_000_000), '', environment(client))
        assert.equal(large.length, 3_000_000)
        assert.equal(large.replaceAll('cba', ''), '')
      })
    })

    it(`the tool: a client and a worker, certificates of clients: ${clients}`, async () => {
      await onStage(clients, async (theatre, port) => {
        theatre.start(tool(port, '-w', '-f', 'loud', '--', 'tr', 'a-z', 'A-Z'), environment(client))
        await theatre.untilStatus('loud\t0\t0\t1')
        assert.equal(await theatre.output(tool(port, '-f', 'loud'), 'hello', environment(client)), 'HELLO')
        await theatre.output(tool(port, '-b', '-f', 'loud', 'hello'), '', environment(client))
        await theatre.untilStatus('loud\t0\t0\t1')
      })
    })
  }

  it('one whose certificate nobody vouches for gets nothing', async () => {
    const stranger = files.authority('others').make('client-17')
    await onStage('require', async (theatre, port) => {
      theatre.start(php('tls_worker.php', port), environment(client))
      await theatre.untilStatus('reverse\t0\t0\t1')
      // The C library says so, or aborts the whole program: it takes the end of such a connection for its own fault.
      const { stdout } = await theatre.run(php('tls_client.php', port, 'abc', 1), '', environment(stranger))
      assert.match(stdout, /^(error .*)?$/)
      const { stderr } = await theatre.run(tool(port, '-b', '-f', 'loud', 'hello'), '', environment(stranger))
      assert.notEqual(stderr, '')
      assert.equal(await theatre.ask('status'), 'reverse\t0\t0\t1\n.\n')
    })
  })

  it('one without TLS gets nothing, at once', async () => {
    await onStage('none', async (theatre, port) => {
      const plain = [gearman, '-h', '127.0.0.1', '-p', String(port), '-b', '-f', 'loud', 'hello']
      const { stderr } = await theatre.run(plain, '', { env: { LD_LIBRARY_PATH: peers } })
      assert.match(stderr, /LOST_CONNECTION|lost connection/)
    })
  })
})
