import type { ControlErrorCode } from '@geartrain/protocol'
import type { StoreFailure } from '../store/store.ts'

/** Why a request is not done: a sentence for who has made it. */
export class ControlError extends Error {
  readonly code: ControlErrorCode

  constructor(code: ControlErrorCode, message: string) {
    super(message)
    this.name = 'ControlError'
    this.code = code
  }
}

export function storeError({ message }: StoreFailure, done = ''): ControlError {
  return new ControlError('STORE_FAILED', `the store has failed: ${message}${done === '' ? '' : `; ${done}`}`)
}

export function notFound(message: string): ControlError {
  return new ControlError('NOT_FOUND', message)
}

export function badRequest(message: string): ControlError {
  return new ControlError('BAD_REQUEST', message)
}

export function isControlError(error: unknown): error is ControlError {
  return error instanceof ControlError
}
