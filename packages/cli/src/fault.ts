import { HttpListenError, type ServerOptions, type UnguardedError } from '@geartrain/server'
import type { Command } from 'commander'

/**
 * Exit codes of all commands but `geartrain gearmand`, which has gearmand's: 1 for everything. The help of
 * `geartrain do` has them in words.
 */
export const exitCodes = {
  failed: 1,
  usage: 2,
  /** The worker threw: WORK_EXCEPTION. */
  exception: 3,
  /** No server could be reached, or the connection was lost. */
  unreachable: 4,
  /** --timeout is over. */
  timeout: 5,
} as const

/** Ends the command: its message is the one sentence that the user gets on stderr. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly exitCode: number

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** Of commands that take flags only: commander's own sentence does not say which word it means. */
export function refuseArguments(command: Command, exitCode: number): void {
  const [argument] = command.args
  if (argument !== undefined)
    throw new Fault(`"${argument}" is no flag, and ${command.name()} takes flags only`, exitCode)
}

/** A Fault for a server that others could reach, without a word of who may do what. */
export function unguardedFault(error: UnguardedError): Fault {
  const sentence =
    `listening on ${error.place} without access rules lets everyone who reaches it do everything: say who may do what in ` +
    'tables [access.NAME] of the configuration file (geartrain token makes one), listen on 127.0.0.1, or add --insecure'
  return new Fault(sentence, exitCodes.usage, { cause: error })
}

/** A Fault for what Node says when an address can't be listened on. */
export function listenFault(
  error: unknown,
  { listen, port, tlsPort }: Pick<ServerOptions, 'listen' | 'port' | 'tlsPort'>,
  gearmandHttpFlags: ListenFlags = { listen: '--gearmand-http', port: '--gearmand-http' },
): Fault {
  if (error instanceof HttpListenError) {
    const flags = error.setting === 'http' ? httpFlags : gearmandHttpFlags
    return new Fault(listenSentence(error.cause, error.listen, error.port, flags), exitCodes.failed, { cause: error })
  }
  const isOfTls = typeof tlsPort === 'number' && error instanceof Error && 'port' in error && error.port === tlsPort
  const sentence = isOfTls
    ? listenSentence(error, listen, tlsPort, tlsFlags)
    : listenSentence(error, listen, port, gearmanFlags)
  return new Fault(sentence, exitCodes.failed, { cause: error })
}

/** What says where to listen. */
export interface ListenFlags {
  readonly listen: string
  readonly port: string
}

const gearmanFlags: ListenFlags = { listen: '--listen', port: '--port' }
const tlsFlags: ListenFlags = { listen: '--listen', port: '--tls-port' }
const httpFlags: ListenFlags = { listen: '--http', port: '--http' }

function listenSentence(error: unknown, listen: string, port: number, flags: ListenFlags): string {
  const place = listen === '*' ? '' : ` on ${listen}`
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return `port ${port}${place} is in use: stop the program that has it, or choose another port with ${flags.port}`
    case 'EADDRNOTAVAIL':
      return `this machine does not have the address ${listen}: choose one of its own with ${flags.listen}`
    case 'EACCES':
      return `no permission to listen on port ${port}${place}: ports below 1024 are root's, choose another with ${flags.port}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no address for the name ${listen}: check the name, or choose an address with ${flags.listen}`
    default:
      return `cannot listen on port ${port}${place}: ${error instanceof Error ? error.message : String(error)}`
  }
}
