import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Access, Credentials } from '../access/access.ts'
import type { Actor } from '../access/actor.ts'
import { deniedSentence } from '../access/denied.ts'
import { plainAddress } from '../access/network.ts'
import { hashToken } from '../access/token.ts'
import { certificateOf } from '../tls/peer-certificate.ts'
import { Problem } from './problem.ts'
import type { RequestAllowance } from './request-allowance.ts'
import type { RouteRow } from './route.ts'
import { isFromOtherSite, KnownHosts, nameOf } from './same-site.ts'
import type { Sessions } from './sessions.ts'
import { WrongToken } from './wrong-token.ts'

/** What a request has shown: a token, the cookie of a session, or nothing. */
type Shown =
  | { readonly by: 'token'; readonly tokenHash: string }
  | { readonly by: 'session'; readonly tokenHash: string }
  | { readonly by: 'nothing' }

/** Who comes in over HTTP, and that no other site's page speaks for them. */
export class Doorkeeper {
  readonly #access: Access
  readonly #hosts: KnownHosts
  readonly #sessions: Sessions
  readonly #allowance: RequestAllowance

  /** `hosts`: the names that the server is reached by, beside addresses and `localhost`. */
  constructor(access: Access, hosts: readonly string[], sessions: Sessions, allowance: RequestAllowance) {
    this.#access = access
    this.#hosts = new KnownHosts(hosts)
    this.#sessions = sessions
    this.#allowance = allowance
  }

  /** Throws a Problem if the request is not to be believed. */
  letIn(request: FastifyRequest): Actor {
    const shown = this.#shown(request)
    if (shown.by === 'nothing') this.#checkHost(request)
    if (request.method === 'GET' || request.method === 'HEAD') this.#checkReader(request)
    else this.#checkOrigin(request, shown)
    const peer = peerOf(request)
    if (shown.by === 'nothing') return this.#access.identify(peer)
    const credentials = { ...peer, tokenHash: shown.tokenHash }
    if (shown.by === 'token' && !this.#access.isTokenGood(credentials)) {
      throw new WrongToken()
    }
    const waitSeconds = this.#allowance.take(shown.tokenHash)
    if (waitSeconds === 0) return this.#access.identify(credentials)
    const detail = `there have been more requests with this token than http-requests-per-token-max allows: wait ${waitSeconds} s`
    throw new Problem('TOO_MANY_REQUESTS', detail, { retryAfterSeconds: waitSeconds })
  }

  /** Why the actor is not let in: it has shown nothing, or what it has shown is not enough. */
  refusal(request: FastifyRequest, { access }: RouteRow): Problem {
    const sentence = deniedSentence(access === 'everyone' ? [] : access)
    if (this.#shown(request).by !== 'nothing') return new Problem('ACCESS_DENIED', sentence)
    return new Problem('UNAUTHORIZED', `${sentence}: send a token as "Authorization: Bearer TOKEN"`)
  }

  /** Where there are no rules, nothing that is shown says anything. */
  #shown({ headers }: FastifyRequest): Shown {
    if (this.#access.isOpen) return { by: 'nothing' }
    const [, token] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
    if (token !== undefined) return { by: 'token', tokenHash: hashToken(token) }
    const session = this.#sessions.find(headers.cookie)
    return session === undefined ? { by: 'nothing' } : { by: 'session', tokenHash: session.tokenHash }
  }

  /** A page that only seems to be of this server has no token and no cookie, but may come from an address that rules let in. */
  #checkHost({ headers }: FastifyRequest): void {
    const { host = '' } = headers
    if (this.#hosts.has(host)) return
    const detail = `this server is not known as "${nameOf(host)}": name it in http-hosts, use its address, or send a token`
    throw new Problem('WRONG_HOST', detail)
  }

  /**
   * A page of another site can't read what it asks for, but how long that takes tells it something, and the server has
   * the work. Links to here may be followed.
   */
  #checkReader({ headers }: FastifyRequest): void {
    if (headers['sec-fetch-site'] === undefined || headers['sec-fetch-mode'] === 'navigate') return
    if (isFromOtherSite(headers)) throw new Problem('CROSS_SITE', 'a page of another site can not ask anything here')
  }

  /** Browsers say where a request comes from that changes something, and must where their cookie speaks for somebody. */
  #checkOrigin({ headers }: FastifyRequest, { by }: Shown): void {
    const isSilent = headers['sec-fetch-site'] === undefined && headers.origin === undefined
    if (isFromOtherSite(headers)) throw new Problem('CROSS_SITE', 'a page of another site can not change anything here')
    if (by === 'session' && isSilent) {
      const advice = 'programs send a token as "Authorization: Bearer TOKEN"'
      throw new Problem('CROSS_SITE', `a session is for browsers, which say from which page a request comes: ${advice}`)
    }
  }
}

/** By what the route takes. */
export function isLetIn(actor: Actor, { access }: RouteRow): boolean {
  return access === 'everyone' || access.some((role) => actor.mayAnywhere(role))
}

/** What the connection says of who it is: for all of its requests the same. */
function peerOf({ socket }: FastifyRequest): Credentials {
  const known = peers.get(socket)
  if (known !== undefined) return known
  const peer = { address: plainAddress(socket.remoteAddress ?? '-'), ...certificateOf(socket) }
  peers.set(socket, peer)
  return peer
}

const peers = new WeakMap<Socket, Credentials>()
