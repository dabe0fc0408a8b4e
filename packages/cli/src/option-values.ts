import { InvalidArgumentError } from 'commander'

// Numbers as the values of flags, for commander's parsers.

/** A whole number from 1. */
export function wholeNumber(text: string, max: number): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= max) return number
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`)
}

/** Seconds, which may have a fraction. `range` is what the bounds are called. */
export function seconds(text: string, min: number, max: number, range: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (number >= min && number <= max) return number
  throw new InvalidArgumentError(`It must be a number of seconds${range}.`)
}
