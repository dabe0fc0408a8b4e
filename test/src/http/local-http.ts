import type { Clock, Server } from '@geartrain/server'
import { type LocalOptions, LocalServer } from '../server/local-server.ts'
import { Api, type ApiDocument } from './api.ts'

/** A server in this process that speaks Gearman and HTTP, for peers of both. */
export async function startLocal(options: LocalOptions = {}, clock?: Clock): Promise<LocalServer> {
  return LocalServer.start({ http: '127.0.0.1:0', ...options }, clock)
}

export function originOf({ server }: { readonly server: Server }): string {
  return `http://127.0.0.1:${server.httpAddress?.port}`
}

/** Holds its answers against its own description. The server is closed by whoever has started it. */
export async function apiOf({ server }: { readonly server: Server }): Promise<Api> {
  const answer = await fetch(`${originOf({ server })}/api/openapi.json`)
  // The document says itself what it is; what the tests read of it is checked by its own schema elsewhere.
  return new Api(server, originOf({ server }), (await answer.json()) as ApiDocument)
}
