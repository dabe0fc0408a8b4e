import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type TlsOptions } from 'node:tls'
import { reason } from '../settings-sources.ts'
import { TlsError } from './tls-error.ts'

/** Files in PEM, and what is asked of clients. */
export interface TlsFiles {
  /** The server's certificate, and after it those between it and the authority. */
  readonly cert: string
  readonly key: string
  /** The authorities whose clients are known. */
  readonly ca?: string | undefined
  /** Certificates of clients that the authorities have taken back: a revocation list. */
  readonly crl?: string | undefined
  /**
   * - none: no certificate is asked for.
   * - request: a client may show one; one that no authority vouches for is as good as none.
   * - require: nobody else gets in.
   */
  readonly clients: 'none' | 'request' | 'require'
}

/** What lies in the files, ready for use, and what is odd about it, for the log. */
export interface ReadTls {
  readonly options: TlsOptions
  readonly notes: readonly string[]
}

const readableByAll = 0o004

/** Throws a TlsError. `wallNow` is the time that the certificate should be good at. */
export function readTlsFiles(files: TlsFiles, wallNow: number): ReadTls {
  const { cert: certFile, key: keyFile, ca: caFile = '', crl: crlFile = '', clients } = files
  for (const [name, file] of [
    ['tls-cert', certFile],
    ['tls-key', keyFile],
  ]) {
    if (file === '') throw new TlsError(`${name} is missing: TLS takes a certificate and its key, as files in PEM`)
  }
  if (clients !== 'none' && caFile === '') {
    throw new TlsError(`tls-clients ${clients} takes tls-ca: the authorities that vouch for clients, as a file in PEM`)
  }
  const cert = readFile('tls-cert', certFile)
  const key = readFile('tls-key', keyFile)
  const ca = caFile === '' ? undefined : readFile('tls-ca', caFile)
  const crl = crlFile === '' ? undefined : readFile('tls-crl', crlFile)
  const certificate = readCertificate('tls-cert', certFile, cert)
  if (!certificate.checkPrivateKey(readKey(keyFile, key))) {
    throw new TlsError(`the key in ${keyFile} (tls-key) does not belong to the certificate in ${certFile} (tls-cert)`)
  }
  if (ca !== undefined) readCertificate('tls-ca', caFile, ca)
  const options: TlsOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ...(crl === undefined ? {} : { crl }),
    minVersion: 'TLSv1.2',
    requestCert: clients !== 'none',
    rejectUnauthorized: clients === 'require',
  }
  try {
    createSecureContext(options)
  } catch (error) {
    const names = [certFile, keyFile, caFile, crlFile].filter((name) => name !== '')
    throw new TlsError(`TLS can't be had with ${names.join(', ')}: ${opensslReason(error)}`, { cause: error })
  }
  return { options, notes: [...noteUnused(files), ...noteTimes(certFile, certificate, wallNow), ...noteMode(keyFile)] }
}

function readFile(name: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new TlsError(`cannot read ${file} (${name}): ${reason(error)}`, { cause: error })
  }
}

/** The first one in the file. */
function readCertificate(name: string, file: string, pem: Buffer): X509Certificate {
  try {
    // It would take the binary form too, which the rest of TLS does not.
    if (!pem.includes('-----BEGIN')) throw new Error('no PEM')
    return new X509Certificate(pem)
  } catch (error) {
    throw new TlsError(`there is no certificate in PEM in ${file} (${name})`, { cause: error })
  }
}

function readKey(file: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    if (pem.includes('ENCRYPTED')) {
      throw new TlsError(
        `the key in ${file} (tls-key) has a passphrase, which nobody can type here: write one without by "openssl pkey"`,
        { cause: error },
      )
    }
    throw new TlsError(`there is no private key in PEM in ${file} (tls-key)`, { cause: error })
  }
}

function noteUnused({ ca = '', crl = '', clients }: TlsFiles): string[] {
  if (clients !== 'none' || (ca === '' && crl === '')) return []
  return [
    `${crl === '' ? 'tls-ca' : 'tls-crl'} has no effect: clients show no certificate unless tls-clients asks for one`,
  ]
}

function noteTimes(file: string, { validFrom, validTo }: X509Certificate, wallNow: number): string[] {
  const notes: string[] = []
  if (Date.parse(validTo) < wallNow) {
    notes.push(`the certificate in ${file} (tls-cert) has expired on ${validTo}: clients will refuse it`)
  }
  if (Date.parse(validFrom) > wallNow) {
    notes.push(`the certificate in ${file} (tls-cert) is not valid before ${validFrom}: clients will refuse it`)
  }
  return notes
}

function noteMode(file: string): string[] {
  if ((statSync(file).mode & readableByAll) === 0) return []
  return [`every user of this machine can read the key in ${file} (tls-key): take that away by "chmod o= ${file}"`]
}

/** `error:0A00018E:SSL routines::ca md too weak` without what nobody wants to know. */
function opensslReason(error: unknown): string {
  if (error instanceof Error && 'reason' in error) return String(error.reason)
  return reason(error)
}
