import { readFileSync } from 'node:fs'
import { hashToken, isSame, tokenBytesMax } from '../../access/token.ts'
import { reason, SettingsError } from '../../settings-sources.ts'

export interface LinkTrustOptions {
  /** What all servers of the cluster know, and nobody else; empty: nothing. */
  readonly clusterToken: string
  /** A file that it stands in; empty: none. */
  readonly clusterTokenFile: string
}

/**
 * Who may link to this server: whoever has the token of the cluster. Without a token nobody may, but where there are no
 * rules of access: there everybody may do everything.
 */
export class LinkTrust {
  /** Shown to the servers that are dialled. It is never logged. */
  readonly token: string | undefined
  readonly #hash: string | undefined
  readonly #isOpen: boolean

  /** Throws a SettingsError, which does not say the token. */
  constructor({ clusterToken, clusterTokenFile }: LinkTrustOptions, isOpen: boolean) {
    if (clusterToken !== '' && clusterTokenFile !== '') {
      throw new SettingsError('cluster-token and cluster-token-file are both given: one of them is enough')
    }
    const token = clusterTokenFile === '' ? clusterToken : readTokenFile(clusterTokenFile)
    if (token !== '' && !/^[!-~]+$/.test(token)) {
      throw new SettingsError(
        'the token of the cluster (cluster-token) must be visible ASCII characters without blanks: geartrain token makes one',
      )
    }
    if (token.length > tokenBytesMax) {
      throw new SettingsError(`the token of the cluster (cluster-token) has more than ${tokenBytesMax} bytes`)
    }
    this.token = token === '' ? undefined : token
    this.#hash = this.token && hashToken(this.token)
    this.#isOpen = isOpen
  }

  /** Why there are no links, to follow "because"; undefined: there may be some. */
  get problem(): string | undefined {
    if (this.#hash !== undefined || this.#isOpen) return undefined
    return 'this server has access rules, and no cluster-token by which it could know the others'
  }

  /** Why whoever has shown this may not link; undefined: it may. It takes as long wherever the tokens differ. */
  refusal(token: string | undefined): string | undefined {
    if (this.#hash === undefined) return this.problem
    if (token === undefined) return 'it has shown no token, and this server has a cluster-token: all need the same one'
    return isSame(hashToken(token), this.#hash) ? undefined : 'its cluster-token is not that of this server'
  }
}

function readTokenFile(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new SettingsError(`cannot read ${file} (cluster-token-file): ${reason(error)}`)
  }
  if (text === '') throw new SettingsError(`there is no token in ${file} (cluster-token-file)`)
  return text
}
