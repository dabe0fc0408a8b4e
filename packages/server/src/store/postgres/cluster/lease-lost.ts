import { StoreError } from '../../store.ts'

/** Others have ended this server's lease, or may do so: nothing more is done by it. */
export class LeaseLost extends StoreError {
  constructor() {
    super(
      'LEASE_LOST',
      'this server has not reached the database in time, so that others may have taken it for dead and have what it had: it begins anew',
    )
  }
}
