import { PACKET, type PacketName, request } from '../support/raw.ts'

/** A packet as a server sends it, one character a byte. */
export function response(name: PacketName, ...parts: readonly (string | Uint8Array)[]): string {
  return request(PACKET[name], ...parts)
    .toString('latin1')
    .replace('\0REQ', '\0RES')
}
