import { z } from 'zod'
import { version } from '../../version.ts'
import type { CommonContext } from '../context.ts'
import { type RouteFor, route } from '../route.ts'

/** What pages ask first. */
export const aboutRoutes: readonly RouteFor<CommonContext>[] = [
  route({
    method: 'GET',
    path: '/api/about',
    id: 'getAbout',
    tag: 'Server',
    summary: 'What this is: a job server, or a monitor of others',
    access: 'everyone',
    answers: {
      200: {
        description: 'What it is',
        content: z.object({
          kind: z.enum(['server', 'monitor']),
          version: z.string().optional().meta({ description: 'For those who may view anything' }),
          hasRules: z.boolean().meta({ description: 'There are access rules: what you may do is in /api/session' }),
        }),
      },
    },
    handle({ actor }, { kind, access }: CommonContext) {
      const shown = actor.mayAnywhere('view') ? { version } : {}
      return { status: 200, json: { kind, ...shown, hasRules: !access.isOpen } }
    },
  }),
]
