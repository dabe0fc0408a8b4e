/** TLS as it was set up can't be had. The message is one sentence that names the file and what to do. */
export class TlsError extends Error {
  readonly code = 'BAD_TLS'
  override readonly name = 'TlsError'
}

/** A setting asks for TLS, and nothing says with what. */
export function noCertificate(setting: string): TlsError {
  return new TlsError(`${setting} takes a certificate and its key: tls-cert and tls-key`)
}
