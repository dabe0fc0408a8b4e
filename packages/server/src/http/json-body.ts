import { ControlError } from '../control/control-error.ts'
import { parseRequest } from '../control/requests.ts'
import { Problem } from './problem.ts'

/** A body of JSON; an empty one is `{}`. */
export function parseJson(body: Uint8Array, contentType: string | undefined): unknown {
  if (body.length === 0) return {}
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw new Problem(
      'UNSUPPORTED_MEDIA_TYPE',
      `the body is to be application/json, and is said to be ${type ?? 'nothing'}`,
    )
  }
  try {
    return parseRequest(body)
  } catch (error) {
    if (error instanceof ControlError) throw new Problem('BAD_REQUEST', error.message)
    throw error
  }
}
