import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Credentials } from '../access/access.ts'

/** Of the certificate that the peer has shown, if an authority of ours vouches for it. For the spread into Credentials. */
export function certificateOf(socket: Socket): Pick<Credentials, 'certificate'> {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return {}
  const { subject, fingerprint256 } = socket.getPeerCertificate()
  // Without a name, or with several, of which types say nothing, it goes by its fingerprint alone.
  const name: unknown = subject?.CN
  return { certificate: { subject: typeof name === 'string' ? name : '', fingerprint256 } }
}
