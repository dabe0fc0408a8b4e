import { type IncomingMessage, request } from 'node:http'
import { until } from '../support/until.ts'

export interface ServerSentEvent {
  readonly event: string
  readonly data: unknown
}

/** Reads an event stream of HTTP, with Node's client. */
export class EventReader implements Disposable {
  readonly events: ServerSentEvent[] = []
  readonly #response: IncomingMessage
  #text = ''
  isClosed = false

  private constructor(response: IncomingMessage) {
    this.#response = response
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#read(text))
    response.on('error', () => {})
    response.on('close', () => {
      this.isClosed = true
    })
  }

  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    return new EventReader(await respond(url, headers))
  }

  /** The first one that is such, from the first that was not asked for before. */
  async next(what: string, isIt: (event: ServerSentEvent) => boolean): Promise<unknown> {
    await until(`a reader got ${what}`, () => {
      while (this.events.length > 0) {
        const [event] = this.events
        if (event !== undefined && isIt(event)) return true
        this.events.shift()
      }
      return false
    })
    return this.events.shift()?.data
  }

  named(name: string): Promise<unknown> {
    return this.next(name, ({ event }) => event === name)
  }

  [Symbol.dispose](): void {
    this.#response.destroy()
  }

  #read(text: string): void {
    const parts = (this.#text + text).split('\n\n')
    this.#text = parts.pop() ?? ''
    for (const part of parts) {
      const [, event, data] = /^event: (.*)\n(?:id: .*\n)?data: (.*)$/s.exec(part.trim()) ?? []
      if (event !== undefined && data !== undefined) this.events.push({ event, data: JSON.parse(data) })
    }
  }
}

function respond(url: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).on('error', reject).end()
  })
}
