import type { ControlErrorCode } from '@geartrain/protocol'

/**
 * Every way in which a request can fail: a code that stays, its status, and what it is. The body is a problem
 * document (RFC 9457): `type` is `/problems/` and the code, `code` is it alone, `detail` is a sentence.
 */
export const problems = {
  BAD_REQUEST: { status: 400, title: 'The request is not well formed' },
  UNAUTHORIZED: { status: 401, title: 'A token is needed' },
  ACCESS_DENIED: { status: 403, title: 'This is not allowed to you' },
  CROSS_SITE: { status: 403, title: 'The request comes from another site' },
  NOT_FOUND: { status: 404, title: 'There is no such thing' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'This can not be done with it' },
  CONFLICT: { status: 409, title: 'Its state does not allow this' },
  JOB_NOT_YOURS: { status: 409, title: 'The lease is over, or the job is not yours' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is larger than this server takes' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are larger than this server takes' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body is of a kind that is not taken here' },
  WRONG_HOST: { status: 421, title: 'This server is not known by that name' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests' },
  QUEUE_FULL: { status: 429, title: 'The queue is full' },
  FUNCTION_DRAINING: { status: 503, title: 'The function takes no new jobs' },
  INTERNAL_ERROR: { status: 500, title: 'A fault of the server' },
  JOB_FAILED: { status: 502, title: 'The job has failed' },
  JOB_EXCEPTION: { status: 502, title: 'The job has failed, and says why' },
  SHUTTING_DOWN: { status: 503, title: 'The server is shutting down' },
  NOT_READY: { status: 503, title: 'The server is not ready' },
  STORE_FAILED: { status: 503, title: 'The store does not work' },
  JOB_TIMEOUT: { status: 504, title: 'The job was not done in time' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>

export const problemType = 'application/problem+json; charset=utf-8'

export type ProblemCode = keyof typeof problems

/** Why a request is refused: a sentence for who has made it. More members of the document can be given. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly members: Readonly<Record<string, unknown>>

  constructor(code: ProblemCode, detail: string, members: Readonly<Record<string, unknown>> = {}) {
    super(detail)
    this.code = code
    this.members = members
  }

  get status(): number {
    return problems[this.code].status
  }

  toJSON(): object {
    const { status, title } = problems[this.code]
    return { type: `/problems/${this.code}`, title, status, code: this.code, detail: this.message, ...this.members }
  }
}

/** What Control refuses has the same names here. */
export function problemOf({ code, message }: { readonly code: ControlErrorCode; readonly message: string }): Problem {
  return new Problem(code, message)
}
