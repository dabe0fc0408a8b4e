import { wireErrors } from '@geartrain/protocol'
import type { StoreFailure } from './store/store.ts'

/** Told to who asks for jobs that only the store may know, while it can't say: unknown would be a guess. */
export function lookUpError({ message }: StoreFailure): { readonly code: string; readonly text: string } {
  return { code: wireErrors.STORE_FAILED.code, text: `The jobs on disk can not be looked up: ${message}` }
}
