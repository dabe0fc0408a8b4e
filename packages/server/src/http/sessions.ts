import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { Access } from '../access/access.ts'
import { isSame } from '../access/token.ts'
import type { Clock } from '../clock.ts'

/** The cookie's name. */
const sessionCookie = 'geartrain'
const sessionMs = 12 * 3_600_000
const keyBytes = 32

/** A session: the token's hash, which is as good as the token, until then. */
export interface Session {
  readonly tokenHash: string
  /** In milliseconds since 1970. */
  readonly expiresAt: number
}

/**
 * Cookies that stand for a token which was shown. Nothing is kept of them: one is
 * `EXPIRY.ID.SIGNATURE`, where ID says which token without saying its hash. It is over when its time is, when the
 * token is no longer in the rules, and when the key is another one.
 */
export class Sessions {
  readonly #key: Buffer
  readonly #access: Access
  readonly #clock: Clock
  /** The hashes that `#byId` was made of: those that the rules had then. */
  #hashes: Iterable<string> | undefined
  #byId: ReadonlyMap<string, string> = new Map()

  constructor(key: Buffer, access: Access, clock: Clock) {
    this.#key = key
    this.#access = access
    this.#clock = clock
  }

  /** Of a token that has been found good. */
  begin(tokenHash: string): { readonly value: string; readonly session: Session } {
    const expiresAt = this.#clock.wallNow() + sessionMs
    return { value: this.#write(tokenHash, expiresAt), session: { tokenHash, expiresAt } }
  }

  /** Undefined: it is none, or over. */
  read(value: string): Session | undefined {
    const [, expiry = '', id = ''] = /^(\d{1,15})\.([\da-f]{32})\.[\w-]{43}$/.exec(value) ?? []
    const tokenHash = this.#hashOf(id)
    if (tokenHash === undefined) return undefined
    const expiresAt = Number(expiry)
    if (!isSame(value, this.#write(tokenHash, expiresAt)) || expiresAt <= this.#clock.wallNow()) return undefined
    return { tokenHash, expiresAt }
  }

  /** Of the header `cookie`. */
  find(header: string | undefined): Session | undefined {
    for (const cookie of (header ?? '').split(';')) {
      const [name, value] = cookie.trim().split('=', 2)
      const session = name === sessionCookie && value !== undefined ? this.read(value) : undefined
      if (session !== undefined) return session
    }
    return undefined
  }

  /** Of the tokens that there are. */
  #hashOf(id: string): string | undefined {
    const { tokenHashes } = this.#access
    if (tokenHashes !== this.#hashes) {
      this.#hashes = tokenHashes
      this.#byId = new Map(Array.from(tokenHashes, (hash) => [idOf(hash), hash]))
    }
    return this.#byId.get(id)
  }

  #write(tokenHash: string, expiresAt: number): string {
    const text = `${expiresAt}.${idOf(tokenHash)}`
    return `${text}.${createHmac('sha256', this.#key).update(`${text}.${tokenHash}`).digest('base64url')}`
  }
}

/** What goes in the header `set-cookie`; without a value it takes the cookie back. Scripts never see it, nor other sites send it. */
export function setCookie(value: string | undefined, isSecure: boolean): string {
  const seconds = value === undefined ? 0 : sessionMs / 1000
  const secure = isSecure ? '; Secure' : ''
  return `${sessionCookie}=${value ?? ''}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`
}

export function makeSessionKey(): Buffer {
  return randomBytes(keyBytes)
}

/** As it is kept in a document. */
export function writeSessionKey(key: Buffer): string {
  return JSON.stringify({ key: key.toString('base64') })
}

/** Undefined: the document is none. */
export function readSessionKey(body: string): Buffer | undefined {
  try {
    const document: unknown = JSON.parse(body)
    if (typeof document !== 'object' || document === null || !('key' in document)) return undefined
    const key = typeof document.key === 'string' ? Buffer.from(document.key, 'base64') : undefined
    return key?.length === keyBytes ? key : undefined
  } catch {
    return undefined
  }
}

/** It can be told to everyone: a hash of a hash, and half of it. */
function idOf(tokenHash: string): string {
  return createHash('sha256').update(tokenHash).digest('hex').slice(0, 32)
}
