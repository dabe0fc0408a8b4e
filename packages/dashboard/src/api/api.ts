/** The server has refused a request, or could not be reached. The message is a sentence for a person. */
export class ApiError extends Error {
  /** 0: it could not be reached. */
  readonly status: number
  /** As of the API's problems: `NOT_FOUND`; `UNREACHABLE` if there was no answer. */
  readonly code: string

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ApiError'
    this.status = status
    this.code = code
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** A path below `api`, each of whose parts is a name: `` path`functions/${name}/pause` ``. */
export function path(texts: TemplateStringsArray, ...names: readonly (string | number)[]): string {
  return String.raw({ raw: texts }, ...names.map(segment))
}

/**
 * Browsers take `.` and `..` for places elsewhere, however they are written: what is so called has no address. With a NUL,
 * which no name has, the server says so, and nothing else is asked for or changed.
 */
function segment(name: string | number): string {
  const text = encodeURIComponent(name)
  return text === '.' || text === '..' ? `${text}%00` : text
}

/** Relative to the page, which lies one segment below where the server does. */
export function apiUrl(to: string, query: Query = {}): string {
  const asked = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined) asked.set(key, String(value))
  return asked.size === 0 ? `api/${to}` : `api/${to}?${asked}`
}

/** Rejects with an ApiError, or as fetch does if it is aborted. The answer is as the API's description says. */
export async function get<Answer>(to: string, query?: Query, signal?: AbortSignal): Promise<Answer> {
  return (await ask(apiUrl(to, query), { signal: signal ?? null })) as Answer
}

/** The same for what changes something; a body that is not bytes goes as JSON. */
export async function send<Answer = undefined>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  to: string,
  body?: unknown,
  query?: Query,
): Promise<Answer> {
  return (await ask(apiUrl(to, query), { method, ...bodyOf(body) })) as Answer
}

/** The answer to bytes, whatever it is. Rejects with an ApiError if they are refused. */
export async function postBytes(to: string, body: Uint8Array, query: Query, signal: AbortSignal): Promise<Response> {
  const response = await reach(apiUrl(to, query), { method: 'POST', ...bodyOf(body), signal })
  if (!response.ok) throw await problemOf(response)
  return response
}

/** The first bytes of an answer. */
export interface Beginning {
  readonly bytes: Uint8Array
  /** There are no more. */
  readonly isWhole: boolean
  /** Of the whole answer; undefined: it does not say. */
  readonly size: number | undefined
}

/** No more than `bytesMax` of them are fetched. */
export async function getBytes(to: string, bytesMax: number, signal?: AbortSignal): Promise<Beginning> {
  const response = await reach(apiUrl(to), { signal: signal ?? null })
  if (!response.ok) throw await problemOf(response)
  const reader = response.body?.getReader()
  const bytes = new Uint8Array(bytesMax)
  let length = 0
  for (;;) {
    const { value } = (await reader?.read()) ?? {}
    if (value === undefined) return { bytes: bytes.slice(0, length), isWhole: true, size: length }
    const taken = value.subarray(0, bytesMax - length)
    bytes.set(taken, length)
    length += taken.length
    if (taken.length === value.length) continue
    void reader?.cancel()
    const size = response.headers.get('content-length')
    return { bytes, isWhole: false, size: size === null ? undefined : Number(size) }
  }
}

function bodyOf(body: unknown): RequestInit {
  if (body === undefined) return {}
  // A view of an ArrayBuffer, as all are here; only a shared one would not do.
  if (body instanceof Uint8Array) {
    return { body: body as Uint8Array<ArrayBuffer>, headers: { 'content-type': 'application/octet-stream' } }
  }
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  const response = await reach(url, init)
  if (!response.ok) throw await problemOf(response)
  return response.status === 204 ? undefined : await response.json()
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'UNREACHABLE', 'The server can not be reached.', { cause: error })
  }
}

/** A proxy's answers are no problems of the API's. */
async function problemOf(response: Response): Promise<ApiError> {
  const { status } = response
  const problem: unknown = await response.json().catch(() => undefined)
  if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem) {
    return new ApiError(status, String(problem.code), String(problem.detail))
  }
  return new ApiError(status, 'UNREACHABLE', `The answer was ${status} ${response.statusText}, and not the server's.`)
}
