import { type HistoryRange, historyRanges } from '@geartrain/protocol'
import { z } from 'zod'
import { deniedSentence } from '../../access/denied.ts'
import { isControlError } from '../../control/control-error.ts'
import { textOfName } from '../names.ts'
import { Problem, problemOf } from '../problem.ts'
import { type Route, route } from '../route.ts'
import { functionName } from '../schemas.ts'
import { time } from '../shapes.ts'

const rangeDefault: HistoryRange = '1h'

const count = z.array(z.int().min(0).nullable())
const ms = z.array(z.number().min(0).nullable())
const stepMs = z.int().meta({ description: 'How long a step is' })

const columns = z.object({
  submitted: count,
  done: count,
  failed: count,
  retried: count,
  died: count,
  ready: count,
  delayed: count,
  running: count,
  dead: count,
  workers: count,
  waitP50Ms: ms,
  waitP95Ms: ms,
  runP50Ms: ms,
  runP95Ms: ms,
})

const getHistory = route({
  method: 'GET',
  path: '/api/history',
  id: 'getHistory',
  tag: 'Server',
  summary: 'What has become of jobs over the last minutes, hours or days, step by step',
  description: `Columns of equal length, one place for each step: \`15m\` and \`1h\` have steps of 10 s, \`6h\` of a minute, \`24h\` of 5 minutes, \`7d\` of 30 minutes. The last step may not be over.

\`submitted\`, \`done\`, \`failed\`, \`retried\` and \`died\` are how many in the step; \`ready\`, \`delayed\`, \`running\`, \`dead\` and \`workers\` how many at its end; the others are times of jobs that were begun or ended in it, and null if there were none. All are null where the server was not up. A function of which nothing is known has 0.

Without \`function\`: of all together, if you may view all of them; else the sum of those that you may view, in which a worker counts once for each of them.`,
  access: ['view'],
  query: z.strictObject({
    range: z.enum(historyRanges).default(rangeDefault).meta({ description: 'Until now' }),
    function: functionName.exactOptional(),
  }),
  answers: {
    200: {
      description: 'The columns',
      content: z.object({
        range: z.enum(historyRanges),
        from: time.meta({ description: 'When the first step begins, in milliseconds since 1970' }),
        stepMs,
        columns,
      }),
    },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor, query: { range, function: name } }, { history }) {
    if (name !== undefined && !actor.may('view', name)) {
      throw new Problem('ACCESS_DENIED', deniedSentence(['view'], JSON.stringify(textOfName(name))))
    }
    return { status: 200, json: await history.range(range, actor, name).catch(refuse) }
  },
})

const listFunctionHistories = route({
  method: 'GET',
  path: '/api/history/functions',
  id: 'listFunctionHistories',
  tag: 'Server',
  summary: 'The last 15 minutes of all functions, in steps of 30 s',
  description: 'Those of which there is something to tell. Columns are as in getHistory.',
  access: ['view'],
  answers: {
    200: {
      description: 'The functions',
      content: z.object({
        from: time.meta({ description: 'When the first step begins, in milliseconds since 1970' }),
        stepMs,
        functions: z.array(z.object({ name: z.string(), done: count, failed: count, ready: count })),
      }),
    },
  },
  problems: ['STORE_FAILED'],
  async handle({ actor }, { history }) {
    return { status: 200, json: await history.overview(actor).catch(refuse) }
  },
})

function refuse(error: unknown): never {
  throw isControlError(error) ? problemOf(error) : error
}

/** What the server remembers of its figures. */
export const historyRoutes: readonly Route[] = [getHistory, listFunctionHistories]
