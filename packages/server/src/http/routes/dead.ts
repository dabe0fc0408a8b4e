import { z } from 'zod'
import { type Route, route } from '../route.ts'
import * as shapes from '../shapes.ts'

const listDeadGroups = route({
  method: 'GET',
  path: '/api/dead/groups',
  id: 'listDeadGroups',
  tag: 'Dead jobs',
  summary: 'Dead jobs by function, reason and message, the largest groups first',
  description:
    'To see, retry or delete the jobs of a group, give its function, reason and message with the state `dead` as a filter to listJobs or changeJobs.',
  access: ['view'],
  query: z.strictObject({ ...shapes.deadFilter, limit: shapes.limit }),
  answers: {
    200: {
      description: 'The groups',
      content: z.object({
        groups: z.array(shapes.deadGroup),
        isExact: z.boolean().meta({ description: 'False: there are more; the latest were looked at' }),
      }),
    },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor, query }, { perform }) {
    return { status: 200, json: await perform('dead groups', query, actor) }
  },
})

/** Jobs that have failed for good. */
export const deadRoutes: readonly Route[] = [listDeadGroups]
