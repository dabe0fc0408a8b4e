import { type AccessRuleOptions, hashToken, type Role, roles } from '@geartrain/server'
import type { LocalServer } from '../server/local-server.ts'
import { PACKET, type RawPeer } from '../support/raw.ts'

/** Who asks in the tables: nobody has a token, and each of the others the one role, on `mail.*`. */
const askers = ['nobody', ...roles] as const
export type Asker = (typeof askers)[number]

/** Where they may: `mail.send` is within `mail.*`, `other` is not. */
export const theirs = 'mail.send'
export const others = 'other'

export function tokenOf(asker: Asker): string {
  return `token-of-${asker}`
}

/** A rule for each role, and one for the tests themselves, which may do everything. */
export const rules: Readonly<Record<string, AccessRuleOptions>> = {
  ...Object.fromEntries(roles.map((role: Role) => [role, rule(role, tokenOf(role), 'mail.*')])),
  all: rule('admin', 'token-of-all', '*'),
}

function rule(role: Role, token: string, functions: string) {
  return { token: hashToken(token), roles: role, functions }
}

export async function connectAs(local: LocalServer, asker: Asker | 'all'): Promise<RawPeer> {
  const peer = await local.connect(asker)
  if (asker !== 'nobody') await showToken(peer, asker === 'all' ? 'token-of-all' : tokenOf(asker))
  return peer
}

export async function showToken(peer: RawPeer, token: string): Promise<void> {
  peer.send(PACKET.OPTION_REQ, `token:${token}`)
  const { name, body } = await peer.receive('OPTION_RES')
  if (name !== 'OPTION_RES') throw new Error(`${name}: ${body.toString('latin1')}`)
}

/** The askers of whom it is true, as a table has them. */
export async function whoMay(may: (asker: Asker) => Promise<boolean>): Promise<string> {
  const allowed: Asker[] = []
  for (const asker of askers) if (await may(asker)) allowed.push(asker)
  return allowed.join(' ')
}

export const everyone: string = askers.join(' ')
