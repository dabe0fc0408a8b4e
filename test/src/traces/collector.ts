import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { z } from 'zod'

type Attributes = Readonly<Record<string, string | number | boolean>>

/** A span as OTLP's JSON has it, with its attributes as one object. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly error: string | undefined
}

export interface Received {
  readonly path: string
  readonly resource: Attributes
  readonly spans: readonly ReceivedSpan[]
  /** Nothing is answered before. */
  answer(status: number, body?: object): void
}

/** A collector of traces, which checks what it is sent and keeps it for the test. */
export class Collector implements AsyncDisposable {
  readonly #server: http.Server
  readonly #received: Received[] = []
  readonly #faults: unknown[] = []
  #wake: () => void = () => {}
  /** Requests that have come, ever. */
  count = 0
  /** What each request is answered with at once; undefined: the test does it. */
  status: number | undefined = 200

  private constructor(server: http.Server) {
    this.#server = server
    server.on('request', (request, response) => void this.#take(request, response))
  }

  static async start(port = 0): Promise<Collector> {
    const server = http.createServer()
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new Collector(server)
  }

  get port(): number {
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return address.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The next request that has not been asked for. */
  async next(): Promise<Received> {
    for (;;) {
      if (this.#faults.length > 0) throw this.#faults[0]
      const received = this.#received.shift()
      if (received !== undefined) return received
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Spans of as many requests as it takes. */
  async spans(count: number): Promise<readonly ReceivedSpan[]> {
    const spans: ReceivedSpan[] = []
    while (spans.length < count) spans.push(...(await this.next()).spans)
    return spans
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = []
      // A request's chunks are bytes where no encoding was set.
      for await (const chunk of request) chunks.push(chunk as Buffer)
      assert.equal(request.method, 'POST')
      assert.equal(request.headers['content-type'], 'application/json')
      const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
      const answer = (status: number, answered: object = {}) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered))
      }
      this.count++
      this.#received.push({ path: request.url ?? '', ...readRequest(body), answer })
      if (this.status !== undefined) answer(this.status)
    } catch (error) {
      this.#faults.push(error)
      response.destroy()
    }
    this.#wake()
  }
}

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`))
const nanoseconds = z
  .string()
  .regex(/^\d{19}$/)
  .transform((text) => Number(BigInt(text) / 1_000_000n))

/** As one object. */
const attributes = z
  .array(
    z.strictObject({
      key: z.string(),
      value: z.union([
        z.strictObject({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
        z.strictObject({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
        z.strictObject({ intValue: z.string().regex(/^\d+$/) }).transform(({ intValue }) => Number(intValue)),
      ]),
    }),
  )
  .transform((list): Attributes => Object.fromEntries(list.map(({ key, value }) => [key, value])))

const span = z
  .strictObject({
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: hex(16).optional(),
    name: z.string(),
    kind: z.int(),
    startTimeUnixNano: nanoseconds,
    endTimeUnixNano: nanoseconds,
    attributes,
    status: z.strictObject({ code: z.literal(2), message: z.string() }).optional(),
  })
  .transform(({ startTimeUnixNano: startMs, endTimeUnixNano: endMs, status, parentSpanId, ...rest }): ReceivedSpan => {
    assert.ok(startMs <= endMs)
    return { ...rest, parentSpanId, startMs, endMs, error: status?.message }
  })

const scopeSpans = z.strictObject({
  scope: z.strictObject({ name: z.literal('geartrain'), version: z.string() }),
  spans: z.array(span),
})

/** Of OTLP, what the server uses. */
const exportRequest = z.strictObject({
  resourceSpans: z.tuple([
    z.strictObject({ resource: z.strictObject({ attributes }), scopeSpans: z.tuple([scopeSpans]) }),
  ]),
})

function readRequest(body: unknown): Pick<Received, 'resource' | 'spans'> {
  const [{ resource, scopeSpans: scopes }] = exportRequest.parse(body).resourceSpans
  return { resource: resource.attributes, spans: scopes[0].spans }
}
