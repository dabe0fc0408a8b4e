import { formatServer, type ServerAddress } from './address.ts'

/**
 * In which order the servers of a list are to be tried for the jobs with a unique, so that all clients with this list
 * send them to the same one: rendezvous hashing. A server that goes away moves only the jobs that it had.
 */
export class ServerOrder {
  readonly #hashes: readonly number[]

  constructor(servers: readonly ServerAddress[]) {
    this.#hashes = servers.map((server) => fnv1a(Buffer.from(formatServer(server))))
  }

  /** Indexes into the list. The key is whatever makes jobs the same. */
  of(key: Uint8Array): number[] {
    const hash = fnv1a(key)
    const scores = this.#hashes.map((server) => mix(hash ^ server))
    return [...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
  }
}

/** 32 bits of FNV-1a. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The last step of MurmurHash3: without it, servers whose names differ in one digit come out in much the same order. */
function mix(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
