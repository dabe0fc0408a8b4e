import { z } from 'zod'
import type { CommonContext } from '../context.ts'
import { Problem } from '../problem.ts'
import { type RouteFor, route } from '../route.ts'

/** For those who watch whether it is alive, and whether it is to be given work. They need no token. */
export const healthRoutes: readonly RouteFor<CommonContext>[] = [
  route({
    method: 'GET',
    path: '/healthz',
    id: 'getHealth',
    tag: 'Server',
    summary: 'Whether the server is alive',
    description: 'It is while it answers, also when it is not ready: one that does not is to be started anew.',
    access: 'everyone',
    answers: { 200: { description: 'It is', content: z.object({ status: z.literal('alive') }) } },
    handle: (_request, _context: CommonContext) => ({ status: 200, json: { status: 'alive' } }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    id: 'getReadiness',
    tag: 'Server',
    summary: 'Whether the server takes jobs',
    description:
      'Not while it is stopping, and not while its store does not work; it is by itself when that is over, which is when the store has worked for 10 s on end, and for a database that was lost when it is found again. The problem has a list of `reasons`, each with a `code` (`STARTING`, `SHUTTING_DOWN`, `STORE_FAILED`) and a `detail`.',
    access: 'everyone',
    answers: { 200: { description: 'It does', content: z.object({ status: z.literal('ready') }) } },
    problems: ['NOT_READY'],
    handle(_request, { health }: CommonContext) {
      const { reasons } = health
      if (reasons.length > 0)
        throw new Problem('NOT_READY', reasons.map(({ detail }) => detail).join('; '), { reasons })
      return { status: 200, json: { status: 'ready' } }
    },
  }),
]
