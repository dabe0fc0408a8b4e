import { ProtocolError } from './errors.ts'
import { readWireName, wireName } from './wire-name.ts'

// On the wire names have one character a byte, also within JSON, since names are bytes. Here they are text.

/** Under these keys are names, or lists of names. */
const nameKeys = new Set(['name', 'names', 'function', 'unique', 'reducer', 'then', 'worker', 'handle', 'handles'])
/** Under these is text of others, in which such keys mean something else. */
const opaqueKeys = new Set(['values', 'settings'])

export function writeControlJson(request: object): Buffer {
  return Buffer.from(JSON.stringify(mapNames(request, (name, key) => wireName(name, key, Number.POSITIVE_INFINITY))))
}

/** Throws ProtocolError. */
export function readControlJson(json: Uint8Array): unknown {
  try {
    return mapNames(JSON.parse(new TextDecoder().decode(json)), readWireName)
  } catch (error) {
    throw new ProtocolError('the answer to CONTROL is no JSON', { cause: error })
  }
}

type MapName = (name: string, key: string) => string

function mapNames(value: unknown, map: MapName): unknown {
  if (Array.isArray(value)) return value.map((element) => mapNames(element, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapPart(key, part, map)]))
}

function mapPart(key: string, part: unknown, map: MapName): unknown {
  if (opaqueKeys.has(key)) return part
  if (!nameKeys.has(key)) return mapNames(part, map)
  if (Array.isArray(part)) return part.map((name: unknown) => (typeof name === 'string' ? map(name, key) : name))
  return typeof part === 'string' ? map(part, key) : mapNames(part, map)
}
