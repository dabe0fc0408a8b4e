const unitsMs = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** An ISO date, with a time or without, or `+` and a number of milliseconds, seconds, minutes, hours or days. Else undefined. */
export function readRunAt(text: string, nowMs: number): Date | undefined {
  const [, number, unit = ''] = /^\+(\d{1,9})(ms|[smhd])$/.exec(text) ?? []
  if (number !== undefined) return validDate(nowMs + Number(number) * (unitsMs.get(unit) ?? Number.NaN))
  // What has no zone is meant here, where JavaScript takes a date alone for one of Greenwich.
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return validDate(`${text}T00:00`)
  return /^\d{4}-\d\d-\d\dT/.test(text) ? validDate(text) : undefined
}

function validDate(time: string | number): Date | undefined {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? undefined : date
}
