import type { StoredLine } from '../cluster.ts'
import type { Link } from './link.ts'

/** What parts of a batch need to know of it, and leave for the others. */
export interface Transaction {
  readonly link: Link
  /** Nothing that is still to be said hangs on an answer: the transaction is committed, if what was said succeeds. */
  readonly commit: () => void
  /** This server's id, as long as its lease lasts. */
  readonly serverId: number
  /** Ids of servers whose leases have ended and whose jobs may still bear them. */
  readonly ended: readonly number[]
  /** Ids that this process had before, and has lost. What it still has to say may be of then. */
  readonly former: readonly number[]
  /** The batch's date. */
  readonly now: number
  /** Lines that have got ready jobs which nobody has claimed: the others are told after the commit. */
  readonly ready: Map<string, StoredLine>
  /** Jobs were cancelled that other servers have: they are told. */
  areOthersCancelled: boolean
  /** Documents have changed: the others are told. */
  areDocumentsChanged: boolean
}
