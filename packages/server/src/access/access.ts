import { type Actor, anyone } from './actor.ts'

/** What is known of a peer. */
export interface Credentials {
  /** Its address without a port. */
  readonly address: string
  /** Of the certificate that it has shown and that was verified. */
  readonly certificate?: { readonly subject: string; readonly fingerprint256: string }
  readonly token?: string
}

/** Says who someone is, and so what they may do. */
export class Access {
  /** There are no rules: everyone may do everything. */
  readonly isOpen: boolean = true

  /** One that no rule lets in gets an actor who may do nothing. */
  identify({ address }: Credentials): Actor {
    return anyone(address)
  }
}
