import { findingKinds } from '@geartrain/protocol'
import { z } from 'zod'
import { type Route, route } from '../route.ts'
import { time } from '../shapes.ts'

const text = z.string()

const finding = z.object({
  kind: z.enum(findingKinds),
  severity: z.enum(['critical', 'warning']).meta({
    description: '`critical`: jobs are not done or can be lost; `warning`: they may soon be',
  }),
  function: text.optional(),
  handle: text.optional().meta({ description: 'The job that shows it' }),
  since: time.optional(),
  count: z.int().min(1).optional().meta({ description: 'How many jobs it is about' }),
  title: text.meta({ description: 'What is wrong, in a line' }),
  advice: text.meta({ description: 'Why that is said, and what to do' }),
  command: text.optional().meta({ description: 'What to type for it' }),
})

export const findingRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/findings',
    id: 'listFindings',
    tag: 'Server',
    summary: 'What is wrong now, the worst first',
    description:
      'At most 100 of them. What is over stays for 5 s, since it may come again. Those of the server as a whole are for those who may view all functions, but that the store does not work. The stream of /api/events has the same list; `slow server`, and a `store slow` that is made of many batches, are seen only while somebody reads that.',
    access: ['view'],
    answers: { 200: { description: 'What was found', content: z.object({ findings: z.array(finding) }) } },
    async handle({ actor }, { feed }) {
      return { status: 200, json: { findings: await feed.findings(actor) } }
    },
  }),
]
