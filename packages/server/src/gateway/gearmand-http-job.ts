import type { ServerResponse } from 'node:http'
import type { PacketName } from '@geartrain/protocol'
import type { Actor } from '../access/actor.ts'
import type { HttpContext } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import type { ServerPacket } from '../server-packet.ts'
import type { GearmandRequest } from './gearmand-http-request.ts'
import { LocalLink } from './local-link.ts'
import { refusal } from './refusal.ts'

export type GearmandHttpContext = Pick<HttpContext, 'clock' | 'limits' | 'access' | 'connect'>

/**
 * One request's session of the server, which submits its job and makes the answer of what becomes of it. What the worker
 * sends on the way is collected, since the answer begins with how the job has ended.
 */
export class GearmandHttpJob {
  readonly #response: ServerResponse
  readonly #isBackground: boolean
  readonly #outputBytesMax: number
  readonly #link: LocalLink
  readonly #parts: Uint8Array[] = []
  #partsBytes = 0
  #handle = ''

  constructor(
    { limits, connect }: GearmandHttpContext,
    actor: Actor,
    request: GearmandRequest,
    workload: Uint8Array,
    response: ServerResponse,
  ) {
    this.#response = response
    this.#isBackground = request.isBackground
    this.#outputBytesMax = limits.outputBytesMax
    this.#link = new LocalLink(limits, (packet) => this.#handlers[packet.name]?.(packet))
    this.#link.once('close', () => this.end())
    response.once('close', () => this.#link.destroy())
    connect(this.#link, actor)
    this.#link.send(request.packet, [request.function, request.unique], workload)
  }

  /** The server closes, and the job is not waited for any longer. */
  end(): void {
    this.#refuse(new Problem('SHUTTING_DOWN', 'SHUTTING_DOWN This server has closed the connection'))
  }

  /** Progress and warnings have no place in an answer. */
  readonly #handlers: Partial<Record<PacketName, (packet: ServerPacket) => void>> = {
    JOB_CREATED: ({ name, args }) => {
      this.#handle = args[0] ?? ''
      if (this.#isBackground) this.#answer(name, [])
    },
    WORK_DATA: ({ data }) => this.#collect(data),
    WORK_COMPLETE: ({ name, data }) => this.#answer(name, [...this.#parts, data]),
    WORK_FAIL: ({ name }) => this.#answer(name, []),
    WORK_EXCEPTION: ({ name, data }) => this.#answer(name, [data]),
    ERROR: ({ args: [code = '', text = ''] }) => {
      this.#refuse(new Problem(refusal(code, text).code, `${code} ${text}`))
    },
  }

  #collect(data: Uint8Array): void {
    this.#parts.push(data)
    this.#partsBytes += data.length
    if (this.#partsBytes <= this.#outputBytesMax) return
    this.#refuse(
      new Problem('BODY_TOO_LARGE', `RESULT_TOO_LARGE An answer may have ${this.#outputBytesMax} bytes on this server`),
      502,
    )
  }

  #answer(command: PacketName, parts: readonly Uint8Array[]): void {
    if (this.#response.headersSent) return
    const body = Buffer.concat(parts)
    this.#response.writeHead(200, {
      'X-Gearman-Job-Handle': headerText(this.#handle),
      'X-Gearman-Command': command,
      'Content-Length': body.length,
    })
    this.#response.end(body)
    this.#link.destroy()
  }

  #refuse(problem: Problem, status: number = problem.status): void {
    refuse(this.#response, status, problem.message)
    this.#link.destroy()
  }
}

/** An answer with the text of an ERROR packet, unless there is one already. */
export function refuse(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(`${text}\n`, 'latin1')
  response.writeHead(status, { 'X-Gearman-Command': 'ERROR', 'Content-Length': body.length })
  response.end(body)
}

/** A prefix of handles may have bytes that a header can not. */
function headerText(text: string): string {
  return text.replaceAll(/[^ -~\x80-\xff]/g, '?')
}
