import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import type { Actor } from '../access/actor.ts'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'

/** Who comes in over HTTP, and that no other site's page speaks for them. */
export class Doorkeeper {
  readonly #access: Access
  readonly #hosts: ReadonlySet<string>

  /** `hosts`: the names that the server is reached by, beside addresses and `localhost`. */
  constructor(access: Access, hosts: readonly string[]) {
    this.#access = access
    this.#hosts = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())])
  }

  /** Throws a Problem if the request is not to be believed. */
  letIn(request: FastifyRequest, _row: Route): Actor {
    this.#checkHost(request)
    if (request.method !== 'GET' && request.method !== 'HEAD') this.#checkOrigin(request)
    return this.#access.identify({ address: addressOf(request), ...tokenOf(request) })
  }

  refusal(request: FastifyRequest, actor: Actor, { access }: Route): Problem {
    const needed = access === 'everyone' ? '' : access.join(' or ')
    if (request.headers.authorization === undefined) {
      return new Problem('UNAUTHORIZED', `this takes the role ${needed}: send a token as "Authorization: Bearer TOKEN"`)
    }
    return new Problem('ACCESS_DENIED', `this takes the role ${needed}, which ${actor.name} does not have`)
  }

  /**
   * A page of another site can have its own name resolve to this machine, and is then of the same origin as the server.
   * Where there are no rules, only the name tells.
   */
  #checkHost({ headers }: FastifyRequest): void {
    if (!this.#access.isOpen) return
    const host = hostOf(headers.host ?? '')
    if (isIP(host) > 0 || host.endsWith('.localhost') || this.#hosts.has(host)) return
    throw new Problem('WRONG_HOST', `this server is not known as "${host}": name it in http-hosts, or use its address`)
  }

  /** Browsers say where a request comes from that changes something. */
  #checkOrigin({ headers }: FastifyRequest): void {
    const site = headers['sec-fetch-site']
    const isElsewhere =
      site !== undefined ? site !== 'same-origin' && site !== 'none' : !isOriginOf(headers.origin, headers.host)
    if (isElsewhere) throw new Problem('CROSS_SITE', 'a page of another site can not change anything here')
  }
}

/** By what the route takes. */
export function isLetIn(actor: Actor, { access }: Route): boolean {
  return access === 'everyone' || access.some((role) => actor.mayAnywhere(role))
}

export function addressOf({ socket }: FastifyRequest): string {
  const address = socket.remoteAddress ?? '-'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

function tokenOf({ headers }: FastifyRequest): { token?: string } {
  const [, token] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
  return token === undefined ? {} : { token }
}

/** Without the port. */
function hostOf(header: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? []
  return (bracketed ?? plain ?? '').toLowerCase()
}

function isOriginOf(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === host
}
