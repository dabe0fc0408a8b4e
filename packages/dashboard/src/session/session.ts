import { type ReadonlySignal, signal } from '@preact/signals'
import { ApiError, get, send } from '../api/api.ts'
import { fits } from './fits.ts'

export type Role = 'submit' | 'work' | 'view' | 'operate' | 'admin'

/** Who looks at the page, and what they may do. */
export interface Session {
  readonly name: string
  readonly address: string
  /** There are no rules: everyone may do everything. */
  readonly isOpen: boolean
  readonly grants: readonly { readonly roles: readonly Role[]; readonly functions: readonly string[] }[]
  /** Of a session that was begun with a token. */
  readonly expiresAt?: number
}

/** What kind of program serves the page. */
export interface About {
  readonly kind: 'server' | 'monitor'
  readonly hasRules: boolean
  readonly version?: string
}

const current = signal<Session | undefined>(undefined)
const known = signal<About | undefined>(undefined)

/** Undefined until the server has said. */
export const session: ReadonlySignal<Session | undefined> = current
export const about: ReadonlySignal<About | undefined> = known

/** Rejects with an ApiError if the server can't be reached. */
export async function loadSession(): Promise<void> {
  const [who, what] = await Promise.all([get<Session>('session'), get<About>('about')])
  known.value = what
  current.value = who
}

/** Rejects with an ApiError if the token is none. */
export async function signIn(token: string): Promise<void> {
  current.value = await send<Session>('POST', 'session', { token })
  await loadSession()
}

export async function signOut(): Promise<void> {
  await send('DELETE', 'session')
  await loadSession()
}

/** A request was refused for want of a session: it may be over. */
export function noticeSignedOut(): void {
  void loadSession().catch(() => {})
}

export function isUnauthorized(error: Error): boolean {
  return error instanceof ApiError && error.status === 401
}

/** On that function; without one, on any. What has no right is not shown. */
export function may(role: Role, functionName?: string): boolean {
  return grantsOf(role).some(
    ({ functions }) => functionName === undefined || functions.some((pattern) => fits(pattern, functionName)),
  )
}

/** On all functions, and so on what is no function's. */
export function mayEverywhere(role: Role): boolean {
  return grantsOf(role).some(({ functions }) => functions.some((pattern) => /^\*+$/.test(pattern)))
}

/** `operate` is `view` as well, and `admin` is all. */
function grantsOf(role: Role): Session['grants'] {
  const { value } = current
  if (value === undefined) return []
  if (value.isOpen) return [{ roles: [role], functions: ['*'] }]
  return value.grants.filter(
    ({ roles }) => roles.includes(role) || roles.includes('admin') || (role === 'view' && roles.includes('operate')),
  )
}
