import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Actor } from '../access/actor.ts'
import { parseJson } from './json-body.ts'
import { signalOf } from './peer-signal.ts'
import { Problem } from './problem.ts'
import type { RouteRequest, RouteRow } from './route.ts'

/**
 * A request as its row describes it. What few handlers ask for is made when they do. A class, since getters of an object
 * of its own for each request would each be a class of their own to V8, which cleans up after them late.
 */
export class RowRequest implements RouteRequest {
  readonly actor: Actor
  readonly params: unknown
  readonly query: unknown
  // What a row without a body calls undefined.
  readonly body: never
  readonly #row: RouteRow
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply

  constructor(row: RouteRow, request: FastifyRequest, reply: FastifyReply) {
    this.actor = request.actor
    this.params = read(row.params, request.params, 'in the path')
    this.query = readQuery(row, request)
    // A handler knows what its row's body is.
    this.body = readBody(row, request) as never
    this.#row = row
    this.#request = request
    this.#reply = reply
  }

  get headers(): unknown {
    return read(this.#row.headers, this.#request.headers, 'in the headers')
  }

  get rawHeaders(): IncomingHttpHeaders {
    return this.#request.headers
  }

  get signal(): AbortSignal {
    return signalOf(this.#request.raw, this.#reply.raw)
  }

  get response(): ServerResponse {
    return this.#reply.raw
  }
}

function read(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  if (schema === undefined) return undefined
  const found = schema.safeParse(value)
  if (found.success) return found.data
  const [issue] = found.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new Problem('BAD_REQUEST', `${path === '' ? '' : `"${path}" `}${where}: ${issue?.message ?? 'it is wrong'}`)
}

/** Most requests have none, and what that is for a row is found once. */
function readQuery(row: RouteRow, { query }: FastifyRequest): unknown {
  for (const _ in query as object) return read(row.query, query, 'in the query')
  const known = emptyQueries.get(row)
  if (known !== undefined) return known
  const empty = read(row.query, {}, 'in the query')
  emptyQueries.set(row, empty)
  return empty
}

const emptyQueries = new WeakMap<RouteRow, unknown>()

function readBody({ body: content }: RouteRow, { body, headers }: FastifyRequest): unknown {
  if (content === undefined) return undefined
  // The parser gives nothing else.
  const bytes = (body as Buffer | undefined) ?? Buffer.alloc(0)
  if ('bytes' in content) return bytes
  return read(content, parseJson(bytes, headers['content-type']), 'in the body')
}
