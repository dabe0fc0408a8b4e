const whole = new Intl.NumberFormat()
const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })

/** `12,345`. */
export function count(value: number): string {
  return whole.format(value)
}

/** `12.3K`, for where there is little room; exact below ten thousand. */
export function shortCount(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value)
}

/** Events a second: `0`, `0.3/s`, `1,200/s`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0'
  const digits = perSecond < 1 ? 2 : perSecond < 10 ? 1 : 0
  return `${perSecond.toLocaleString(undefined, { maximumFractionDigits: digits })}/s`
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `12.3 MiB`. */
export function bytes(value: number): string {
  let unit = 0
  let left = value
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024
    unit++
  }
  return `${left.toLocaleString(undefined, { maximumFractionDigits: unit === 0 || left >= 100 ? 0 : 1 })} ${units[unit]}`
}

/** `1 job`, `2 jobs`. */
export function counted(value: number, noun: string, nouns: string = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`
}
