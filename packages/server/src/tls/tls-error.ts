/** TLS as it was set up can't be had. The message is one sentence that names the file and what to do. */
export class TlsError extends Error {
  readonly code = 'BAD_TLS'
  override readonly name = 'TlsError'
}
