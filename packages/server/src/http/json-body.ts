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
  const value = parse(body)
  if (hasPrototype(value)) throw new Problem('BAD_REQUEST', 'in the body: there is no "__proto__"')
  return value
}

function parse(body: Uint8Array): unknown {
  try {
    return parseRequest(body)
  } catch (error) {
    if (error instanceof ControlError) throw new Problem('BAD_REQUEST', error.message)
    throw error
  }
}

/** Schemas pass over such a member, and of what is asked nothing is to be left out. */
function hasPrototype(value: unknown): boolean {
  const found = [value]
  for (const each of found) {
    if (typeof each !== 'object' || each === null) continue
    if (Object.hasOwn(each, '__proto__')) return true
    for (const member of Object.values(each)) found.push(member)
  }
  return false
}
