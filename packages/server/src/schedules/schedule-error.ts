import type { ControlErrorCode } from '@geartrain/protocol'

/** A schedule can't be so, or what was asked of one can't be done. The message is one sentence. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
  readonly code: ControlErrorCode
  /** The field of the definition that is wrong. */
  readonly field: string | undefined

  constructor(code: ControlErrorCode, message: string, field?: string) {
    super(message)
    this.code = code
    this.field = field
  }
}

/** `message` follows the name of the field: `must be ...`. */
export function badField(field: string, message: string): ScheduleError {
  return new ScheduleError('BAD_REQUEST', `${field} ${message}`, field)
}

/** What a user has given, to be shown in a sentence. */
export function shown(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? 'a table or list' : JSON.stringify(value)
  return text !== undefined && text.length > shownMax ? `${text.slice(0, shownMax)}...` : String(text)
}

export const shownMax = 80
