import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface KeyPair {
  readonly key: Buffer
  readonly cert: Buffer
}

export interface Certificates {
  /** Signed by itself, of localhost and 127.0.0.1. */
  readonly server: KeyPair
  /** Signed by itself, of a name that nobody here has. */
  readonly elsewhere: KeyPair
  /** Signed by itself, of a client. */
  readonly client: KeyPair
}

export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'))
  try {
    const make = (name: string, alternatives: string): KeyPair => {
      const [keyFile, certFile, config] = ['key', 'cert', 'cnf'].map((end) => join(directory, `${name}.${end}`))
      if (keyFile === undefined || certFile === undefined || config === undefined) throw new Error('three files')
      const lines = ['[req]', 'distinguished_name=dn', '[dn]', '[ext]', `subjectAltName=${alternatives}`]
      writeFileSync(config, `${lines.join('\n')}\n`)
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      const what = ['-days', '2', '-subj', `/CN=${name}`, '-config', config, '-extensions', 'ext']
      execFileSync('openssl', [...request, ...what, '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' })
      return { key: readFileSync(keyFile), cert: readFileSync(certFile) }
    }
    return {
      server: make('localhost', 'DNS:localhost,IP:127.0.0.1'),
      elsewhere: make('elsewhere', 'DNS:elsewhere.example'),
      client: make('client-17', 'DNS:client-17.example'),
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
