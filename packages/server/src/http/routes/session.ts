import { z } from 'zod'
import type { Actor } from '../../access/actor.ts'
import { roles } from '../../access/actor.ts'
import { hashToken, tokenBytesMax } from '../../access/token.ts'
import type { CommonContext } from '../context.ts'
import { textOfName } from '../names.ts'
import { type RouteFor, route } from '../route.ts'
import { type Session, setCookie } from '../sessions.ts'
import { WrongToken } from '../wrong-token.ts'

const session = z.object({
  name: z.string().meta({ description: 'The rules that let you in; `nobody` if there is none' }),
  address: z.string().meta({ description: 'Where you come from' }),
  isOpen: z.boolean().meta({ description: 'There are no rules: everyone may do everything' }),
  grants: z
    .array(z.object({ roles: z.array(z.enum(roles)), functions: z.array(z.string()) }))
    .meta({ description: 'What you may do, on functions that fit these patterns' }),
  expiresAt: z.number().optional().meta({ description: 'When the session ends, if you are here by one' }),
})

export const sessionRoutes: readonly RouteFor<CommonContext>[] = [
  route({
    method: 'GET',
    path: '/api/session',
    id: 'getSession',
    tag: 'Session',
    summary: 'Who you are, and what you may do',
    access: 'everyone',
    answers: { 200: { description: 'You', content: session } },
    handle: ({ actor, rawHeaders }, context: CommonContext) => {
      const found = rawHeaders.authorization === undefined ? context.sessions.find(rawHeaders.cookie) : undefined
      return { status: 200, json: describe(actor, context, found) }
    },
  }),
  route({
    method: 'POST',
    path: '/api/session',
    id: 'beginSession',
    tag: 'Session',
    summary: 'Show a token once, for a cookie',
    description:
      'For browsers. The cookie lasts 12 hours, and as long as a rule has the token. Programs send the token itself, as `Authorization: Bearer TOKEN`.',
    access: 'everyone',
    body: z.strictObject({
      token: z.string().min(1).max(tokenBytesMax).meta({ description: 'As `geartrain token` has printed it' }),
    }),
    answers: { 200: { description: 'You', content: session, headers: { 'set-cookie': 'The session' } } },
    problems: ['CROSS_SITE'],
    handle: ({ actor, body: { token }, rawHeaders }, context: CommonContext) => {
      const known = context.access.identifyWithToken(actor, token)
      if (known === undefined) {
        throw new WrongToken()
      }
      if (context.access.isOpen) return { status: 200, json: describe(known, context, undefined) }
      const begun = context.sessions.begin(hashToken(token))
      return {
        status: 200,
        json: describe(known, context, begun.session),
        headers: { 'set-cookie': setCookie(begun.value, isSecure(context, rawHeaders.origin)) },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/session',
    id: 'endSession',
    tag: 'Session',
    summary: 'Give the cookie back',
    access: 'everyone',
    answers: { 204: { description: 'The cookie is taken back', headers: { 'set-cookie': 'None any more' } } },
    problems: ['CROSS_SITE'],
    handle: ({ rawHeaders }, context: CommonContext) => ({
      status: 204,
      headers: { 'set-cookie': setCookie(undefined, isSecure(context, rawHeaders.origin)) },
    }),
  }),
]

function describe(actor: Actor, { access }: CommonContext, found: Session | undefined): z.output<typeof session> {
  return {
    name: actor.name,
    address: actor.address,
    isOpen: access.isOpen,
    grants: access.grantsOf(actor).map((grant) => ({
      roles: [...grant.roles],
      functions: grant.functions.map(textOfName),
    })),
    ...(found === undefined ? {} : { expiresAt: found.expiresAt }),
  }
}

/** With TLS, its own or that of a proxy in front of it, whose pages are then https. */
function isSecure({ isEncrypted }: CommonContext, origin: string | undefined): boolean {
  return isEncrypted || origin?.startsWith('https:') === true
}
