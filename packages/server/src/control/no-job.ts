import { type ControlError, notFound } from './control-error.ts'

/** Also of one that is not for whoever asks: they are not told that it is there. */
export function noJob(what: string): ControlError {
  return notFound(`there is no job ${what}: it has ended and its result is not kept, or it never was`)
}
