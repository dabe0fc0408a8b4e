/** Why a job server can't be looked at: a sentence for a person. */
export class LookError extends Error {
  override readonly name = 'LookError'
}

/** What Node says of a socket, in a sentence. */
export function socketError(error: NodeJS.ErrnoException, host: string, place: string): LookError {
  return new LookError(sentenceOf(firstOf(error), host, place), { cause: error })
}

function sentenceOf({ code = '', message }: NodeJS.ErrnoException, host: string, place: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${place}`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no address for the name ${host}`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return `there is no way to ${place}`
    case 'ETIMEDOUT':
      return `${place} does not answer`
    case 'ECONNRESET':
    case 'EPIPE':
      return `${place} has closed the connection`
    default:
      return `${place} can not be asked: ${message}`
  }
}

/** Of a name with several addresses, each of which was tried. */
function firstOf(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  const [first] = error instanceof AggregateError ? error.errors : []
  return first instanceof Error ? first : error
}
