import type { TlsOptions } from 'node:tls'

/** Certificate, key and what peers are checked with. */
export interface TlsSource {
  /** As they are now. */
  readonly options: TlsOptions
  /** Called when the files were read again: new connections are to get these. */
  onChanged(listener: (options: TlsOptions) => void): void
}
