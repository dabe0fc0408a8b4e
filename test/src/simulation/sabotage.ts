import type { Server } from '@geartrain/server'
import type { Random } from './random.ts'
import type { Tamper } from './server-socket.ts'

/** A fault built into a simulation on purpose, which it has to find: proof that its checks can fail. */
export interface Sabotage {
  /** Changes the server from outside. */
  server?(server: Server, random: Random): void
  /** What changes the output of one connection. */
  output?(random: Random): Tamper
}
