import type { Role } from './actor.ts'

/** Why something is not done, to whoever asked for it. `subject` is what the role is needed on. */
export function deniedSentence(roles: readonly Role[], subject = ''): string {
  const on = subject === '' ? '' : ` on ${subject}`
  return `this takes the role ${roles.join(' or ')}${on}, which no access rule gives you`
}

/** What somebody is told whose token is none; `end` is what comes of it. */
export function wrongTokenSentence(end = ''): string {
  return `this token lets nobody in from here${end}: see that it is whole, and one that the server knows`
}

/** The same in the log, with the address: for those who keep guessers out. */
export const wrongTokenLine = 'a token was shown that lets nobody in'
