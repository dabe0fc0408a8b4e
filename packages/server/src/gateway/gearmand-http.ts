import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isLoopback, plainAddress } from '../access/network.ts'
import { AnswerLine } from '../http/answer-line.ts'
import { limitPerAddress } from '../http/connection-count.ts'
import { HttpListenError } from '../http/http-listen-error.ts'
import { nodeLimits } from '../http/node-limits.ts'
import { isFromOtherSite, KnownHosts } from '../http/same-site.ts'
import type { ListeningAddress } from '../listening-address.ts'
import { version } from '../version.ts'
import { type GearmandHttpContext, GearmandHttpJob, refuse } from './gearmand-http-job.ts'
import { readBody, readRequest } from './gearmand-http-request.ts'

export interface GearmandHttpOptions {
  readonly listen: string
  readonly port: number
  /** Names that the server is reached by, beside `localhost` and addresses. */
  readonly hosts: readonly string[]
}

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT']

/** gearmand's own protocol over HTTP: `POST /function`, and the result is the answer. Always without TLS. */
export class GearmandHttp {
  /** To be closed with the others that listen: connections with a request under way go on. */
  readonly listener: Server
  readonly #options: GearmandHttpOptions
  readonly #context: GearmandHttpContext
  /** Undefined: it may have any. */
  readonly #hosts: KnownHosts | undefined
  /** Those whose answers have not left. */
  readonly #jobs = new Set<GearmandHttpJob>()
  #onIdle: () => void = () => {}

  constructor(options: GearmandHttpOptions, context: GearmandHttpContext) {
    const { limits } = context
    this.#options = options
    this.#context = context
    // What listens on the network is known there by names that nobody has told it.
    this.#hosts =
      options.listen === 'localhost' || isLoopback(options.listen) ? new KnownHosts(options.hosts) : undefined
    this.listener = createServer({ ...nodeLimits(limits), noDelay: true }, (request, response) =>
      answers.whenNear(response, () => void this.#serve(request, response)),
    )
    this.listener.maxConnections = limits.httpConnectionsMax
    limitPerAddress(this.listener, limits.httpConnectionsPerAddressMax)
    const answers = new AnswerLine(this.listener, limits.outputTimeoutMs)
    this.listener.on('clientError', (error: Error, socket: Socket) => refuseUnreadable(error, socket, answers))
  }

  /** Rejects with an HttpListenError if it can't listen there. */
  listen(): Promise<ListeningAddress> {
    const { listen, port } = this.#options
    const host = listen === '*' || listen === '' ? {} : { host: listen }
    return new Promise((resolve, reject) => {
      this.listener.once('error', (cause) => reject(new HttpListenError(listen, port, { cause }, 'gearmand-http')))
      this.listener.listen({ port, backlog: 4096, ...host }, () => {
        // It listens on TCP, whose addresses are objects.
        const { address, port: actualPort } = this.listener.address() as AddressInfo
        resolve({ address, port: actualPort })
      })
    })
  }

  /** Those that still wait are told that the server closes. What is not sent when the time is over is lost. */
  async close(graceMs: number): Promise<void> {
    for (const job of this.#jobs) job.end()
    if (this.#jobs.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
        this.#context.clock.after(graceMs, resolve)
      })
    }
    this.listener.closeAllConnections()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Server', `Gearman/${version}`)
    // What a worker made is not for a browser to show.
    response.setHeader('Content-Type', 'application/octet-stream')
    response.setHeader('X-Content-Type-Options', 'nosniff')
    const { access, limits } = this.#context
    if (!methods.includes(request.method ?? '')) {
      response.setHeader('Allow', methods.join(', '))
      return refuse(response, 405, 'METHOD_NOT_ALLOWED Send GET, HEAD, POST or PUT of /function')
    }
    const { headers } = request
    const { host = '' } = headers
    const isKnown = this.#hosts === undefined || host === '' || this.#hosts.has(host)
    if (isFromOtherSite(headers) || !isKnown) {
      return refuse(response, 403, 'CROSS_SITE A page of another site can not have jobs done here')
    }
    const job = readRequest(request)
    if (job.function === '') return void response.writeHead(404, { 'Content-Length': 0 }).end()
    const actor = access.identify({ address: plainAddress(request.socket.remoteAddress ?? '-') })
    if (!actor.may('submit', job.function)) return refuse(response, 403, 'ACCESS_DENIED This is not allowed to you')
    // A peer that leaves before it has sent all has no job.
    const bytesMax = Math.min(
      limits.httpBodyBytesMax,
      limits.packetBytesMax - job.function.length - job.unique.length - 2,
    )
    const body = await readBody(request, bytesMax).catch(() => null)
    if (body === null || response.destroyed) return
    if (body === undefined) {
      // The rest of it is not read.
      response.setHeader('Connection', 'close')
      return refuse(response, 413, `BODY_TOO_LARGE A body may have ${bytesMax} bytes on this server`)
    }
    const running = new GearmandHttpJob(this.#context, actor, job, body, response)
    this.#jobs.add(running)
    response.once('close', () => {
      this.#jobs.delete(running)
      if (this.#jobs.size === 0) this.#onIdle()
    })
  }
}

function refuseUnreadable(error: Error & { code?: string }, socket: Socket, answers: AnswerLine): void {
  if (error.code === 'ECONNRESET' || !socket.writable || answers.isBusy(socket)) return void socket.destroy()
  const isLong = error.code === 'HPE_HEADER_OVERFLOW'
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const status = isLong ? '431 Request Header Fields Too Large' : isLate ? '408 Request Timeout' : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nX-Gearman-Command: ERROR\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
}
