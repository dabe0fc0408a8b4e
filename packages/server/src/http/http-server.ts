import type { AddressInfo, Socket } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Actor } from '../access/actor.ts'
import { auditTo, subjectOf } from '../access/audit.ts'
import { wrongTokenLine } from '../access/denied.ts'
import { plainAddress } from '../access/network.ts'
import { delayMsMax } from '../clock.ts'
import type { Limits } from '../limits.ts'
import { isMissingAddress } from '../listeners.ts'
import type { ListeningAddress } from '../listening-address.ts'
import type { TlsSource } from '../tls/tls-source.ts'
import { AnswerLine } from './answer-line.ts'
import { limitPerAddress } from './connection-count.ts'
import type { CommonContext } from './context.ts'
import { type Doorkeeper, isLetIn } from './doorkeeper.ts'
import { nodeLimits } from './node-limits.ts'
import type { PageFile, Pages } from './pages.ts'
import { Problem, type ProblemCode, problemType } from './problem.ts'
import type { Answer, Method, RouteFor, RouteRow } from './route.ts'
import { RowRequest } from './row-request.ts'
import { securityHeaders } from './security-headers.ts'
import { unreadableAnswer } from './unreadable.ts'
import { WrongToken } from './wrong-token.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Once it is let in. */
    actor: Actor
  }
}

export interface HttpOptions {
  readonly listen: string
  readonly port: number
  readonly tls: TlsSource | undefined
}

const jsonType = 'application/json; charset=utf-8'
const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** The HTTP side: the table of operations on a framework, with what holds for all of them. */
export class HttpServer<Context extends CommonContext> {
  readonly #app: FastifyInstance
  readonly #options: HttpOptions
  readonly #context: Context
  readonly #doorkeeper: Doorkeeper
  readonly #answers: AnswerLine

  /** `pages` undefined: there are none. */
  constructor(
    routes: readonly RouteFor<Context>[],
    pages: Pages | undefined,
    options: HttpOptions,
    context: Context,
    doorkeeper: Doorkeeper,
  ) {
    this.#options = options
    this.#context = context
    this.#doorkeeper = doorkeeper
    const { tls } = options
    const { limits } = context
    const http = nodeLimits(limits)
    const common = {
      bodyLimit: limits.httpBodyBytesMax,
      requestTimeout: limits.httpRequestTimeoutMs,
      forceCloseConnections: true as const,
      routerOptions: { maxParamLength: limits.httpHeaderBytesMax },
      clientErrorHandler: (error: Error, socket: Socket) => this.#refuseUnreadable(error, socket),
      // What comes before any hook: a path that can't be read.
      frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
        this.#refuse(error, request, reply.headers(securityHeaders)),
    }
    // The two have types of their own, and are used alike.
    this.#app = (
      tls === undefined
        ? fastify({ ...common, http })
        : fastify({
            ...common,
            https: { ...http, ...tls.options, handshakeTimeout: limits.tlsHandshakeTimeoutMs || delayMsMax },
          })
    ) as FastifyInstance
    const { server } = this.#app
    server.maxConnections = limits.httpConnectionsMax
    limitPerAddress(server, limits.httpConnectionsPerAddressMax)
    this.#answers = new AnswerLine(server, limits.outputTimeoutMs)
    if (tls !== undefined) tls.onChanged((changed) => setSecureContext(server, changed))
    this.#app.decorateRequest('actor')
    this.#app.removeAllContentTypeParsers()
    this.#app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    this.#app.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply))
    this.#app.setNotFoundHandler((request, reply) => {
      const { method, headers } = request
      const file = method === 'GET' || method === 'HEAD' ? pages?.find(pathOf(request), headers.accept) : undefined
      if (file !== undefined) return sendPage(file, request, reply)
      this.#refuse(new Problem('NOT_FOUND', `there is nothing at ${method} ${pathOf(request)}`), request, reply)
    })
    this.#app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(securityHeaders)
      this.#answers.whenNear(reply.raw, done)
    })
    this.#addRoutes(routes)
  }

  /** Rejects with Node's error if it can't listen there. */
  async listen(): Promise<ListeningAddress> {
    const { listen, port } = this.#options
    if (listen !== '*' && listen !== '') await this.#app.listen({ host: listen, port, backlog: 4096 })
    // Every address is that of IPv6, which stands for those of IPv4 as well, but where it is switched off.
    else if (!(await this.#listenOn('::'))) await this.#app.listen({ host: '0.0.0.0', port, backlog: 4096 })
    // It listens on TCP, whose addresses are objects.
    const { address, port: actualPort } = this.#app.server.address() as AddressInfo
    return { address, port: actualPort }
  }

  /** False: the machine does not have such addresses. */
  async #listenOn(host: string): Promise<boolean> {
    try {
      await this.#app.listen({ host, port: this.#options.port, backlog: 4096 })
      return true
    } catch (error) {
      if (isMissingAddress(error)) return false
      throw error
    }
  }

  /** Takes no more connections; those that stream or wait are cut off. */
  async close(): Promise<void> {
    await this.#app.close()
  }

  #addRoutes(routes: readonly RouteFor<Context>[]): void {
    const known = new Map<string, Method[]>()
    for (const row of routes) {
      const url = row.path.replaceAll(/\{(\w+)\}/g, ':$1')
      known.set(url, [...(known.get(url) ?? []), row.method])
      this.#app.route({
        method: row.method,
        url,
        // Before the body is read: what is refused need not be held.
        onRequest: (request, _reply, done) => {
          request.actor = this.#letIn(row, request)
          done()
        },
        handler: (request, reply) => {
          // The framework is told only the answer, and has no promise to wait for.
          this.#handle(row, request, reply).catch((error: unknown) => this.#refuse(error, request, reply))
        },
      })
    }
    for (const [url, taken] of known) {
      this.#app.route({
        method: methods.filter((method) => !taken.includes(method)),
        url,
        handler: (request, reply) => {
          reply.header('allow', taken.join(', '))
          const detail = `${request.method} is not for ${pathOf(request)}, which takes ${taken.join(' and ')}`
          this.#refuse(new Problem('METHOD_NOT_ALLOWED', detail), request, reply)
        },
      })
    }
  }

  #letIn(row: RouteFor<Context>, request: FastifyRequest): Actor {
    const actor = this.#doorkeeper.letIn(request)
    if (isLetIn(actor, row)) return actor
    const problem = this.#doorkeeper.refusal(request, row)
    // Who comes further is audited by the operation.
    if (isAdministration(row)) {
      const subject = subjectOf({ ...(request.params as object) })
      auditTo(this.#context.log)({ operation: row.id, actor, subject, outcome: problem.code })
    }
    throw problem
  }

  async #handle(row: RouteFor<Context>, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const answer = await row.handle(new RowRequest(row, request, reply), this.#context)
    send(answer, reply)
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = toProblem(error, this.#context.limits)
    if (problem.code === 'INTERNAL_ERROR') {
      this.#context.log.error(
        { err: error, path: pathOf(request) },
        'a request over HTTP has failed, which is a fault of this program',
      )
    }
    if (problem instanceof WrongToken) {
      this.#context.log.warn({ address: plainAddress(request.socket.remoteAddress ?? '-') }, wrongTokenLine)
    }
    const { retryAfterSeconds } = problem.members
    if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds))
    if (problem.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer')
    void reply.code(problem.status).header('content-type', problemType).send(JSON.stringify(problem))
  }

  /** What can't even be read as HTTP. */
  #refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
    // Also what has not come as far as HTTP, by TLS.
    const isGone = error.code === 'ECONNRESET' || /^ERR_(SSL|TLS)_/.test(error.code ?? '') || !socket.writable
    if (isGone || this.#answers.isBusy(socket)) return void socket.destroy()
    socket.end(unreadableAnswer(error))
  }
}

