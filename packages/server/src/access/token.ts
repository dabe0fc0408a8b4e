import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const tokenPrefix = 'gt_'
const tokenBytes = 32
/** A longer one is none. */
export const tokenBytesMax = 256
const hashPrefix = 'sha256:'

/** A new one: 256 bits that nobody can guess, in letters that need no quotes anywhere. */
export function makeToken(): string {
  return tokenPrefix + randomBytes(tokenBytes).toString('base64url')
}

/** What is kept of a token. Of so many random bits not even a fast hash can be undone. */
export function hashToken(token: string): string {
  return hashPrefix + createHash('sha256').update(token).digest('hex')
}

/** As `hashToken` writes them. */
export function isTokenHash(text: string): boolean {
  return /^sha256:[\da-f]{64}$/.test(text)
}

/** Takes as long wherever they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
