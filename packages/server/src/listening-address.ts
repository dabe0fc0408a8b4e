export interface ListeningAddress {
  readonly address: string
  readonly port: number
  /** Only TLS is spoken there. */
  readonly isTls?: boolean
}

/** Of `127.0.0.1:4731` and `[::1]:4731`, as `httpAddress` of the settings has let them through. */
export function splitAddress(text: string): { readonly listen: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  return { listen: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) }
}
