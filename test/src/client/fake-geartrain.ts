import { packets } from '@geartrain/protocol'
import { FakeServer, response } from './proxy.ts'

/** A packet that a client has sent: its type, and its arguments and data as text. */
export interface Heard {
  readonly type: number
  readonly parts: readonly string[]
}

/** Answers a client's options and submissions, each job with the next handle, and says what it was sent. */
export class FakeGeartrain implements AsyncDisposable {
  readonly #server: FakeServer
  readonly heard: Heard[]

  private constructor(server: FakeServer, heard: Heard[]) {
    this.#server = server
    this.heard = heard
  }

  static async start(): Promise<FakeGeartrain> {
    const heard: Heard[] = []
    const server = await FakeServer.start((socket) => {
      let bytes = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk])
        while (bytes.length >= 12 && bytes.length >= 12 + bytes.readUInt32BE(8)) {
          const end = 12 + bytes.readUInt32BE(8)
          const packet = { type: bytes.readUInt32BE(4), parts: bytes.toString('utf8', 12, end).split('\0') }
          bytes = bytes.subarray(end)
          heard.push(packet)
          if (packet.type === packets.OPTION_REQ.type) {
            socket.write(response(packets.OPTION_RES.type, ...packet.parts))
          } else socket.write(response(packets.JOB_CREATED.type, `H:fake:${heard.length}`))
        }
      })
    })
    return new FakeGeartrain(server, heard)
  }

  get address(): string {
    return this.#server.address
  }

  /** Those of SUBMIT_JOB_WITH: function, unique, options, trace and workload. */
  get extended(): readonly (readonly string[])[] {
    return this.heard.filter(({ type }) => type === packets.SUBMIT_JOB_WITH.type).map(({ parts }) => parts)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }
}
