import { type Route, route } from '../route.ts'
import { serverState } from '../shapes.ts'

const showServer = route({
  method: 'GET',
  path: '/api/server',
  id: 'getServer',
  tag: 'Server',
  summary: 'The server itself: version, addresses, store, limits, memory and totals',
  access: ['view'],
  answers: { 200: { description: 'The server', content: serverState } },
  problems: ['STORE_FAILED'],
  async handle({ actor }, { perform }) {
    return { status: 200, json: await perform('server show', {}, actor) }
  },
})

export const serverRoutes: readonly Route[] = [showServer]
