import { InvalidDataError } from './errors.ts'
import { formatIssue, type StandardSchema } from './standard-schema.ts'
import { checkedBytes, type Workload, workloadBytes, workloadText } from './workload.ts'

/**
 * How values travel as the bytes of a job. `Sent` and `Received` differ where a schema makes something else of what
 * has arrived. Either function may throw; what it throws becomes the `cause` of an InvalidDataError.
 */
export interface Codec<in Sent = never, out Received = unknown> {
  readonly encode: (value: Sent) => Uint8Array | Promise<Uint8Array>
  readonly decode: (bytes: Uint8Array) => Received | Promise<Received>
}

const noBytes = new Uint8Array(0)

/** Bytes as they are. What is sent may be a string, in UTF-8. */
export const bytes: Codec<Workload, Uint8Array> = { encode: workloadBytes, decode: (received) => received }

/** Text, in UTF-8. */
export const text: Codec<string, string> = { encode: workloadBytes, decode: workloadText }

/**
 * JSON. With a schema both sides check what they send and what they receive, and the receiver gets what the schema
 * makes of it; without, the type is what the caller says.
 */
export function json<Value>(): Codec<Value, Value>
export function json<Sent, Received>(schema: StandardSchema<Sent, Received>): Codec<Sent, Received>
export function json<Sent, Received>(schema?: StandardSchema<Sent, Received>): Codec<Sent, Received> {
  return schema === undefined ? anyJson : checked(anyJson, schema)
}

/** A codec whose values a schema checks, before they are sent and after they have come. */
export function checked<Sent, Received>(
  codec: Codec<Sent>,
  schema: StandardSchema<Sent, Received>,
): Codec<Sent, Received> {
  const validate = (value: unknown) => schema['~standard'].validate(value)
  // What the schema makes of the value is for the receiver, who asks it again.
  return {
    encode: (value) => pass(pass(validate(value), assertValid), () => codec.encode(value)),
    decode: (received) => pass(pass(codec.decode(received), validate), assertValid),
  }
}

// Its callers name the type.
const anyJson: Codec<unknown, never> = {
  // Nothing is no bytes, for functions that take nothing, or give nothing.
  encode: (value) => {
    if (value === undefined) return noBytes
    const written: string | undefined = JSON.stringify(value)
    if (written === undefined) throw new TypeError(`JSON has no ${typeof value}`)
    return workloadBytes(written)
  },
  decode: (received) => (received.length === 0 ? undefined : JSON.parse(workloadText(received))),
}

function assertValid<Value>(
  result: Awaited<ReturnType<StandardSchema<unknown, Value>['~standard']['validate']>>,
): Value {
  if (result.issues === undefined) return result.value
  throw new InvalidDataError(result.issues.map(formatIssue).join('; '), { issues: result.issues })
}

/** Most values are there at once, and then nobody waits for them. */
export function pass<Value, Result>(
  value: Value | Promise<Value>,
  to: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then((settled: Value) => to(settled)) : to(value)
}

/** The bytes of a value. What is thrown, or rejected with, is an InvalidDataError that says which value it was. */
export function encodeValue<Sent>(codec: Codec<Sent>, value: Sent, what: string): Uint8Array | Promise<Uint8Array> {
  return explaining(what, () => pass(codec.encode(value), (encoded) => checkedBytes(encoded, 'what a codec makes')))
}

/** The value of some bytes, which have come from outside. As above. */
export function decodeValue<Received>(
  codec: Codec<never, Received>,
  received: Uint8Array,
  what: string,
): Received | Promise<Received> {
  return explaining(what, () => codec.decode(received))
}

function explaining<Result>(what: string, convert: () => Result | Promise<Result>): Result | Promise<Result> {
  const explain = (thrown: unknown): never => {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    const issues = thrown instanceof InvalidDataError ? thrown.issues : []
    throw new InvalidDataError(`${what} is not valid: ${message}`, { cause: thrown, issues })
  }
  try {
    const result = convert()
    return result instanceof Promise ? result.catch(explain) : result
  } catch (thrown) {
    return explain(thrown)
  }
}
