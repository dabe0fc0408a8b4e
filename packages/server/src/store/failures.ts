import { type BatchResult, type Store, type StoreAnswer, StoreError, type StoreFailure } from './store.ts'

/** Of a store that says nothing. */
export const unknownFailure: StoreFailure = {
  code: 'STORE_FAILED',
  message: 'the store does not answer',
  isBroken: true,
}
export const noAnswer: StoreAnswer = { kind: 'failed', failure: unknownFailure }

/** What went wrong with a batch, or with one of its requests. */
export function failureIn({ failure, answers }: BatchResult): StoreFailure | undefined {
  return failure ?? answers.find((answer) => answer.kind === 'failed')?.failure
}

/** What a store has rejected with: it is gone. */
export function toFailure(error: unknown): StoreFailure {
  const message = error instanceof Error ? error.message : String(error)
  return { code: error instanceof StoreError ? error.code : 'STORE_FAILED', message, isBroken: true }
}

/** At the start: it could be opened. */
export function unwritable({ name }: Store, { code, message }: StoreFailure): StoreError {
  const remedy = 'see whether its disk has room and is sound, or bring it back from a backup'
  return new StoreError(code, `the store ${name} can't be written: ${message}; ${remedy}`)
}
