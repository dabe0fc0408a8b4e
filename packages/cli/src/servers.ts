import type { ConnectionOptions } from 'node:tls'
import {
  ConnectError,
  ConnectionLostError,
  formatServer,
  GeartrainError,
  InvalidArgumentError,
  parseServers,
  type ServerAddress,
  ServerError,
  TimeoutError,
} from '@geartrain/client'
import { InvalidArgumentError as InvalidOptionError, Option } from 'commander'
import { exitCodes, Fault } from './fault.ts'
import { seconds } from './option-values.ts'
import { readTlsFiles } from './tls-files.ts'

/** Node's timers fire at once beyond it. */
const timeoutSecondsMax = Math.floor((2 ** 31 - 1) / 1000)

/** Of errors whose texts are for a person. */
const controlCodes: ReadonlySet<string> = new Set([
  'BAD_REQUEST',
  'ACCESS_DENIED',
  'NOT_FOUND',
  'CONFLICT',
  'STORE_FAILED',
])

/** Where the servers are. Its value is the text, which has been checked; without, it is for the library to find them. */
export function serversOption(): Option {
  const what = 'servers: host:port[,host:port...], IPv6 as [::1]:4730 (default: $GEARMAN_SERVERS or 127.0.0.1:4730)'
  return new Option('-s, --servers <list>', what).argParser(checkedServers)
}

/** The same for a command that shows several side by side: it may be given again and again. Its value is a list of texts. */
export function serverOption(): Option {
  const what =
    'a server, or several with commas between them; can be repeated (default: $GEARMAN_SERVERS or 127.0.0.1:4730)'
  return new Option('-s, --server <host:port>', what).argParser(
    (text: string, before: readonly string[] | undefined) => {
      return [...new Set([...(before ?? []), ...parseServers(checkedServers(text)).map(formatServer)])]
    },
  )
}

let givenToken: string | undefined

/** Who this is, for servers with access rules. On a command line other users of the machine can see it. */
export function tokenOption(): Option {
  return new Option('--token <token>', 'token that the server lets in (default: $GEARTRAIN_TOKEN)').argParser(
    (text) => {
      givenToken = text
      return text
    },
  )
}

let isTlsGiven = false

export function tlsOption(): Option {
  const files = '$GEARMAND_CA_CERTIFICATE, $GEARMAN_CLIENT_PEM and $GEARMAN_CLIENT_KEY'
  return new Option('--tls', `encrypt; ${files} name the files`).preset('').argParser(() => {
    isTlsGiven = true
    return true
  })
}

/** Of the command line, else of the environment, for whoever connects. */
export function credentials(): { readonly token: string | undefined; readonly tls: ConnectionOptions | undefined } {
  const { GEARTRAIN_TOKEN: text = '' } = process.env
  return {
    token: givenToken ?? (text === '' ? undefined : text),
    tls: isTlsGiven ? readTlsFiles(process.env, exitCodes.usage) : undefined,
  }
}

/** Its value is in milliseconds. */
export function timeoutOption(what: string): Option {
  return new Option('--timeout <seconds>', what).argParser(timeoutMs)
}

/** Each of the servers, for commands that ask them all. Throws a Fault if $GEARMAN_SERVERS is no list of servers. */
export function listServers(servers: string | undefined): ServerAddress[] {
  try {
    return parseServers(servers)
  } catch (error) {
    throw serverFault(error)
  }
}

/** What the library says, as a Fault with what to do about it. Any other error is given back. */
export function serverFault(error: unknown): unknown {
  if (!(error instanceof GeartrainError)) return error
  return new Fault(serverSentence(error), exitCodeOf(error), { cause: error })
}

function serverSentence(error: GeartrainError): string {
  if (leaves(error).some(isOfTls)) {
    const reasons = [...new Set(leaves(error).map(reasonNotReached))]
    return `${reasons.join(', ')}: see what GEARMAND_CA_CERTIFICATE, GEARMAN_CLIENT_PEM and GEARMAN_CLIENT_KEY name`
  }
  if (error instanceof ConnectError) {
    const reasons = [...new Set(leaves(error).map(reasonNotReached))]
    if (leaves(error).some(isDenied)) return `${reasons.join(', ')}: see --token and GEARTRAIN_TOKEN`
    return `${reasons.join(', ')}: start a server there (geartrain serve), or name another with --servers`
  }
  if (error instanceof ConnectionLostError) return `${error.message}: whether it did what was asked is not known`
  if (error instanceof TimeoutError) return `${error.message}: allow more with --timeout`
  return error instanceof ServerError ? refusalSentence(error) : error.message
}

/** What a server says of why it won't, without its code where what it says is a sentence. */
export function refusalSentence({ message, serverCode }: ServerError): string {
  return controlCodes.has(serverCode) ? message.slice(`${serverCode}: `.length) : message
}

/** Why one server could not be reached. */
export function reasonNotReached(error: Error): string {
  const [leaf = error] = leaves(error)
  const { code, address, port, hostname } = leaf as NodeJS.ErrnoException & ConnectFields
  const server = address === undefined ? '' : formatServer({ host: address, port: port ?? 0 })
  switch (code ?? '') {
    case 'ECONNREFUSED':
      return `nothing listens on ${server}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no address for the name ${hostname}`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `there is no way to ${server}`
    case 'ETIMEDOUT':
      return `${server} does not answer`
    default:
      return leaf instanceof ServerError ? refusalSentence(leaf) : leaf.message
  }
}

/** What Node adds to the errors of a socket that could not connect. */
interface ConnectFields {
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

function isDenied(error: Error): boolean {
  return error instanceof ServerError && error.serverCode === 'ACCESS_DENIED'
}

/** There is a server, and one side does not like the other one's certificate. */
function isOfTls(error: Error): boolean {
  // In TLS 1.3 the server looks at the client's when the client thinks that all is well.
  const told = error instanceof ConnectionLostError && error.cause instanceof Error ? error.cause : error
  return 'code' in told && /CERT|UNABLE_TO_VERIFY/.test(String(told.code))
}

/** The errors of the single attempts. */
function leaves(error: Error): Error[] {
  if (error instanceof AggregateError) return error.errors.flatMap(leaves)
  if (error instanceof ConnectError && error.cause instanceof Error) return leaves(error.cause)
  return [error]
}

function exitCodeOf(error: GeartrainError): number {
  if (error instanceof ConnectError || error instanceof ConnectionLostError) return exitCodes.unreachable
  if (error instanceof TimeoutError) return exitCodes.timeout
  if (error instanceof InvalidArgumentError) return exitCodes.usage
  if (error instanceof ServerError && error.serverCode === 'BAD_REQUEST') return exitCodes.usage
  return exitCodes.failed
}

function checkedServers(text: string): string {
  try {
    parseServers(text)
    return text
  } catch (error) {
    throw error instanceof InvalidArgumentError ? new InvalidOptionError(`${error.message}.`) : error
  }
}

function timeoutMs(text: string): number {
  const range = `, more than 0 and at most ${timeoutSecondsMax}`
  return Math.ceil(seconds(text, 0.001, timeoutSecondsMax, range) * 1000)
}
