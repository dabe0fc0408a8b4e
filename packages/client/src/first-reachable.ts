import { formatServer, type ServerAddress } from './address.ts'
import { AbortedError, ClosedError, ConnectError } from './errors.ts'

/** What `open` makes of the first server of the list with which it succeeds. ConnectError if there is none. */
export async function openFirstReachable<T>(
  servers: readonly ServerAddress[],
  open: (server: ServerAddress) => Promise<T>,
): Promise<T> {
  const errors: Error[] = []
  for (const server of servers) {
    try {
      return await open(server)
    } catch (error) {
      if (error instanceof AbortedError || error instanceof ClosedError || !(error instanceof Error)) throw error
      errors.push(error)
    }
  }
  throw unreachable(servers, errors)
}

/** None of the servers could be reached, each for its reason. */
export function unreachable(servers: readonly ServerAddress[], errors: readonly Error[]): ConnectError {
  const reasons = servers.map((server, i) => `${formatServer(server)} (${errors[i]?.message.trimEnd()})`)
  const cause = errors.length === 1 ? errors[0] : new AggregateError(errors)
  return new ConnectError(`no server could be reached: ${reasons.join(', ')}`, { cause })
}
