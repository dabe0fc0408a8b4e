import { readFileSync } from 'node:fs'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import pg from 'pg'
import type { Address, Host } from './address.ts'

const keepAliveMs = 10_000

/** Connects to a host as an address says. Rejects with whatever pg, a socket or TLS say. */
export async function connectClient(
  address: Address,
  { host, port }: Host,
  { applicationName, signal }: { readonly applicationName: string; readonly signal?: AbortSignal | undefined },
  isEncrypted: boolean,
): Promise<pg.Client> {
  signal?.throwIfAborted()
  const { user, password, database, options, connectTimeoutMs } = address
  const client = new pg.Client({
    host,
    port,
    user,
    password,
    database,
    options,
    ssl: isEncrypted && tlsOptions(address),
    application_name: address.applicationName ?? applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    enableChannelBinding: true,
    pipeline: true,
  })
  // What goes wrong before is what `connect` rejects with.
  client.on('error', () => {})
  signal?.addEventListener('abort', () => client.connection.stream.destroy())
  try {
    await client.connect()
    return client
  } catch (error) {
    client.connection.stream.destroy()
    throw error
  }
}

function tlsOptions({ sslMode, sslRootCert, sslCert, sslKey, sslPassword }: Address): TlsOptions {
  return {
    rejectUnauthorized: sslMode === 'verify-ca' || sslMode === 'verify-full',
    ...(sslMode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(sslRootCert === undefined ? {} : { ca: readFileSync(sslRootCert) }),
    ...(sslCert === undefined ? {} : { cert: readFileSync(sslCert) }),
    ...(sslKey === undefined ? {} : { key: readFileSync(sslKey) }),
    ...(sslPassword === undefined ? {} : { passphrase: sslPassword }),
  }
}
