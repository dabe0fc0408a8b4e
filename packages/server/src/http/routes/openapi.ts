import { z } from 'zod'
import { openApi } from '../openapi.ts'
import { type Route, type RouteFor, route } from '../route.ts'

/** The description of all the others, and of itself. */
export function openApiRoute(others: readonly Route[]): RouteFor<unknown> {
  const all: Route[] = []
  let made: object | undefined
  const itself = route({
    method: 'GET',
    path: '/api/openapi.json',
    id: 'getOpenApi',
    tag: 'Server',
    summary: 'This API as OpenAPI 3.1',
    access: 'everyone',
    answers: { 200: { description: 'The document', content: z.looseObject({ openapi: z.string() }) } },
    handle: (_request, _context: unknown) => ({ status: 200, json: (made ??= openApi(all)) }),
  })
  all.push(...others, itself)
  return itself
}
