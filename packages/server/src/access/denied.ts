import type { Role } from './actor.ts'

/** Why something is not done, to whoever asked for it. `subject` is what the role is needed on. */
export function deniedSentence(roles: readonly Role[], subject = ''): string {
  const on = subject === '' ? '' : ` on ${subject}`
  return `this takes the role ${roles.join(' or ')}${on}, which no access rule gives you`
}
