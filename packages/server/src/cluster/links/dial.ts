import { readFileSync } from 'node:fs'
import net from 'node:net'
import tls from 'node:tls'
import { reason } from '../../settings-sources.ts'
import type { LinkAddress } from './link-address.ts'
import type { LinksContext } from './links-context.ts'

/** A silent connection is probed after so long. */
const probeMs = 5000

/** A socket on its way to another server. Throws if a file can't be read. */
export function dial({ host, port, isTls }: LinkAddress, { ca, cert, key }: LinksContext['tlsFiles']): net.Socket {
  const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: probeMs }
  if (!isTls) return net.connect(options)
  // The files are read for each attempt: new ones count at once.
  const socket = tls.connect({
    ...options,
    servername: net.isIP(host) === 0 ? host : '',
    minVersion: 'TLSv1.2',
    ...(ca === '' ? {} : { ca: readPem(ca) }),
    ...(cert === '' || key === '' ? {} : { cert: readPem(cert), key: readPem(key) }),
  })
  // tls.connect passes on neither of these.
  socket.setNoDelay(true)
  socket.setKeepAlive(true, probeMs)
  return socket
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`cannot read ${file}: ${reason(error)}`, { cause: error })
  }
}
