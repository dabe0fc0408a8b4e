import { StoreError } from '../../store.ts'

/** Others have ended this server's lease, or may do so: nothing more is done by it. */
export class LeaseLost extends StoreError {
  constructor() {
    super(
      'LEASE_LOST',
      'the database has not heard of this server for longer than its lease, and other servers may have taken its jobs; it goes on under a new lease',
    )
  }
}
