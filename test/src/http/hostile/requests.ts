import assert from 'node:assert/strict'
import { assertInvariants } from '@geartrain/engine'
import type { LocalServer } from '../../server/local-server.ts'
import { until } from '../../support/until.ts'
import { type RawAnswer, RawHttp } from '../exchange.ts'

/** A whole request as bytes, one character each. */
export function get(path: string, ...headers: readonly string[]): string {
  return written(`GET ${path}`, headers)
}

export function post(path: string, body: string, ...headers: readonly string[]): string {
  return `${written(`POST ${path}`, [`Content-Length: ${body.length}`, ...headers])}${body}`
}

export function postJson(path: string, body: unknown, ...headers: readonly string[]): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return post(path, text, 'Content-Type: application/json', ...headers)
}

/** `POST /path`, without its version. */
export function written(start: string, headers: readonly string[]): string {
  const given = headers.some((header) => /^host:/i.test(header)) ? headers : ['Host: localhost', ...headers]
  return `${start} HTTP/1.1\r\n${given.map((header) => `${header}\r\n`).join('')}\r\n`
}

export function portOf({ server }: LocalServer): number {
  assert.ok(server.httpAddress !== undefined)
  return server.httpAddress.port
}

export async function connectTo(local: LocalServer): Promise<RawHttp> {
  return RawHttp.connect(portOf(local))
}

/** One request on a connection of its own, and its answer. */
export async function ask(local: LocalServer, request: string): Promise<RawAnswer> {
  using connection = await connectTo(local)
  connection.send(request)
  return await connection.answer(request.startsWith('HEAD '))
}

export function codeOf({ body }: RawAnswer): string {
  const { code } = JSON.parse(body) as { code: string }
  return code
}

/** Others get their answers. */
export async function assertAlive(local: LocalServer): Promise<void> {
  assert.equal((await ask(local, get('/healthz'))).status, 200)
  assertInvariants(local.server.engine)
}

/** Who has left over HTTP has left the server as well. `others` are those who have not. */
export async function untilAllLeft(local: LocalServer, others = 0): Promise<void> {
  await until('all sessions were gone', () => local.server.connectionCount === others)
  assertInvariants(local.server.engine)
}

/** A lease of the next job of a function. */
export async function take(
  local: LocalServer,
  name: string,
): Promise<{ readonly lease: string; readonly handle: string }> {
  const answer = await ask(local, postJson('/api/work/take', { functions: [name] }))
  assert.equal(answer.status, 200, answer.body)
  return JSON.parse(answer.body) as { lease: string; handle: string }
}

/** The handle of a background job. */
export async function submit(local: LocalServer, name: string, query = ''): Promise<string> {
  const answer = await ask(local, post(`/api/functions/${encodeURIComponent(name)}/jobs${query}`, 'x'))
  assert.equal(answer.status, 202, answer.body)
  const { handle } = JSON.parse(answer.body) as { handle: string }
  return handle
}
