import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Files in PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

interface CertificateOptions {
  /** Names and addresses, as openssl has them; `DNS:localhost,IP:127.0.0.1` if nothing is said. */
  readonly names?: string
  /** Its time is over. */
  readonly isExpired?: boolean
  readonly isRevoked?: boolean
}

const yesterday = time(-1)

/** Undefined if there is openssl to make certificates with, else the sentence to skip with. */
export function missingOpenssl(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'openssl is not installed: apt-get install openssl'
  }
}

/** A directory of certificates, with any number of authorities. */
export class Certificates implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'geartrain-tls-'))

  authority(name: string): Authority {
    return new Authority(this.directory, name)
  }

  /** One that nobody has signed but itself. */
  selfSigned(name: string): KeyPair {
    return new Authority(this.directory, name).own
  }

  file(name: string, content: string | Uint8Array, mode = 0o600): string {
    const file = join(this.directory, name)
    writeFileSync(file, content, { mode })
    return file
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export class Authority {
  /** Its own certificate, by which the others are known. */
  readonly own: KeyPair
  readonly #directory: string

  constructor(parent: string, name: string) {
    const directory = join(parent, name)
    mkdirSync(directory)
    this.#directory = directory
    this.own = { cert: join(directory, 'own.pem'), key: join(directory, 'own.key') }
    writeFileSync(join(directory, 'index.txt'), '')
    writeFileSync(join(directory, 'ca.cnf'), configuration(directory))
    const subject = ['-subj', `/CN=${name}`, '-days', '2']
    const request = ['req', '-x509', ...newKey, '-config', join(directory, 'ca.cnf'), '-extensions', 'authority']
    openssl([...request, ...subject, '-keyout', this.own.key, '-out', this.own.cert])
  }

  /** Its name is the subject's common name. */
  make(name: string, { names, isExpired, isRevoked }: CertificateOptions = {}): KeyPair {
    const at = (end: string) => join(this.#directory, `${name}.${end}`)
    const pair = { cert: at('pem'), key: at('key') }
    const config = join(this.#directory, 'ca.cnf')
    openssl(['req', ...newKey, '-config', config, '-subj', `/CN=${name}`, '-keyout', pair.key, '-out', at('csr')])
    writeFileSync(at('ext'), `subjectAltName=${names ?? 'DNS:localhost,IP:127.0.0.1'}\n`)
    const dates = ['-startdate', time(-2), '-enddate', isExpired === true ? yesterday : time(2)]
    const signing = ['ca', '-batch', '-notext', '-config', config, '-extfile', at('ext'), ...dates]
    openssl([...signing, '-in', at('csr'), '-out', pair.cert])
    if (isRevoked === true) openssl(['ca', '-config', config, '-revoke', pair.cert])
    return pair
  }

  /** What it has revoked so far. */
  revocations(): string {
    const file = join(this.#directory, 'revoked.pem')
    openssl(['ca', '-config', join(this.#directory, 'ca.cnf'), '-gencrl', '-crldays', '2', '-out', file])
    return file
  }
}

/** What is in the files, as `tls.connect` takes it. */
export function read({ cert, key }: KeyPair): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}

/** So many days from now, as `openssl ca` wants it. */
function time(days: number): string {
  return `${new Date(Date.now() + days * 86_400_000)
    .toISOString()
    .replaceAll(/[-:T]|\.\d+/g, '')
    .replace('Z', '')
    .slice(2)}Z`
}

function configuration(directory: string): string {
  return `[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:true
subjectAltName = DNS:localhost,IP:127.0.0.1
[ca]
default_ca = this
[this]
database = ${directory}/index.txt
new_certs_dir = ${directory}
certificate = ${directory}/own.pem
private_key = ${directory}/own.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
`
}
