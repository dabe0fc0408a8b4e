import { isJobFailure, JobFailure } from '../assigned-job.ts'

/** What a handler threw, as it can be sent to another thread or process: of an error's class only its name is left. */
export type Thrown =
  | { readonly kind: 'error'; readonly isFailure: boolean; readonly error: SentError }
  /** The very reason that its `job.signal` was aborted with. */
  | { readonly kind: 'reason' }
  | { readonly kind: 'value'; readonly value: unknown }

interface SentError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | number | undefined
  readonly cause: Thrown | undefined
}

/** A chain of causes may be a ring. */
const causesMax = 8

export function writeThrown(thrown: unknown, causesLeft: number = causesMax): Thrown {
  if (!(thrown instanceof Error)) return { kind: 'value', value: thrown }
  const { name, message, stack, cause } = thrown
  const code = 'code' in thrown ? thrown.code : undefined
  const error = {
    name,
    message,
    stack,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: cause === undefined || causesLeft === 0 ? undefined : writeThrown(cause, causesLeft - 1),
  }
  return { kind: 'error', isFailure: isJobFailure(thrown), error }
}

/** `reason` is what the job's signal was aborted with on this side. */
export function readThrown(thrown: Thrown, reason?: unknown): unknown {
  switch (thrown.kind) {
    case 'reason':
      return reason
    case 'value':
      return thrown.value
    case 'error': {
      const { name, message, stack, code, cause } = thrown.error
      const options = cause === undefined ? {} : { cause: readThrown(cause) }
      if (thrown.isFailure) return new JobFailure(options)
      const error = new Error(message, options)
      for (const [property, value] of Object.entries({ name, stack, code })) {
        if (value !== undefined) Object.defineProperty(error, property, { value, configurable: true, writable: true })
      }
      return error
    }
  }
}
