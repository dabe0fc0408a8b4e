import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

interface ProxyOptions {
  /** Streams of events end after that. */
  readonly streamMs?: number
}

/** Shows a server below a path, which it takes away. It keeps nothing back. */
export class Proxy implements AsyncDisposable {
  /** What was asked for beside the path. */
  readonly strays: string[] = []
  /** Streams that it has ended. */
  cuts = 0
  readonly #server: http.Server
  readonly #prefix: string

  private constructor(target: string, prefix: string, { streamMs }: ProxyOptions) {
    this.#prefix = prefix
    const { hostname, port } = new URL(target)
    this.#server = http.createServer((request, response) => {
      const { method, url = '', headers } = request
      if (!url.startsWith(`${prefix}/`)) {
        this.strays.push(url)
        response.writeHead(404).end()
        return
      }
      const asked = http.request({ hostname, port, method, headers, path: url.slice(prefix.length) }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
        if (streamMs === undefined || answer.headers['content-type']?.startsWith('text/event-stream') !== true) return
        const timer = setTimeout(() => {
          this.cuts++
          answer.destroy()
          response.destroy()
        }, streamMs)
        answer.once('close', () => clearTimeout(timer))
      })
      asked.on('error', () => response.destroy())
      response.once('close', () => asked.destroy())
      request.pipe(asked)
    })
  }

  static async start(target: string, prefix: string, options: ProxyOptions = {}): Promise<Proxy> {
    const proxy = new Proxy(target, prefix, options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** Where the dashboard is, without a slash at the end. */
  get address(): string {
    // It listens on TCP, whose addresses are objects.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#prefix}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}
