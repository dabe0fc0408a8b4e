import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'

/*
 * A program: what the framework under our HTTP side takes by itself. It reads the body of a request and answers, with a
 * header and a few bytes of JSON, as a job server would that has nothing to do.
 */

const app = fastify()
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
let count = 0
app.post('/api/functions/:function/jobs', async (_request, reply) => {
  const handle = `H:bare:${++count}`
  return reply.code(202).header('location', `/api/jobs/${handle}`).send({ handle })
})
await app.listen({ host: '127.0.0.1', port: 0, backlog: 4096 })
// It listens on TCP, whose addresses are objects.
console.log((app.server.address() as AddressInfo).port)
