import { z } from 'zod'
import { type Route, route } from '../route.ts'
import { functionName } from '../schemas.ts'
import * as shapes from '../shapes.ts'

const query = z.strictObject({
  function: functionName
    .meta({ description: 'Only connections that can do this function, or do a job of it; or a pattern such as mail.*' })
    .exactOptional(),
  after: shapes.cursor,
  limit: shapes.limit,
})
const page = { connections: z.array(shapes.connectionState), next: shapes.next }

const listWorkers = route({
  method: 'GET',
  path: '/api/workers',
  id: 'listWorkers',
  tag: 'Workers',
  summary: 'Connections of workers: who they are and what they do',
  description: 'In a cluster, those of the asked server: ask each one for its own.',
  access: ['view'],
  query,
  answers: { 200: { description: 'A page, in the order in which they came', content: z.object(page) } },
  async handle({ actor, query: asked }, { perform }) {
    return { status: 200, json: await perform('connections', { ...asked, workers: true }, actor) }
  },
})

const listConnections = route({
  method: 'GET',
  path: '/api/connections',
  id: 'listConnections',
  tag: 'Workers',
  summary: 'All connections, of workers and clients',
  description:
    'Connections without a function, clients among them, are shown only to those who may view all functions. In a cluster, those of the asked server.',
  access: ['view'],
  query,
  answers: { 200: { description: 'A page, in the order in which they came', content: z.object(page) } },
  async handle({ actor, query: asked }, { perform }) {
    return { status: 200, json: await perform('connections', asked, actor) }
  },
})

const closeConnection = route({
  method: 'DELETE',
  path: '/api/connections/{id}',
  id: 'closeConnection',
  tag: 'Workers',
  summary: 'End a connection',
  description: 'Jobs that it has go to other workers. Nothing keeps its peer from connecting again.',
  access: ['admin'],
  params: z.object({
    id: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, 'it is a number')
      .transform(Number)
      .meta({ description: 'Of the connection, as lists have it' }),
  }),
  answers: { 204: { description: 'It is ended' } },
  problems: ['NOT_FOUND', 'CROSS_SITE'],
  async handle({ actor, params: { id } }, { perform }) {
    await perform('connection close', { id }, actor)
    return { status: 204 }
  },
})

/** Who speaks to the server. */
export const workerRoutes: readonly Route[] = [listWorkers, listConnections, closeConnection]
