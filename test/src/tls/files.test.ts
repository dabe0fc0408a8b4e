import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { TlsError, type TlsFiles } from '@geartrain/server'
import { type LocalOptions, localServer } from '../server/local-server.ts'
import { type Authority, Certificates, type KeyPair, missingOpenssl } from './certificates.ts'

describe('the files of TLS', { skip: missingOpenssl() ?? false }, () => {
  let files: Certificates
  let authority: Authority
  let good: KeyPair
  before(() => {
    files = new Certificates()
    authority = files.authority('ours')
    good = authority.make('server')
  })
  after(() => files[Symbol.dispose]())

  /** What the log is told when the server starts. */
  async function notesOf(options: LocalOptions): Promise<string[]> {
    const notes: string[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (note: unknown) => void notes.push(String(note)) }
    const server = localServer({ ...options, log })
    await server.listen()
    await server.close(0)
    return notes
  }

  const refusals: readonly [what: string, tls: () => Partial<TlsFiles>, sentence: RegExp][] = [
    ['no key', () => ({ key: '' }), /^tls-key is missing: TLS takes a certificate and its key, as files in PEM$/],
    ['no certificate', () => ({ cert: '' }), /^tls-cert is missing: /],
    [
      'no such file',
      () => ({ cert: '/nowhere/c.pem' }),
      /^cannot read \/nowhere\/c\.pem \(tls-cert\): no such file or directory$/,
    ],
    ['no file', () => ({ key: files.directory }), /^cannot read .* \(tls-key\): it is a directory$/],
    ['no such authority', () => ({ ca: '/nowhere/ca.pem' }), /^cannot read \/nowhere\/ca\.pem \(tls-ca\)/],
    ['no such list', () => ({ crl: '/nowhere/crl.pem' }), /^cannot read \/nowhere\/crl\.pem \(tls-crl\)/],
    [
      'rubbish',
      () => ({ cert: files.file('rubbish', 'x') }),
      /^there is no certificate in PEM in .*rubbish \(tls-cert\)$/,
    ],
    ['nothing', () => ({ cert: files.file('empty', '') }), /^there is no certificate in PEM in .*empty \(tls-cert\)$/],
    [
      'a certificate that is none',
      () => ({ cert: files.file('torn', '-----BEGIN CERTIFICATE-----\nAAAA\n') }),
      /^there is no certificate in PEM in .*torn/,
    ],
    [
      'the files the wrong way round',
      () => ({ cert: good.key, key: good.cert }),
      /^there is no certificate in PEM in /,
    ],
    ['a key that is none', () => ({ key: good.cert }), /^there is no private key in PEM in .* \(tls-key\)$/],
    [
      'the binary form',
      () => ({ cert: files.file('der', derOf(good.cert)) }),
      /^there is no certificate in PEM in .*der/,
    ],
    [
      'a key of another certificate',
      () => ({ key: authority.make('other').key }),
      /^the key in .*other\.key \(tls-key\) does not belong to the certificate in .*server\.pem \(tls-cert\)$/,
    ],
    [
      'a passphrase',
      () => ({ key: encrypted(good.key) }),
      /^the key in .* \(tls-key\) has a passphrase, which nobody can type/,
    ],
    [
      'authorities that are none',
      () => ({ ca: files.file('ca', 'x') }),
      /^there is no certificate in PEM in .*ca \(tls-ca\)$/,
    ],
    [
      'a list that is none',
      () => ({ crl: files.file('crl', 'x') }),
      /^TLS can't be had with .*crl: Failed to parse CRL$/,
    ],
    ['clients without authorities', () => ({ clients: 'require' }), /^tls-clients require takes tls-ca: /],
    ['clients that may, without authorities', () => ({ clients: 'request' }), /^tls-clients request takes tls-ca: /],
  ]
  for (const [what, change, sentence] of refusals) {
    it(`${what}: the server does not start`, async () => {
      await using server = localServer({ tls: { ...good, clients: 'none', ...change() } })
      await assert.rejects(server.listen(), (error) => {
        assert.ok(error instanceof TlsError, String(error))
        assert.equal(error.code, 'BAD_TLS')
        assert.match(error.message, sentence)
        return true
      })
    })
  }

  for (const [setting, options] of [
    ['http-tls', { httpTls: true }],
    ['tls-port', { tlsPort: 0 }],
  ] as const) {
    it(`${setting} without a certificate`, async () => {
      await using server = localServer(options)
      await assert.rejects(server.listen(), new RegExp(`^TlsError: ${setting} takes a certificate and its key`))
    })
  }

  const odd: readonly [what: string, tls: () => Partial<TlsFiles>, note: RegExp][] = [
    [
      'an expired certificate',
      () => authority.make('old', { isExpired: true }),
      /^the certificate in .*old\.pem \(tls-cert\) has expired on .*: clients will refuse it$/,
    ],
    [
      'a key for all to read',
      () => ({ key: readableByAll(good.key) }),
      /^every user of this machine can read the key in .* \(tls-key\): /,
    ],
    ['authorities that nobody is asked for', () => ({ ca: authority.own.cert }), /^tls-ca has no effect: /],
    [
      'a list that nobody is looked up in',
      () => ({ ca: authority.own.cert, crl: authority.revocations() }),
      /^tls-crl has no effect: /,
    ],
  ]
  for (const [what, change, note] of odd) {
    it(`${what}: the log says so`, async () => {
      const notes = await notesOf({ tls: { ...good, clients: 'none', ...change() } })
      assert.equal(notes.length, 1, notes.join('\n'))
      assert.match(notes[0] ?? '', note)
    })
  }

  it('nothing odd, and nothing is said', async () => {
    const tls = { ...good, ca: authority.own.cert, crl: authority.revocations(), clients: 'require' } as const
    assert.deepEqual(await notesOf({ tls }), [])
  })

  it('a certificate with the one between it and the authority', async () => {
    const chain = files.file('chain.pem', readFileSync(good.cert, 'utf8') + readFileSync(authority.own.cert, 'utf8'))
    assert.deepEqual(await notesOf({ tls: { cert: chain, key: good.key, clients: 'none' } }), [])
  })

  function derOf(file: string): Buffer {
    return execFileSync('openssl', ['x509', '-in', file, '-outform', 'DER'])
  }

  function encrypted(file: string): string {
    const key = execFileSync('openssl', ['pkey', '-in', file, '-aes256', '-passout', 'pass:secret'])
    return files.file('encrypted.key', key)
  }

  function readableByAll(file: string): string {
    const copy = files.file('open.key', readFileSync(file))
    chmodSync(copy, 0o644)
    return copy
  }
})
