import type { Duplex } from 'node:stream'
import type { ControlOperation, ControlOperations } from '@geartrain/protocol'
import type { Access } from '../access/access.ts'
import type { Actor } from '../access/actor.ts'
import type { Clock } from '../clock.ts'
import type { Connection } from '../connection.ts'
import type { Limits } from '../limits.ts'
import type { Log } from '../log.ts'
import type { Observers } from '../observers.ts'

/** What the operations over HTTP need of the server. */
export interface HttpContext {
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  readonly access: Access
  readonly observers: Observers
  /** As for an operation of CONTROL. Rejects with a Problem. */
  perform<Operation extends ControlOperation>(
    op: Operation,
    params: ControlOperations[Operation]['params'],
    actor: Actor,
  ): Promise<ControlOperations[Operation]['answer']>
  /** For a LocalLink of that actor's. Undefined: the server is full or closed, which the link is told. */
  connect(link: Duplex, actor: Actor): Connection | undefined
}
