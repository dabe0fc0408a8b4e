import type { IncomingMessage } from 'node:http'
import type { PacketName } from '@geartrain/protocol'

/** A job as gearmand's HTTP has it. Names are bytes, one character each. */
export interface GearmandRequest {
  readonly packet: PacketName
  readonly function: string
  readonly unique: string
  readonly isBackground: boolean
}

type Priority = 'high' | 'normal' | 'low'

const packets = {
  high: ['SUBMIT_JOB_HIGH', 'SUBMIT_JOB_HIGH_BG'],
  normal: ['SUBMIT_JOB', 'SUBMIT_JOB_BG'],
  low: ['SUBMIT_JOB_LOW', 'SUBMIT_JOB_LOW_BG'],
} as const satisfies Record<Priority, readonly [foreground: PacketName, background: PacketName]>

/** As gearmand reads it: what is after the first slashes is the function, whatever stands there; a word that means nothing is ignored. */
export function readRequest(request: IncomingMessage): GearmandRequest {
  const isBackground = header(request, 'x-gearman-background').toLowerCase() === 'true'
  const given = header(request, 'x-gearman-priority').toLowerCase()
  const [foreground, background] = packets[given === 'high' || given === 'low' ? given : 'normal']
  return {
    packet: isBackground ? background : foreground,
    function: (request.url ?? '').replace(/^\/+/, ''),
    unique: header(request, 'x-gearman-unique'),
    isBackground,
  }
}

/** Undefined: it is larger than it may be. Rejects if the peer leaves before its end. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return undefined
  const parts: Uint8Array[] = []
  let bytes = 0
  // The answer needs the socket, which would go with the stream.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > bytesMax) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Of several with the same name, the last one. */
function header({ headersDistinct }: IncomingMessage, name: string): string {
  return headersDistinct[name]?.at(-1) ?? ''
}
