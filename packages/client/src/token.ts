import { formatServer, type ServerAddress } from './address.ts'
import { Deferred } from './deferred.ts'
import { type ConnectionLostError, InvalidArgumentError, ProtocolError, ServerError } from './errors.ts'
import type { IncomingPacket } from './incoming-packet.ts'

const tokenMax = 256

/** A token as it goes to the server. Throws InvalidArgumentError, which does not say it again. */
export function checkedToken(token: string | undefined): string | undefined {
  if (token === undefined || (/^[!-~]+$/.test(token) && token.length <= tokenMax)) return token
  throw new InvalidArgumentError(
    `a token has 1 to ${tokenMax} visible ASCII characters without blanks, and this has not`,
  )
}

/** Whoever has the connection while the server looks at the token, which is the first thing that it is told. */
export class TokenReply {
  readonly #address: ServerAddress
  readonly #answer = new Deferred<void>()

  constructor(address: ServerAddress) {
    this.#address = address
  }

  /** Resolves when the token lets this connection in. Rejects with the server's reason, or ConnectionLostError. */
  get answer(): Promise<void> {
    return this.#answer.promise
  }

  packet(packet: IncomingPacket): void {
    if (packet.name === 'OPTION_RES') this.#answer.resolve()
    else if (packet.name === 'ERROR') this.#answer.reject(this.#refusal(packet.argument(0), packet.argument(1)))
    else throw new ProtocolError(`${packet.name} came in answer to a token`)
  }

  line(): void {
    throw new ProtocolError('a line of text came in answer to a token')
  }

  lost(error: ConnectionLostError): void {
    this.#answer.reject(error)
  }

  #refusal(code: string, text: string): ServerError {
    if (code !== 'UNKNOWN_OPTION') return new ServerError(code, text)
    const server = formatServer(this.#address)
    return new ServerError(code, `${server} knows no tokens: it is no Geartrain server, or an old one; connect without`)
  }
}
