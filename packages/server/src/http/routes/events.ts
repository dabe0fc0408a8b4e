import { z } from 'zod'
import { EventStream } from '../event-stream.ts'
import { type Answer, type Route, route, streamed } from '../route.ts'
import { count, functionName } from '../schemas.ts'

/** Names in one query; without any, it is all functions. */
const namesMax = 100

export const eventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/events',
    id: 'streamEvents',
    tag: 'Server',
    summary: 'How the server is, as it changes',
    description: `Server-sent events. First a \`snapshot\`: \`functions\` with how many of their jobs wait, run and are dead, what has become of them since the server's start (\`totals\`), \`rates\` a second over the last 10 s and the last minute, and times to wait and run of the last minute or two; and \`findings\`, what is wrong now, as listFindings tells it. Then each second \`counters\`, which has the functions that have changed since the last one, whole, and the names of those that are \`gone\`; and all \`findings\`, if they have changed. \`change\` comes at once: its \`kind\` is \`policy\`, \`schedule\`, \`workers\`, \`job died\`, \`store\` or \`stopping\`.

\`all\` (functions together) and \`server\` are for those who may view all functions. A reader that is slow misses seconds, and gets then what has changed meanwhile.`,
    access: ['view'],
    query: z.strictObject({
      interval: count(1, 60).default(1).meta({ description: 'Seconds from one `counters` to the next' }),
      function: z
        .union([functionName.transform((name) => [name]), z.array(functionName).max(namesMax)])
        .optional()
        .meta({ description: `Only this function; up to ${namesMax} times. Without: all` }),
    }),
    answers: { 200: { description: 'The events', content: { bytes: 'text/event-stream' } } },
    async handle({ actor, query, response, signal }, { access, feed }): Promise<Answer> {
      await feed.prepare()
      if (signal.aborted) return streamed
      let leave = () => {}
      const stream = new EventStream(response, () => leave())
      const leaveFeed = feed.add(stream, { actor, names: query.function, interval: query.interval })
      // Who still may comes again.
      const leaveAccess = access.listen(() => stream.end())
      leave = () => {
        leaveFeed()
        leaveAccess()
      }
      return streamed
    },
  }),
]
