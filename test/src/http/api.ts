import assert from 'node:assert/strict'
import { createServer, type Server, type ServerOptions } from '@geartrain/server'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** What the tests read of an OpenAPI document. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>
  readonly components: object
}

export interface ApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly parameters: readonly ApiParameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
  readonly 'x-roles': readonly string[] | 'everyone'
}

export interface ApiParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: Readonly<Record<string, unknown>>
}

type Content = Readonly<Record<string, { readonly schema?: Readonly<Record<string, unknown>> }>>

/** A server with an HTTP side of its own, and a client that holds each answer against the API's own description. */
export class Api implements AsyncDisposable {
  readonly server: Server
  readonly document: ApiDocument
  readonly origin: string
  /** Operations and statuses that were met: `getJob 200`. */
  readonly met = new Set<string>()
  readonly #validators = new Map<object, ValidateFunction>()
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })

  constructor(server: Server, origin: string, document: ApiDocument) {
    this.server = server
    this.origin = origin
    this.document = document
    this.#ajv.addSchema({ $id: 'api', components: document.components })
  }

  /** The answer, which is as described. */
  async call(operationId: string, request: ApiRequest = {}): Promise<Response> {
    const { operation } = this.#find(operationId)
    const answer = await fetch(...this.#requestOf(operationId, request))
    await this.#check(operation, answer.clone())
    return answer
  }

  /** The same for an answer of JSON. */
  async json(operationId: string, request: ApiRequest = {}): Promise<unknown> {
    const answer = await this.call(operationId, request)
    const text = await answer.text()
    assert.ok(answer.ok, `${operationId}: ${answer.status} ${text}`)
    return JSON.parse(text)
  }

  /** An answer of events, when it has begun; `end` is to be called when they are enough. */
  async stream(operationId: string, request: ApiRequest = {}): Promise<{ end(): Promise<void> }> {
    const { operation } = this.#find(operationId)
    const answer = await fetch(...this.#requestOf(operationId, request))
    const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? ''
    assert.ok(
      operation.responses[answer.status]?.content?.[type] !== undefined,
      `${operationId} ${answer.status} ${type}`,
    )
    this.met.add(`${operationId} ${answer.status}`)
    return { end: async () => answer.body?.cancel() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close(0)
  }

  #requestOf(operationId: string, request: ApiRequest): [url: string, init: RequestInit] {
    const { path, method } = this.#find(operationId)
    const { params = {}, query = {}, body, ...init } = request
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = params[name]
      assert.ok(value !== undefined, `${operationId} needs ${name}`)
      return encodeURIComponent(value)
    })
    const search = new URLSearchParams(query).toString()
    const isBytes = typeof body === 'string' || body instanceof Uint8Array
    return [
      `${this.origin}${filled}${search === '' ? '' : `?${search}`}`,
      {
        method: method.toUpperCase(),
        ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
        ...init,
        headers: { ...(isBytes || body === undefined ? {} : { 'content-type': 'application/json' }), ...init.headers },
      },
    ]
  }

  async #check(operation: ApiOperation, answer: Response): Promise<void> {
    const { operationId, responses } = operation
    const row = responses[String(answer.status)]
    assert.ok(row !== undefined, `${operationId} may not answer ${answer.status}: ${await answer.clone().text()}`)
    this.met.add(`${operationId} ${answer.status}`)
    const type = answer.headers.get('content-type')?.split(';', 1)[0] ?? ''
    if (row.content === undefined) return assert.equal(await answer.text(), '', `${operationId} has no body`)
    const entry = row.content[type] ?? row.content['*/*']
    assert.ok(entry !== undefined, `${operationId} ${answer.status} may not be ${type}`)
    if (entry.schema === undefined) return
    const validate = this.#validator(entry.schema)
    const body: unknown = await answer.json()
    const where = `${operationId} ${answer.status}: ${JSON.stringify(body).slice(0, 2000)}`
    assert.ok(validate(body), `${where}\n${this.#ajv.errorsText(validate.errors)}`)
  }

  #validator(schema: object): ValidateFunction {
    const known = this.#validators.get(schema)
    if (known !== undefined) return known
    const isReference = '$ref' in schema && typeof schema.$ref === 'string'
    const validate = this.#ajv.compile(isReference ? { $ref: `api${String(schema.$ref)}` } : schema)
    this.#validators.set(schema, validate)
    return validate
  }

  #find(operationId: string): { path: string; method: string; operation: ApiOperation } {
    for (const [path, methods] of Object.entries(this.document.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.operationId === operationId) return { path, method, operation }
      }
    }
    throw new Error(`there is no operation ${operationId}`)
  }
}

export interface ApiRequest {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** An object goes as JSON. */
  readonly body?: string | Uint8Array<ArrayBuffer> | object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export async function startApi(options: Partial<ServerOptions> = {}): Promise<Api> {
  const server = createServer({ port: 0, http: '127.0.0.1:0', ...options })
  await server.listen()
  const origin = `http://127.0.0.1:${server.httpAddress?.port}`
  const answer = await fetch(`${origin}/api/openapi.json`)
  // The document says itself what it is; what the tests read of it is checked by its own schema elsewhere.
  return new Api(server, origin, (await answer.json()) as ApiDocument)
}
