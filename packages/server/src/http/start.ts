import type { ListeningAddress } from '../server.ts'
import type { HttpContext } from './context.ts'
import { Doorkeeper } from './doorkeeper.ts'
import { HttpListenError } from './http-listen-error.ts'
import { type HttpOptions, HttpServer } from './http-server.ts'
import { routes } from './routes.ts'

/** Starts the HTTP side. Rejects with an HttpListenError if it can't listen. */
export async function startHttp(
  options: HttpOptions & { readonly hosts: readonly string[] },
  context: HttpContext,
): Promise<{ readonly server: HttpServer; readonly address: ListeningAddress }> {
  const server = new HttpServer(routes, options, context, new Doorkeeper(context.access, options.hosts))
  try {
    return { server, address: await server.listen() }
  } catch (error) {
    throw new HttpListenError(options.listen, options.port, { cause: error })
  }
}