function send(answer: Answer, reply: FastifyReply): void {
  if (answer === 'streamed') {
    reply.hijack()
    return
  }
  const { status, json, bytes, stream, headers } = answer
  reply.code(status)
  if (headers !== undefined) reply.headers(headers)
  if (json !== undefined) void reply.header('content-type', jsonType).send(JSON.stringify(json))
  else void reply.send(stream ?? bytes)
}

function sendPage(file: PageFile, request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request
  reply.headers(file.headers)
  if (headers['if-none-match'] === file.headers['etag']) return void reply.code(304).send()
  const isPacked = /\bgzip\b(?! *; *q=0(?:\.0*)? *(?:,|$))/.test(headers['accept-encoding'] ?? '')
  if (isPacked) reply.header('content-encoding', 'gzip')
  void reply.code(200).send(isPacked ? file.gzip : file.bytes)
}

/** It is for those alone who change what becomes of others' jobs. */
function isAdministration({ access }: RouteRow): boolean {
  return access !== 'everyone' && access.every((role) => role === 'operate' || role === 'admin')
}

const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'BAD_REQUEST',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_BAD_URL: 'BAD_REQUEST',
}

function toProblem(error: unknown, { httpBodyBytesMax }: Limits): Problem {
  if (error instanceof Problem) return error
  const code = error instanceof Error && 'code' in error ? frameworkCodes[String(error.code)] : undefined
  if (code === 'BODY_TOO_LARGE') return new Problem(code, `a body may have ${httpBodyBytesMax} bytes`)
  if (code !== undefined) return new Problem(code, error instanceof Error ? error.message : String(error))
  return new Problem('INTERNAL_ERROR', 'a fault of this server, which its log tells more of')
}

function setSecureContext(server: object, options: object): void {
  // Only the server of TLS has it, and this is one.
  if ('setSecureContext' in server && typeof server.setSecureContext === 'function') server.setSecureContext(options)
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? ''
}
