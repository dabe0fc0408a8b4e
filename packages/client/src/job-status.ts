import type { IncomingPacket } from './incoming-packet.ts'

/** What the server knows of a job. Of one that has ended, or that never was, it knows nothing. */
export interface JobStatus {
  readonly isKnown: boolean
  readonly isRunning: boolean
  readonly numerator: number
  readonly denominator: number
}

export interface UniqueStatus extends JobStatus {
  /** Clients that wait for it. */
  readonly waiters: number
}

export function readStatus(packet: IncomingPacket): JobStatus {
  return {
    isKnown: packet.flag(1),
    isRunning: packet.flag(2),
    numerator: packet.number(3),
    denominator: packet.number(4),
  }
}

export function readUniqueStatus(packet: IncomingPacket): UniqueStatus {
  return { ...readStatus(packet), waiters: packet.number(5) }
}
