import { type ClientRequest, type IncomingMessage, request } from 'node:http'

export interface ServerSentEvent {
  readonly event: string
  readonly data: unknown
}

/** Reads server-sent events over a connection of its own, one after the other as the test asks for them. */
export class JobEventReader {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly #request: ClientRequest
  readonly #response: IncomingMessage
  readonly #chunks: AsyncIterator<string>
  #text = ''

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    this.#request = sent
    this.#response = response
    response.setEncoding('utf8')
    this.#chunks = response[Symbol.asyncIterator]()
  }

  static open(
    url: string,
    init: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ): Promise<JobEventReader> {
    const { method = 'GET', body, headers } = init
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, agent: false, headers: { accept: 'text/event-stream', ...headers } })
      sent.once('response', (response) => resolve(new JobEventReader(sent, response)))
      sent.once('error', reject)
      sent.end(body)
    })
  }

  /** Undefined: the stream has ended. */
  async next(): Promise<ServerSentEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end >= 0) {
        const block = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        const read = eventOf(block)
        if (read !== undefined) return read
      } else {
        const { done, value } = await this.#chunks.next()
        if (done === true) return undefined
        this.#text += value
      }
    }
  }

  /** Those that are still to come. */
  async rest(): Promise<ServerSentEvent[]> {
    const events: ServerSentEvent[] = []
    for (let read = await this.next(); read !== undefined; read = await this.next()) events.push(read)
    return events
  }

  close(): void {
    this.#response.destroy()
    this.#request.destroy()
  }
}

/** Undefined: a comment. */
function eventOf(block: string): ServerSentEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf(': ')
      return [line.slice(0, at), line.slice(at + 2)]
    }),
  )
  const event = fields.get('event')
  if (event === undefined) return undefined
  return { event, data: JSON.parse(fields.get('data') ?? 'null') }
}
