import { z } from 'zod'
import type { CommonContext } from '../context.ts'
import { type RouteFor, route } from '../route.ts'
import { time } from '../shapes.ts'

const whole = z.int().min(0)

const watchedServer = z.object({
  address: z.string().meta({ description: 'As it was named' }),
  isThis: z.boolean(),
  lookedAt: time.optional(),
  tookMs: whole.optional().meta({ description: 'How long it took to answer' }),
  failure: z.string().optional().meta({ description: 'Why it can not be asked now; all else is what was known last' }),
  failingSince: time.optional(),
  version: z.string().optional(),
  functions: z.array(
    z.object({
      name: z.string(),
      queued: whole.meta({ description: 'Jobs that wait' }),
      running: whole,
      workers: whole,
    }),
  ),
  workers: z.array(
    z.object({
      number: z.int().meta({ description: 'Its file descriptor, or what stands for it' }),
      address: z.string(),
      clientId: z.string().meta({ description: '`-` if it has not said' }),
      functions: z.array(z.string()),
    }),
  ),
})

/** Job servers side by side. */
export const serversRoutes: readonly RouteFor<CommonContext>[] = [
  route({
    method: 'GET',
    path: '/api/servers',
    id: 'listServers',
    tag: 'Server',
    summary: 'This server, and those that it watches, plain gearmand among them',
    description:
      'Of this server, the functions that you may view, and at most 5,000 workers with 100 functions each, fewer if the names of these are very long. Others (see the setting `watch`) are shown only to those who may view all functions. They are looked at every 2 s while this is asked for; the first time, the answer takes up to 2 s.',
    access: ['view'],
    answers: { 200: { description: 'The servers', content: z.object({ servers: z.array(watchedServer) }) } },
    async handle({ actor }, { fleet }: CommonContext) {
      return { status: 200, json: await fleet.ask(actor) }
    },
  }),
]
