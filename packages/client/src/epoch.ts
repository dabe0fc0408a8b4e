/** Seconds since 1970, to the millisecond if it is not a whole one. Rounded up: not before the time that was asked for. */
export function epochText(atMs: number): string {
  const wholeMs = Math.ceil(atMs)
  const seconds = String(Math.floor(wholeMs / 1000))
  return wholeMs % 1000 === 0 ? seconds : `${seconds}.${String(wholeMs % 1000).padStart(3, '0')}`
}

/** Of the arguments of SUBMIT_JOB_EPOCH. */
export function hasFraction([, , epoch = '']: readonly string[]): boolean {
  return epoch.includes('.')
}

/** Also not before that time. */
export function withWholeSeconds([jobFunction = '', unique = '', epoch = '']: readonly string[]): string[] {
  return [jobFunction, unique, String(Math.ceil(Number(epoch)))]
}
