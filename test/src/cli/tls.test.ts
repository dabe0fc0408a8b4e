import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Authority, Certificates, type KeyPair, missingOpenssl, read } from '../tls/certificates.ts'
import { geartrain, startCommand } from './command.ts'

describe('commands with TLS', { skip: missingOpenssl() ?? false }, () => {
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

  const basics = ['serve', '--port', '0', '--http', 'off', '--store', 'memory']

  /** What the commands that connect look at. */
  function trust(pair?: KeyPair): Readonly<Record<string, string>> {
    const own = pair === undefined ? {} : { GEARMAN_CLIENT_PEM: pair.cert, GEARMAN_CLIENT_KEY: pair.key }
    return { GEARMAND_CA_CERTIFICATE: authority.own.cert, ...own }
  }

  function mutual(): readonly string[] {
    return [
      '--tls-cert',
      server.cert,
      '--tls-key',
      server.key,
      '--tls-clients',
      'require',
      '--tls-ca',
      authority.own.cert,
    ]
  }

  it('serve says where TLS is spoken', async () => {
    const tls = ['--tls-cert', server.cert, '--tls-key', server.key]
    await using same = await startCommand([...basics, ...tls])
    assert.match(same.readyLine, /ready on 127\.0\.0\.1:\d+ \(TLS\), store memory/)
    await using both = await startCommand([...basics, ...tls, '--tls-port', '0', '--http', '0', '--http-tls'])
    assert.match(both.readyLine, /ready on 127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+ \(TLS\), HTTP on 127\.0\.0\.1:\d+/)
    await using off = await startCommand([...basics, ...tls, '--tls-port', 'off'])
    assert.doesNotMatch(off.readyLine, /TLS/)
  })

  it('serve takes its files from the configuration file and the environment', async () => {
    const config = files.file('geartrain.toml', `tls-cert = "${server.cert}"\ntls-port = "same"\n`)
    const env = { GEARTRAIN_TLS_KEY: server.key }
    await using started = await startCommand([...basics, '--config', config], { env })
    assert.match(started.readyLine, /\(TLS\)/)
  })

  const refusals: readonly [what: string, args: () => readonly string[], code: number, sentence: RegExp][] = [
    ['a key is missing', () => ['--tls-cert', server.cert], 1, /serve: tls-key is missing/],
    [
      'a file is missing',
      () => ['--tls-cert', '/nowhere', '--tls-key', server.key],
      1,
      /cannot read \/nowhere \(tls-cert\): no such file/,
    ],
    ['clients without authorities', () => ['--tls-clients', 'require'], 1, /tls-cert is missing|takes tls-ca/],
    [
      'no such way with clients',
      () => ['--tls-clients', 'perhaps'],
      2,
      /--tls-clients must be "none", "request" or "require"/,
    ],
    [
      'no such port',
      () => ['--tls-port', 'here'],
      2,
      /--tls-port must be a whole number from 0 to 65535, "same" or "off"/,
    ],
    ['a port without a certificate', () => ['--tls-port', '4740'], 1, /tls-port takes a certificate and its key/],
  ]
  for (const [what, args, code, sentence] of refusals) {
    it(`serve does not start: ${what}`, async () => {
      const ended = await geartrain([...basics, ...args()])
      assert.equal(ended.code, code, ended.stderr)
      assert.match(ended.stderr, sentence)
    })
  }

  it('the port for TLS is taken', async () => {
    await using first = await startCommand(basics)
    const ended = await geartrain([...basics, ...mutual(), '--tls-port', String(first.port)])
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, /port \d+ on 127\.0\.0\.1 is in use: .* choose another port with --tls-port/)
  })

  it('SIGHUP reads the files again, and what is wrong with them is logged', async () => {
    const cert = files.file('changing.pem', read(server).cert)
    const key = files.file('changing.key', read(server).key)
    await using started = await startCommand([...basics, '--tls-cert', cert, '--tls-key', key])
    const { command, port } = started
    const ask = (ca: string) =>
      geartrain(['status', '--tls', '--servers', `127.0.0.1:${port}`], { env: { GEARMAND_CA_CERTIFICATE: ca } })
    assert.equal((await ask(authority.own.cert)).code, 0)
    files.file('changing.key', 'rubbish')
    command.kill('SIGHUP')
    await command.line(/SIGHUP: going on with TLS as it was: there is no private key in PEM in .*changing\.key/)
    assert.equal((await ask(authority.own.cert)).code, 0)
    const other = files.authority('later')
    const later = other.make('server')
    files.file('changing.pem', read(later).cert)
    files.file('changing.key', read(later).key)
    command.kill('SIGHUP')
    await command.line(/SIGHUP: the files of TLS have been read again/)
    assert.equal((await ask(other.own.cert)).code, 0)
    const old = await ask(authority.own.cert)
    assert.equal(old.code, 4)
    assert.match(old.stderr, /unable to verify/)
  })

  it('gearmand has its flags for it, and its variables', async () => {
    const gearmand = [
      'gearmand',
      '-p',
      '0',
      '-L',
      '127.0.0.1',
      '-l',
      'stderr',
      '--verbose',
      'INFO',
      '-P',
      `${files.directory}/pid`,
    ]
    const flags = ['--ssl', '--ssl-certificate', server.cert, '--ssl-key', server.key]
    await using byFlags = await startCommand([...gearmand, ...flags])
    assert.match(byFlags.readyLine, /\(TLS\)/)
    const env = {
      GEARMAND_SERVER_PEM: server.cert,
      GEARMAND_SERVER_KEY: server.key,
      GEARMAND_CA_CERTIFICATE: authority.own.cert,
    }
    const asking = { ...env, GEARTRAIN_TLS_CLIENTS: 'require' }
    await using byVariables = await startCommand([...gearmand, '--ssl', '--ssl-key', '/nowhere'], { env: asking })
    const servers = `127.0.0.1:${byVariables.port}`
    const stranger = await geartrain(['status', '--tls', '--servers', servers], { env: trust() })
    assert.match(stranger.stderr, /is lost: tlsv13 alert certificate required: see what .* GEARMAN_CLIENT_PEM/)
    assert.equal((await geartrain(['status', '--tls', '--servers', servers], { env: trust(client) })).code, 0)
    await using without = await startCommand([...gearmand, '--ssl-key', server.key])
    assert.doesNotMatch(without.readyLine, /TLS/)
    assert.match(without.command.stderr, /--ssl-key has no effect: it belongs to --ssl/)
  })

  it('our gearman and gearadmin speak it with -S', async () => {
    await using started = await startCommand([...basics, ...mutual()])
    const at = ['-h', '127.0.0.1', '-p', String(started.port)]
    const env = trust(client)
    const submitted = await geartrain(['gearman', '-S', ...at, '-b', '-f', 'f', 'x'], { env })
    assert.deepEqual([submitted.code, submitted.stderr], [0, ''])
    const status = await geartrain(['gearadmin', '-S', ...at, '--status'], { env })
    assert.deepEqual([status.code, status.stdout], [0, 'f\t1\t0\t0\n.\n'])
    const done = await geartrain(['gearman', '-S', ...at, '-w', '-c', '1', '-f', 'f', '--', 'cat'], { env })
    assert.equal(done.code, 0, done.stderr)
    for (const args of [
      ['gearman', ...at, '-b', '-f', 'f', 'x'],
      ['gearadmin', '-S', ...at, '--status'],
    ]) {
      const refused = await geartrain(args, { env: trust() })
      assert.notEqual(refused.code, 0)
      assert.equal(refused.stdout, '')
    }
  })

  it('our own commands speak it with --tls', async () => {
    await using started = await startCommand([...basics, ...mutual()])
    const servers = ['--tls', '--servers', `127.0.0.1:${started.port}`]
    const env = trust(client)
    const submitted = await geartrain(['do', 'f', 'x', '--background', ...servers], { env })
    assert.equal(submitted.code, 0, submitted.stderr)
    for (const args of [['status'], ['workers'], ['function', 'list'], ['jobs'], ['top', '--once', '--json']]) {
      const { code, stderr } = await geartrain([...args, ...servers], { env })
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    }
    const worked = await geartrain(['work', 'f', '--max-jobs', '1', ...servers, '--', process.execPath, '--version'], {
      env,
    })
    assert.equal(worked.code, 0, worked.stderr)
    const missing = await geartrain(['status', ...servers], { env: { GEARMAND_CA_CERTIFICATE: '/nowhere' } })
    assert.match(missing.stderr, /cannot read \/nowhere, which is GEARMAND_CA_CERTIFICATE: no such file or directory/)
    const unknown = await geartrain(['status', ...servers], {
      env: { GEARMAN_CLIENT_PEM: client.cert, GEARMAN_CLIENT_KEY: client.key },
    })
    assert.match(unknown.stderr, /self-signed certificate in certificate chain: .* GEARMAND_CA_CERTIFICATE/)
  })
})
