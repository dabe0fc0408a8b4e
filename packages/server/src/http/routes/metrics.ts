import { metricsType } from '../../metrics/metrics.ts'
import { type Route, route } from '../route.ts'

export const metricsRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/metrics',
    id: 'getMetrics',
    tag: 'Server',
    summary: 'Figures for Prometheus',
    description:
      'Text in the format 0.0.4. Those of the server as a whole are for those who may view all functions; others get those of the functions that they may view.',
    access: ['view'],
    answers: { 200: { description: 'The figures', content: { bytes: 'text/plain' } } },
    async handle({ actor }, { metrics }) {
      const text = await metrics.text(actor)
      return { status: 200, bytes: Buffer.from(text), headers: { 'content-type': metricsType } }
    },
  }),
]
