import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Actor, Role } from '../access/actor.ts'
import type { HttpContext } from './context.ts'
import type { ProblemCode } from './problem.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What a body is: JSON that a schema describes, or bytes of that type. */
export type Content = z.ZodType | { readonly bytes: string }

export interface AnswerRow {
  readonly description: string
  /** Undefined: none. */
  readonly content?: Content
  /** To those who accept this and not the other. */
  readonly orContent?: Content
  /** What each header of its own is. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A row of the table of operations: it routes, validates and documents. Texts in requests are UTF-8. */
export interface Route<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Headers extends z.ZodType = z.ZodType,
  Body extends Content | undefined = Content | undefined,
  Context = HttpContext,
> {
  readonly method: Method
  /** `/api/jobs/{handle}`. */
  readonly path: string
  /** The operation's name in OpenAPI, unique: `getJob`. */
  readonly id: string
  readonly tag: 'Jobs' | 'Functions' | 'Dead jobs' | 'Schedules' | 'Workers' | 'Server' | 'Session'
  /** A line, and if needed more. */
  readonly summary: string
  readonly description?: string
  /** Any of these on any function is enough to be let in; what it takes on the one in question is the handler's to check. */
  readonly access: readonly Role[] | 'everyone'
  readonly params?: Params
  readonly query?: Query
  readonly headers?: Headers
  readonly body?: Body
  /** By status; problems are added by `problems`, those that every operation can have by themselves. */
  readonly answers: Readonly<Record<number, AnswerRow>>
  readonly problems?: readonly ProblemCode[]
  handle(request: RouteRequest<Params, Query, Headers, Body>, context: Context): Promise<Answer> | Answer
}

/** All but what it does. */
export type RouteRow = Omit<Route, 'handle'>

/** One whose handler is given that. */
export type RouteFor<Context> = Route<z.ZodType, z.ZodType, z.ZodType, Content | undefined, Context>

export interface RouteRequest<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Headers extends z.ZodType = z.ZodType,
  Body extends Content | undefined = Content | undefined,
> {
  readonly actor: Actor
  readonly params: z.output<Params>
  readonly query: z.output<Query>
  readonly headers: z.output<Headers>
  readonly body: Body extends z.ZodType ? z.output<Body> : Body extends { bytes: string } ? Buffer : undefined
  /** As they came; the names are in small letters. */
  readonly rawHeaders: IncomingHttpHeaders
  /** Aborted when the peer has left. */
  readonly signal: AbortSignal
  /** For an answer that is written by hand: return `streamed` then. */
  readonly response: ServerResponse
}

/** What a handler gives: JSON of any kind, bytes or a stream; or it has written the answer itself. */
export type Answer =
  | {
      readonly status: number
      readonly json?: unknown
      readonly bytes?: Uint8Array
      readonly stream?: Readable
      readonly headers?: Readonly<Record<string, string>>
    }
  | typeof streamed

export const streamed = 'streamed'

/** A row whose handler knows the types of its parts. */
export function route<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Headers extends z.ZodType,
  Body extends Content | undefined,
  Context = HttpContext,
>(row: Route<Params, Query, Headers, Body, Context>): RouteFor<Context> {
  // Who calls the handler has read the parts with the row's own schemas.
  return row as unknown as RouteFor<Context>
}
